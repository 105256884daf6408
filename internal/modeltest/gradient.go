package modeltest

import (
	"math"
	"testing"
)

// Gradient is a function's parameter with the gradient that is to be checked.
type Gradient struct {
	Name  string
	Value []float32 // changed while checking and put back
	Grad  []float32 // what the backward pass gave at Value
}

// CheckGradients compares gradients with central differences of loss, which
// computes a scalar, in float64 from the present values. It fails where they differ
// by more than tolerance relative to the larger of them, 1e-2 at least. At most 40
// elements of each parameter are probed, spread evenly.
func CheckGradients(t testing.TB, tolerance float64, loss func() float64, gradients ...Gradient) {
	t.Helper()
	const step = 1e-2
	for _, g := range gradients {
		if len(g.Value) != len(g.Grad) {
			t.Fatalf("%s: %d values, %d gradients", g.Name, len(g.Value), len(g.Grad))
		}
		grad := append([]float32(nil), g.Grad...)
		for i := 0; i < len(grad); i += max(1, len(grad)/40) {
			want := difference(loss, g.Value, i, step)
			got := float64(grad[i])
			if diff := math.Abs(got - want); !(diff <= tolerance*max(math.Abs(got), math.Abs(want), 1e-2)) {
				t.Errorf("%s: gradient %d is %g, finite differences give %g", g.Name, i, grad[i], want)
			}
		}
	}
}

// difference is the central difference of fourth order, whose error is h⁴: the
// step can be large against the rounding of float32.
func difference(loss func() float64, x []float32, i int, h float32) float64 {
	at := func(d float32) float64 {
		old := x[i]
		x[i] = old + d
		defer func() { x[i] = old }()
		return loss()
	}
	return (8*(at(h)-at(-h)) - (at(2*h) - at(-2*h))) / (12 * float64(h))
}
