package tensor

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"bellwether/tensor/internal/reference"

	"pgregory.net/rapid"
)

func TestScanRows(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		for _, n := range []int{0, 1, 3, 4, 7, 130} {
			for _, d := range []int{1, 5, 16, 33, 64} {
				x, table, got, want := random(d, 1), random(n*d, 2), make([]float32, n), make([]float32, n)
				ScanRows(got, x, table, n, d)
				for r := range n {
					want[r] = reference.Dot(x, table[r*d:(r+1)*d])
				}
				near(t, "ScanRows", got, want, math.Sqrt(float64(d)), 1e-6)
			}
		}
	})
}

func TestScanBytes(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		for _, n := range []int{0, 1, 3, 4, 7, 130} {
			for _, d := range []int{1, 5, 31, 32, 33, 64, 100} {
				x, table := ToBytes(nil, random(d, 1), 1, d), ToBytes(nil, random(n*d, 2), n, d)
				got, want := make([]float32, n), make([]float32, n)
				ScanBytes(got, x, table)
				for r := range n {
					sum := reference.DotInt8(x.Values[:d], table.Values[r*table.Stride:][:d])
					want[r] = float32(float64(sum) * float64(x.Scales[0]) * float64(table.Scales[r]))
				}
				near(t, "ScanBytes", got, want, math.Sqrt(float64(d)), 1e-6)
			}
		}
	})
}

func TestToBytes(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		x := rapid.SliceOfN(rapid.Float32Range(-1e30, 1e30), 1, 70).Draw(r, "x")
		b := ToBytes(nil, x, 1, len(x))
		for i, v := range x {
			if off := math.Abs(float64(b.Values[i])*float64(b.Scales[0]) - float64(v)); off > .5001*float64(b.Scales[0]) {
				r.Fatalf("%g became %d·%g", v, b.Values[i], b.Scales[0])
			}
		}
	})
	b := ToBytes(nil, random(9*40, 1), 9, 40)
	if kept := ToBytes(b, make([]float32, 3*40), 3, 40); kept != b || kept.Scales[2] != 0 || slices.Max(kept.Values) != 0 {
		t.Error("zeros in the memory of another table did not become zeros")
	}
}

func TestAttentionQuery(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		for _, a := range []Attention{{Heads: 1, HeadDim: 64}, {Heads: 3, HeadDim: 5}, {Heads: 2, HeadDim: 16, Scale: .3}} {
			for _, tokens := range []int{1, 2, 15, 16, 70} {
				const more = 3 // rows of room that must not count
				width, room := a.Heads*a.HeadDim, tokens+more
				q, k, v := random(tokens*width, 1), random(tokens*width, 2), random(tokens*width, 3)
				keys, values := random(room*width, 4), random(room*width, 5)
				for i := range tokens {
					for h := range a.Heads {
						at := (h*room + i) * a.HeadDim
						copy(keys[at:at+a.HeadDim], k[i*width+h*a.HeadDim:])
						copy(values[at:at+a.HeadDim], v[i*width+h*a.HeadDim:])
					}
				}
				want, got := make([]float32, tokens*width), make([]float32, width)
				a.Forward(want, make([]float32, tokens*a.Heads), q, k, v, offsetsOf(0, tokens))
				a.Query(got, q[(tokens-1)*width:], keys, values, make([]float32, tokens), tokens, room)
				near(t, "Query", got, want[(tokens-1)*width:], 1, 2e-6)
			}
		}
	})
}

func TestTopKOf(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		scores := random(5000, 1)
		left := slices.Clone(scores)
		for i := range left {
			if i%3 != 0 {
				left[i] = float32(math.Inf(-1))
			}
		}
		asked := 0
		got := TopKOf(scores, 20, make([]int32, 20), func(i int32) bool { asked++; return i%3 != 0 })
		if want := reference.TopK(left, 20); !slices.Equal(got, want) {
			t.Errorf("%v, want %v", got, want)
		}
		if asked > 1000 {
			t.Errorf("asked about %d of 5000", asked)
		}
		if got := TopKOf(scores, 5, make([]int32, 5), func(int32) bool { return true }); len(got) != 0 {
			t.Errorf("%v of nothing", got)
		}
	})
}

func TestScanRefuses(t *testing.T) {
	table := ToBytes(nil, random(8*40, 1), 8, 40)
	for name, call := range map[string]func(){
		"dst":   func() { ScanRows(make([]float32, 3), make([]float32, 2), make([]float32, 8), 4, 2) },
		"bytes": func() { ScanBytes(make([]float32, 8), ToBytes(nil, random(39, 1), 1, 39), table) },
		"tokens": func() {
			Attention{Heads: 1, HeadDim: 2}.Query(make([]float32, 2), make([]float32, 2), nil, nil, nil, 1, 0)
		},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			call()
		}()
	}
}

// BenchmarkScan is over a table that the cache holds, and over one that it does not.
func BenchmarkScan(b *testing.B) {
	const k = 64
	for _, n := range []int{3416, 1_000_000} {
		x, table, dst := random(k, 1), random(n*k, 2), make([]float32, n)
		x8, table8 := ToBytes(nil, x, 1, k), ToBytes(nil, table, n, k)
		b.Run(fmt.Sprint("float32/", n), func(b *testing.B) {
			b.SetBytes(int64(4 * n * k))
			for b.Loop() {
				ScanRows(dst, x, table, n, k)
			}
		})
		b.Run(fmt.Sprint("bytes/", n), func(b *testing.B) {
			b.SetBytes(int64(n * k))
			for b.Loop() {
				ScanBytes(dst, x8, table8)
			}
		})
	}
}

func BenchmarkAttentionQuery(b *testing.B) {
	const tokens, d = 200, 64
	a, q, k, v, out, scores := Attention{Heads: 1, HeadDim: d}, random(d, 1), random(tokens*d, 2), random(tokens*d, 3), make([]float32, d), make([]float32, tokens)
	for b.Loop() {
		a.Query(out, q, k, v, scores, tokens, tokens)
	}
}
