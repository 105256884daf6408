package nn

import "math"

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
	s := adamStep{
		beta1: o.Beta1, beta2: o.Beta2, epsilon: o.Epsilon,
		decay: 1 - rate*o.WeightDecay,
		rate:  rate / float32(1-math.Pow(float64(o.Beta1), float64(step))),
		root:  float32(1 / math.Sqrt(1-math.Pow(float64(o.Beta2), float64(step)))),
	}
	for i, p := range o.params {
		square, rowWise := o.square[i].Value, o.rowWise(p)
		var mean []float32
		if o.mean != nil {
			mean = o.mean[i].Value
		}
		p.blocks(func(first int, value, grad []float32) {
			var m []float32
			if mean != nil {
				m = mean[first : first+len(value)]
			}
			if rowWise {
				s.row(value, grad, m, &square[first/len(value)])
				return
			}
			s.each(value, grad, m, square[first:first+len(value)])
		})
	}
}

type adamStep struct{ beta1, beta2, epsilon, decay, rate, root float32 }

// each moves a run of values, each with its own mean square. mean may be nil.
func (s *adamStep) each(value, grad, mean, square []float32) {
	value, square = value[:len(grad)], square[:len(grad)]
	beta2, new2, epsilon, decay, rate, root := s.beta2, 1-s.beta2, s.epsilon, s.decay, s.rate, s.root // kept in registers
	if mean == nil {
		for j, g := range grad {
			v := beta2*square[j] + new2*g*g
			square[j] = v
			value[j] = decay*value[j] - rate*g/(sqrt(v)*root+epsilon)
		}
		return
	}
	mean = mean[:len(grad)]
	new1 := 1 - s.beta1
	for j, g := range grad {
		m := mean[j] + new1*(g-mean[j])
		v := beta2*square[j] + new2*g*g
		mean[j], square[j] = m, v
		value[j] = decay*value[j] - rate*m/(sqrt(v)*root+epsilon)
	}
}

// row moves a row whose values share one mean square.
func (s *adamStep) row(value, grad, mean []float32, square *float32) {
	*square = s.beta2**square + (1-s.beta2)*meanSquare(grad)
	each := s.rate / (sqrt(*square)*s.root + s.epsilon)
	for j, g := range grad {
		if mean != nil {
			mean[j] += (1 - s.beta1) * (g - mean[j])
			g = mean[j]
		}
		value[j] = s.decay*value[j] - each*g
	}
}
