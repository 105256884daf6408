package nn

import (
	"math"

	"bellwether/tensor"
)

// Optimizer moves parameters against their gradients. Of a sparse parameter
// only the touched rows move.
type Optimizer interface {
	// Step updates every parameter; step counts from 1.
	Step(step int, rate float32)
	// State lists the arrays that a checkpoint keeps beside the weights.
	State() Params
}

// state makes an array for each parameter: of its size, or one value a row.
func state(ps Params, prefix string, fill float32, rowWise func(*Param) bool) Params {
	out := make(Params, len(ps))
	for i, p := range ps {
		n := len(p.Value)
		if rowWise != nil && rowWise(p) {
			n /= p.Width()
		}
		s := &Param{Name: prefix + p.Name, Shape: []int{n}, Value: p.training.Floats(n)}
		if fill != 0 {
			Constant(fill)(s.Value, tensor.Stream{})
		}
		out[i] = s
	}
	return out
}

func sqrt(x float32) float32 { return float32(math.Sqrt(float64(x))) }

// AdaGrad divides by the root of the sum of squared gradients (Duchi, Hazan and
// Singer 2011). With RowWise a sparse table keeps one sum a row, of the row's
// mean square.
type AdaGrad struct {
	Epsilon float32 // 0 means 1e-10
	Initial float32 // of the sums
	RowWise bool

	params, sums Params
}

// NewAdaGrad returns an optimiser of ps.
func NewAdaGrad(ps Params, o AdaGrad) *AdaGrad {
	if o.Epsilon == 0 {
		o.Epsilon = 1e-10
	}
	o.params, o.sums = ps, state(ps, "adagrad.sum:", o.Initial, o.rowWise)
	return &o
}

func (o *AdaGrad) rowWise(p *Param) bool { return o.RowWise && p.Sparse() }

// State implements Optimizer.
func (o *AdaGrad) State() Params { return o.sums }

// Step implements Optimizer.
func (o *AdaGrad) Step(_ int, rate float32) {
	s := tensor.AdaGradStep{Rate: rate, Epsilon: o.Epsilon}
	for i, p := range o.params {
		sums := o.sums[i].Value
		switch {
		case !p.Sparse():
			s.Move(p.Value, p.Grad, sums)
		case o.RowWise:
			s.MoveRowWise(p.Value, p.Grad, sums, p.Rows(), p.Width())
		default:
			s.MoveRows(p.Value, p.Grad, sums, p.Rows(), p.Width())
		}
	}
}

// Group is an optimiser of some of the parameters, at Rate times the rate of the run.
type Group struct {
	Optimizer
	Rate float32
}

// Groups are optimisers of a network's parts that move together.
type Groups []Group

// Step implements Optimizer.
func (gs Groups) Step(step int, rate float32) {
	for _, g := range gs {
		g.Optimizer.Step(step, g.Rate*rate)
	}
}

// State implements Optimizer.
func (gs Groups) State() Params {
	var all Params
	for _, g := range gs {
		all = append(all, g.Optimizer.State()...)
	}
	return all
}
