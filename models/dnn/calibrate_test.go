package dnn

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestPlatt: logits that are three times too large and shifted come back to the truth; those that know nothing give everybody the share of
// positives, and the order of rows never turns round.
func TestPlatt(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	const n = 20_000
	truth, y, positives := make([]float64, n), make([]float32, n), 0
	for i := range truth {
		truth[i] = 1.5*rng.NormFloat64() - 1
		if rng.Float64() < 1/(1+math.Exp(-truth[i])) {
			y[i] = 1
			positives++
		}
	}
	of := func(f func(float64) float64) (slope, shift float64) {
		x := make([]float64, n)
		for i, v := range truth {
			x[i] = f(v)
		}
		return platt(x, y, positives)
	}
	if slope, shift := of(func(v float64) float64 { return 3*v + 2 }); math.Abs(3*slope-1) > .05 || math.Abs(2*slope+shift) > .08 {
		t.Errorf("slope %g and shift %g of logits 3x+2", slope, shift)
	}
	share := math.Log(float64(positives) / float64(n-positives))
	if slope, shift := of(func(float64) float64 { return rng.NormFloat64() }); slope < leastSlope || slope > .05 || math.Abs(shift-share) > .05 {
		t.Errorf("slope %g and shift %g of logits that know nothing; the share of positives has %g", slope, shift, share)
	}
	if slope, shift := of(func(v float64) float64 { return -v }); slope != leastSlope || math.Abs(shift-share) > .05 {
		t.Errorf("slope %g and shift %g of logits the wrong way round", slope, shift)
	}
	if slope, shift := of(func(v float64) float64 { return 1e4 * v }); !(slope > 0 && slope < .1) || math.IsNaN(shift) {
		t.Errorf("slope %g and shift %g of huge logits", slope, shift)
	}
}
