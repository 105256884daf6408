package nn

import (
	"math"

	"bellwether/tensor"
)

// Adam follows running means of the gradient and of its square (Kingma and Ba
// 2015). For a sparse table it is PyTorch's SparseAdam: rows that a step does
// not touch keep value and means. With RowWise a sparse table keeps one mean
// square a row; with Beta1 < 0, no mean of the gradient either.
type Adam struct {
	Beta1, Beta2 float32 // 0 means .9 and .999
	Epsilon      float32 // 0 means 1e-8
	WeightDecay  float32 // AdamW: value −= rate·WeightDecay·value (Loshchilov and Hutter 2019)
	RowWise      bool

	params, mean, square Params
}

// NewAdam returns an optimiser of ps.
func NewAdam(ps Params, o Adam) *Adam {
	orElse := func(x *float32, v float32) {
		if *x == 0 {
			*x = v
		}
	}
	orElse(&o.Beta1, .9)
	orElse(&o.Beta2, .999)
	orElse(&o.Epsilon, 1e-8)
	o.params, o.square = ps, state(ps, "adam.square:", 0, o.rowWise)
	if o.Beta1 < 0 {
		o.Beta1 = 0
	} else {
		o.mean = state(ps, "adam.mean:", 0, nil)
	}
	return &o
}

func (o *Adam) rowWise(p *Param) bool { return o.RowWise && p.Sparse() }

// State implements Optimizer.
func (o *Adam) State() Params { return append(o.mean[:len(o.mean):len(o.mean)], o.square...) }

// Step implements Optimizer.
func (o *Adam) Step(step int, rate float32) {
	s := tensor.AdamStep{
		Beta1: o.Beta1, Beta2: o.Beta2, Epsilon: o.Epsilon,
		Decay: 1 - rate*o.WeightDecay,
		Rate:  rate / float32(1-math.Pow(float64(o.Beta1), float64(step))),
		Root:  float32(1 / math.Sqrt(1-math.Pow(float64(o.Beta2), float64(step)))),
	}
	for i, p := range o.params {
		var mean []float32
		if o.mean != nil {
			mean = o.mean[i].Value
		}
		square := o.square[i].Value
		switch {
		case !p.Sparse():
			s.Move(p.Value, p.Grad, mean, square)
		case o.RowWise:
			s.MoveRowWise(p.Value, p.Grad, mean, square, p.Rows(), p.Width())
		default:
			s.MoveRows(p.Value, p.Grad, mean, square, p.Rows(), p.Width())
		}
	}
}
