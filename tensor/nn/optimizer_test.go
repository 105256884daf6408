package nn

import (
	"math"
	"testing"
)

// quadratic is Σ (x − 3)² over a parameter.
func quadratic(p *Param) {
	for i := range p.Value {
		p.Grad[i] = 2 * (p.Value[i] - 3)
	}
}

func TestOptimizersFindTheMinimum(t *testing.T) {
	for name, make := range map[string]func(Params) (Optimizer, float32){
		"adagrad": func(ps Params) (Optimizer, float32) { return NewAdaGrad(ps, AdaGrad{}), 1 },
		"adam":    func(ps Params) (Optimizer, float32) { return NewAdam(ps, Adam{}), .1 },
	} {
		b := NewBuilder(1)
		p := b.Param("x", Normal(1), 5)
		o, rate := make(b.Params())
		for step := 1; step <= 500; step++ {
			quadratic(p)
			o.Step(step, rate)
		}
		for _, v := range p.Value {
			if math.Abs(float64(v)-3) > 1e-2 {
				t.Errorf("%s stopped at %g, the minimum is at 3", name, v)
			}
		}
	}
}

func TestSparseOptimizersMoveTouchedRowsOnly(t *testing.T) {
	for name, make := range map[string]func(Params) Optimizer{
		"adagrad":          func(ps Params) Optimizer { return NewAdaGrad(ps, AdaGrad{}) },
		"row-wise adagrad": func(ps Params) Optimizer { return NewAdaGrad(ps, AdaGrad{RowWise: true}) },
		"adam":             func(ps Params) Optimizer { return NewAdam(ps, Adam{}) },
		"row-wise adam":    func(ps Params) Optimizer { return NewAdam(ps, Adam{RowWise: true}) },
		"no mean":          func(ps Params) Optimizer { return NewAdam(ps, Adam{RowWise: true, Beta1: -1}) },
	} {
		b := NewBuilder(1)
		p := b.Table("x", Normal(1), 6, 2)
		o := make(b.Params())
		for step := 1; step <= 2; step++ {
			b.Params().ZeroGrad()
			p.GradRow(4)[0] = 1
			p.GradRow(1)[1] = -1
			before := append([]float32(nil), p.Value...)
			o.Step(step, .1)
			for i, v := range p.Value {
				row := i / 2
				if touched := row == 4 || row == 1; !touched && v != before[i] {
					t.Errorf("%s moved row %d, which had no gradient", name, row)
				}
			}
			if !(p.Row(4)[0] < before[8]) || !(p.Row(1)[1] > before[3]) {
				t.Errorf("%s did not move against the gradient", name)
			}
		}
	}
}

func TestRowWiseStateIsOneValueARow(t *testing.T) {
	b := NewBuilder(1)
	b.Table("x", Normal(1), 6, 8)
	if n := NewAdaGrad(b.Params(), AdaGrad{RowWise: true}).State().Count(); n != 6 {
		t.Errorf("AdaGrad keeps %d values for 6 rows", n)
	}
	if n := NewAdam(b.Params(), Adam{RowWise: true, Beta1: -1}).State().Count(); n != 6 {
		t.Errorf("Adam without a mean keeps %d values for 6 rows", n)
	}
}

func TestSchedule(t *testing.T) {
	s := Schedule{Peak: 1, Floor: .1, Warmup: 10, Total: 110}
	for step, want := range map[int]float64{1: .1, 5: .5, 10: 1, 60: .55, 110: .1, 500: .1} {
		if got := float64(s.At(step)); math.Abs(got-want) > 1e-6 {
			t.Errorf("rate at step %d is %g, want %g", step, got, want)
		}
	}
	if got := (Schedule{Peak: .5}).At(1000); got != .5 {
		t.Errorf("a constant rate became %g", got)
	}
}

func TestClipGrad(t *testing.T) {
	b := NewBuilder(1)
	p := b.Param("x", Constant(0), 2)
	p.Grad[0], p.Grad[1] = 3, 4
	b.Params().ClipGrad(b.Params().GradNorm(), 1)
	if n := b.Params().GradNorm(); math.Abs(n-1) > 1e-5 {
		t.Errorf("norm %g after clipping to 1", n)
	}
	b.Params().ClipGrad(b.Params().GradNorm(), 2)
	if n := b.Params().GradNorm(); math.Abs(n-1) > 1e-5 {
		t.Errorf("norm %g: clipping raised it", n)
	}
}

func TestAverage(t *testing.T) {
	b := NewBuilder(1)
	p := b.Param("x", Constant(1), 1)
	a := NewAverage(b.Params(), .5)
	p.Value[0] = 3
	a.Update(1000)
	a.Swap()
	if p.Value[0] != 2 {
		t.Errorf("average %g, want 2", p.Value[0])
	}
	a.Swap()
	if p.Value[0] != 3 {
		t.Errorf("weight %g after swapping back, want 3", p.Value[0])
	}
	a.Update(1) // decays by 2/11 only
	a.Swap()
	if got, want := float64(p.Value[0]), 2*2./11+3*9./11; math.Abs(got-want) > 1e-6 {
		t.Errorf("average %g after a first step, want %g", got, want)
	}
}

// A vector has a mean square a value; after one step that is the square of the gradient itself,
// so that every value moves by the same amount. A matrix without a gradient stays.
func TestAdafactorOfVectorsAndZeros(t *testing.T) {
	b := NewBuilder(1)
	v, m := b.Param("v", Constant(1), 3), b.Param("m", Normal(1), 4, 5)
	copy(v.Grad, []float32{.5, -2, 1e-3})
	before := append([]float32(nil), m.Value...)
	NewAdafactor(b.Params(), Adafactor{}).Step(1, .1)
	near(t, "vector", v.Value, []float32{.9, 1.1, .9})
	near(t, "matrix", m.Value, before)
}

func TestGroupsMoveTheirOwn(t *testing.T) {
	b := NewBuilder(1)
	x, y := b.Param("x", Constant(0), 1), b.Param("y", Constant(0), 1)
	x.Grad[0], y.Grad[0] = 1, 1
	gs := Groups{{descent{Params{x}}, 1}, {NewAdaGrad(Params{y}, AdaGrad{}), .1}}
	gs.Step(1, .5)
	near(t, "values", []float32{x.Value[0], y.Value[0]}, []float32{-.5, -.05})
	if names := gs.State(); len(names) != 1 || names[0].Name != "adagrad.sum:y" {
		t.Errorf("state %v", names)
	}
}
