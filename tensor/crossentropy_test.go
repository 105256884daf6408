package tensor

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"bellwether/tensor/internal/reference"
)

type entropyCase struct{ t, n, d int }

// checkCrossEntropyCase compares value and gradients with the reference. Logits of
// spread 30 make some tokens' maxima rise late and most exponentials vanish.
func checkEntropy(t *testing.T, s entropyCase, spread float32) {
	t.Helper()
	rng := rand.New(rand.NewPCG(uint64(s.t), uint64(s.n)))
	h, e := random(s.t*s.d, 1), random(s.n*s.d, 2)
	Scale(spread/float32(math.Sqrt(float64(s.d))), h)
	targets := make([]int32, s.t)
	for i := range targets {
		targets[i] = int32(rng.IntN(s.n+s.n/5+1)) - int32(s.n/5+1) // some have none
	}
	scale := float32(1) / float32(s.t+1)
	wantH, wantE := make([]float32, s.t*s.d), random(s.n*s.d, 3)
	gotH, gotE := append(random(s.t*s.d, 4), 77), append(random(s.n*s.d, 3), 77)
	want := reference.SoftmaxCrossEntropy(h, e, targets, s.t, s.n, s.d, wantH, wantE, scale)
	got := SoftmaxCrossEntropy(h, e, targets, s.t, s.n, s.d, gotH, gotE, scale)
	what := fmt.Sprintf("%+v spread %v", s, spread)
	if math.Abs(got-want) > 1e-5*max(1, math.Abs(want)) {
		t.Fatalf("%s: loss %v, want %v", what, got, want)
	}
	unit := float64(scale) * float64(max(spread, 1))
	near(t, what+": dh", gotH, append(wantH, 77), unit, 2e-5)
	near(t, what+": de", gotE, append(wantE, 77), 1, 2e-5)

	onlyH := make([]float32, s.t*s.d)
	if alone := SoftmaxCrossEntropy(h, e, targets, s.t, s.n, s.d, onlyH, nil, scale); alone != got {
		t.Errorf("%s: loss without de is %v, with it %v", what, alone, got)
	}
	near(t, what+": dh alone", onlyH, gotH[:len(onlyH)], 0, 0)
	onlyE := random(s.n*s.d, 3)
	SoftmaxCrossEntropy(h, e, targets, s.t, s.n, s.d, nil, onlyE, scale)
	near(t, what+": de alone", onlyE, gotE[:len(onlyE)], 0, 0)
	if alone := SoftmaxCrossEntropy(h, e, targets, s.t, s.n, s.d, nil, nil, scale); alone != got {
		t.Errorf("%s: loss without gradients is %v, with them %v", what, alone, got)
	}
}

func TestSoftmaxCrossEntropy(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		for _, s := range []entropyCase{{1, 1, 1}, {1, 7, 3}, {3, 12, 8}, {5, 239, 16}, {17, 241, 20}, {33, 500, 33}, {200, 97, 64}, {97, 721, 70}, {250, 480, 5}} {
			for _, spread := range []float32{1, 30} {
				checkEntropy(t, s, spread)
			}
		}
	})
}

func TestSoftmaxCrossEntropyOfNothing(t *testing.T) {
	h, e, dh := random(8, 1), random(12, 2), random(8, 3)
	if loss := SoftmaxCrossEntropy(h, e, []int32{-1, -1}, 2, 3, 4, dh, make([]float32, 12), 1); loss != 0 {
		t.Errorf("no targets: loss %v", loss)
	}
	near(t, "dh", dh, make([]float32, 8), 0, 0)
	SoftmaxCrossEntropy(nil, nil, nil, 0, 0, 4, nil, nil, 1)
}

func TestSoftmaxCrossEntropyIsRepeatable(t *testing.T) {
	const tokens, n, d = 300, 1000, 32
	h, e, targets := random(tokens*d, 1), random(n*d, 2), make([]int32, tokens)
	var first []float32
	for range 5 {
		dh, de := make([]float32, tokens*d), make([]float32, n*d)
		loss := float32(SoftmaxCrossEntropy(h, e, targets, tokens, n, d, dh, de, 1))
		all := append(append(dh, de...), loss)
		if first == nil {
			first = all
		}
		near(t, "a repeated call", all, first, 0, 0)
	}
}

func TestSoftmaxCrossEntropyAllocatesNothing(t *testing.T) {
	const tokens, n, d = 200, 500, 32
	h, e, targets, dh, de := random(tokens*d, 1), random(n*d, 2), make([]int32, tokens), make([]float32, tokens*d), make([]float32, n*d)
	f := func() { SoftmaxCrossEntropy(h, e, targets, tokens, n, d, dh, de, 1) }
	for range 4 {
		f()
	}
	if allocs := testing.AllocsPerRun(20, f); allocs != 0 {
		t.Errorf("a call allocates %v times", allocs)
	}
}

func BenchmarkSoftmaxCrossEntropy(b *testing.B) {
	for _, s := range []entropyCase{{1152, 12101, 64}, {6400, 3416, 64}, {128, 3416, 64}} {
		b.Run(fmt.Sprintf("%dx%dx%d", s.t, s.n, s.d), func(b *testing.B) {
			h, e, targets, dh, de := random(s.t*s.d, 1), random(s.n*s.d, 2), make([]int32, s.t), make([]float32, s.t*s.d), make([]float32, s.n*s.d)
			for b.Loop() {
				SoftmaxCrossEntropy(h, e, targets, s.t, s.n, s.d, dh, de, 1)
			}
			b.ReportMetric(6*float64(s.t)*float64(s.n)*float64(s.d)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
		})
	}
}
