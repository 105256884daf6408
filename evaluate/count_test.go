package evaluate

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestCount compares with the two comparisons that it stands for.
func TestCount(t *testing.T) {
	odd := []float32{0, float32(math.Copysign(0, -1)), float32(math.Inf(1)), float32(math.Inf(-1)), math.MaxFloat32, -math.MaxFloat32, 1e-45, -1e-45, 1, -1}
	score := rapid.OneOf(rapid.SampledFrom(odd), rapid.Float32())
	rapid.Check(t, func(t *rapid.T) {
		scores, own := rapid.SliceOf(score).Draw(t, "scores"), score.Draw(t, "own")
		above, tied := 0, 0
		for _, v := range scores {
			if v > own {
				above++
			}
			if v == own {
				tied++
			}
		}
		if a, e, ok := count(scores, own); a != above || e != tied || !ok {
			t.Fatalf("%d above, %d level, all numbers: %v; want %d and %d", a, e, ok, above, tied)
		}
		for _, bits := range []uint32{0x7f800001, 0x7fffffff, 0xffffffff, 0xff800001} {
			if _, _, ok := count(append(scores, math.Float32frombits(bits)), own); ok {
				t.Fatalf("the NaN %#x was not seen", bits)
			}
		}
	})
}

// TestTop compares with a sort.
func TestTop(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var scores []float32
		for _, v := range rapid.SliceOf(rapid.IntRange(-1, 9)).Draw(t, "scores") {
			scores = append(scores, float32(v))
			if v == -1 {
				scores[len(scores)-1] = float32(math.NaN())
			}
		}
		var want []int32
		for i, v := range scores {
			if v == v {
				want = append(want, int32(i))
			}
		}
		slices.SortStableFunc(want, func(a, b int32) int { return int(scores[b] - scores[a]) })
		k := rapid.IntRange(1, 12).Draw(t, "k")
		want = want[:min(k, len(want))]
		if got := top(nil, scores, k); !slices.Equal(got, want) {
			t.Fatalf("the best %d of %v are %v, want %v", k, scores, got, want)
		}
	})
}
