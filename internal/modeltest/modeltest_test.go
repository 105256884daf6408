package modeltest

import (
	"fmt"
	"strings"
	"testing"
)

// recorder keeps what a check reports.
type recorder struct {
	testing.TB
	errors []string
}

func (r *recorder) Helper() {}
func (r *recorder) Errorf(format string, a ...any) {
	r.errors = append(r.errors, fmt.Sprintf(format, a...))
}

func TestCheckGradientsFindsTheWrongOne(t *testing.T) {
	x := []float32{1, -2, .5}
	cube := func() float64 {
		var sum float64
		for _, v := range x {
			sum += float64(v) * float64(v) * float64(v)
		}
		return sum
	}
	var r recorder
	CheckGradients(&r, 1e-2, cube, Gradient{Name: "x", Value: x, Grad: []float32{3, 12, .75}})
	if len(r.errors) != 0 {
		t.Errorf("right gradients: %v", r.errors)
	}
	CheckGradients(&r, 1e-2, cube, Gradient{Name: "x", Value: x, Grad: []float32{3, 11.7, .75}})
	if len(r.errors) != 1 || !strings.Contains(r.errors[0], "x: gradient 1 is 11.7") {
		t.Errorf("a gradient that is 2.5 %% off: %v", r.errors)
	}
	if x[0] != 1 || x[1] != -2 || x[2] != .5 {
		t.Errorf("the values were left changed: %v", x)
	}
}
