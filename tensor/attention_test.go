package tensor

import (
	"fmt"
	"testing"

	"bellwether/tensor/internal/reference"

	"pgregory.net/rapid"
)

// offsetsOf returns the offsets of sequences with these lengths, from first.
func offsetsOf(first int, lengths ...int) []int32 {
	out := []int32{int32(first)}
	for _, n := range lengths {
		out = append(out, out[len(out)-1]+int32(n))
	}
	return out
}

// checkAttention compares both passes with the reference. Everything between
// and outside the rows of the sequences must stay as it was.
func checkAttention(t failer, a Attention, offsets []int32) {
	t.Helper()
	tokens := int(offsets[len(offsets)-1])
	full := a.withDefaults()
	stride, width := full.Stride, a.Heads*a.HeadDim
	q, k, v := random(tokens*stride, 1), random(tokens*stride, 2), random(tokens*stride, 3)
	dout := random(tokens*width, 4)
	r := reference.Attention(full)

	wantOut, wantLSE := random(tokens*width, 5), random(tokens*a.Heads, 6)
	gotOut, gotLSE := random(tokens*width, 5), random(tokens*a.Heads, 6)
	reference.CausalAttention(r, wantOut, wantLSE, q, k, v, offsets)
	a.Forward(gotOut, gotLSE, q, k, v, offsets)
	what := fmt.Sprintf("%+v %v", a, offsets)
	near(t, what+": out", gotOut, wantOut, 1, 1e-5)
	near(t, what+": lse", gotLSE, wantLSE, 1, 1e-5)

	var want, got [3][]float32
	for i := range want {
		want[i], got[i] = random(tokens*stride, 7), random(tokens*stride, 7)
	}
	reference.CausalAttentionBackward(r, want[0], want[1], want[2], dout, q, k, v, offsets)
	a.Backward(got[0], got[1], got[2], dout, gotOut, gotLSE, q, k, v, offsets)
	for i, name := range []string{"dq", "dk", "dv"} {
		near(t, what+": "+name, got[i], want[i], 2, 2e-5)
	}
}

func TestAttention(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		for _, a := range []Attention{{Heads: 1, HeadDim: 64}, {Heads: 2, HeadDim: 32}, {Heads: 3, HeadDim: 20, Stride: 3 * 60}, {Heads: 1, HeadDim: 5, Stride: 7, Scale: -0.3}} {
			checkAttention(t, a, offsetsOf(0, 1))
			checkAttention(t, a, offsetsOf(0, 1, 2, 0, 9, 16, 17, 5))
			checkAttention(t, a, offsetsOf(2, 31, 32, 33, 70))
		}
		checkAttention(t, Attention{Heads: 2, HeadDim: 16}, offsetsOf(0, 200, 3))
		checkAttention(t, Attention{Heads: 2, HeadDim: 16}, offsetsOf(0))
		checkAttention(t, Attention{Heads: 2, HeadDim: 16}, offsetsOf(0, 0, 0))
	})
}

func TestAttentionOfRandomShapes(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		a := Attention{Heads: rapid.IntRange(1, 3).Draw(r, "heads"), HeadDim: rapid.IntRange(1, 40).Draw(r, "dim")}
		a.Stride = a.Heads*a.HeadDim + rapid.IntRange(0, 9).Draw(r, "gap")
		checkAttention(r, a, offsetsOf(rapid.IntRange(0, 3).Draw(r, "first"), rapid.SliceOfN(rapid.IntRange(0, 70), 0, 4).Draw(r, "lengths")...))
	})
}

func TestAttentionIsRepeatableAndAllocatesNothing(t *testing.T) {
	a, offsets := Attention{Heads: 2, HeadDim: 32}, offsetsOf(0, 50, 9, 9, 9, 200, 1, 33, 9, 70)
	tokens := int(offsets[len(offsets)-1])
	q, k, v, dout := random(tokens*64, 1), random(tokens*64, 2), random(tokens*64, 3), random(tokens*64, 4)
	results := make([][]float32, 5)
	for i := range results {
		results[i] = make([]float32, tokens*64)
	}
	run := func() {
		a.Forward(results[0], results[1], q, k, v, offsets)
		a.Backward(results[2], results[3], results[4], dout, results[0], results[1], q, k, v, offsets)
	}
	run()
	first := make([][]float32, 5)
	for i := range first {
		first[i] = append([]float32(nil), results[i]...)
	}
	for range 5 {
		run()
		for i := range first {
			near(t, "a repeated call", results[i], first[i], 0, 0)
		}
	}
	if allocs := testing.AllocsPerRun(20, run); allocs != 0 {
		t.Errorf("a call allocates %v times", allocs)
	}
}

func BenchmarkAttention(b *testing.B) {
	for _, length := range []int{9, 50, 200} {
		lengths := make([]int, 128)
		var products float64
		for i := range lengths {
			lengths[i] = length
			products += float64(length*(length+1)) / 2 * 64
		}
		offsets := offsetsOf(0, lengths...)
		n := int(offsets[128]) * 64
		a := Attention{Heads: 1, HeadDim: 64}
		q, k, v, dout, out, lse := random(n, 1), random(n, 2), random(n, 3), random(n, 4), make([]float32, n), make([]float32, n)
		dq, dk, dv := make([]float32, n), make([]float32, n), make([]float32, n)
		report := func(b *testing.B, of float64) {
			b.ReportMetric(2*of*products*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
		}
		b.Run(fmt.Sprintf("forward/128x%d", length), func(b *testing.B) {
			for b.Loop() {
				a.Forward(out, lse, q, k, v, offsets)
			}
			report(b, 2)
		})
		b.Run(fmt.Sprintf("backward/128x%d", length), func(b *testing.B) {
			for b.Loop() {
				a.Backward(dq, dk, dv, dout, out, lse, q, k, v, offsets)
			}
			report(b, 5)
		})
	}
}
