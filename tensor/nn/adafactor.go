package nn

import (
	"math"

	"bellwether/tensor"
)

// Adafactor scales by a factored mean square: one value a row and one a column
// of each matrix instead of one a weight (Shazeer and Stern 2018), with update
// clipping and no momentum. Vectors keep a value a weight. Gradients must be
// dense. It is PyTorch's Adafactor with a given rate.
type Adafactor struct {
	Decay       float64 // exponent of the running mean, 0 means −.8
	Epsilon     float32 // floor of the parameter's scale, 0 means 1e-3
	Clip        float64 // largest root mean square of an update, 0 means 1
	WeightDecay float32

	params, rows, columns Params // rows hold the whole mean square of a vector
	update                []float32
}

// NewAdafactor returns an optimiser of ps.
func NewAdafactor(ps Params, o Adafactor) *Adafactor {
	if o.Decay == 0 {
		o.Decay = -.8
	}
	if o.Epsilon == 0 {
		o.Epsilon = 1e-3
	}
	if o.Clip == 0 {
		o.Clip = 1
	}
	o.params = ps
	largest := 0
	for _, p := range ps {
		largest = max(largest, len(p.Value))
		rows, columns := len(p.Value), 0
		if len(p.Shape) > 1 {
			columns = p.Width()
			rows /= columns
		}
		o.rows = append(o.rows, &Param{Name: "adafactor.rows:" + p.Name, Shape: []int{rows}, Value: make([]float32, rows)})
		o.columns = append(o.columns, &Param{Name: "adafactor.columns:" + p.Name, Shape: []int{columns}, Value: make([]float32, columns)})
	}
	o.update = make([]float32, largest)
	return &o
}

// State implements Optimizer.
func (o *Adafactor) State() Params { return append(o.rows[:len(o.rows):len(o.rows)], o.columns...) }

// Step implements Optimizer.
func (o *Adafactor) Step(step int, rate float32) {
	mix := float32(math.Pow(float64(step), o.Decay)) // weight of the new square
	for i, p := range o.params {
		update := o.update[:len(p.Value)]
		if columns := o.columns[i].Value; len(columns) > 0 {
			factored(update, p.Grad, o.rows[i].Value, columns, mix)
		} else {
			square := o.rows[i].Value
			for j, g := range p.Grad {
				square[j] += mix * (g*g - square[j])
				update[j] = g / sqrt(max(square[j], tinySquare))
			}
		}
		size := rootMeanSquare(update)
		relative := min(rate, float32(1/math.Sqrt(float64(step))))
		scale := relative * max(o.Epsilon, float32(rootMeanSquare(p.Value))) / float32(max(1, size/o.Clip))
		for j, u := range update {
			p.Value[j] = p.Value[j]*(1-rate*o.WeightDecay) - scale*u
		}
	}
}

// Floors of a mean of squares, and of a square.
const (
	tiny       = 1.0 / (1 << 23) // float32's rounding
	tinySquare = tiny * tiny
)

// factored sets update to grad over the root of its factored mean square.
func factored(update, grad, rows, columns []float32, mix float32) {
	n := len(columns)
	for r := range rows {
		rows[r] += mix * (meanSquare(grad[r*n:(r+1)*n]) - rows[r])
	}
	for c := range columns {
		var sum float32
		for r := range rows {
			g := grad[r*n+c]
			sum += g * g
		}
		columns[c] += mix * (sum/float32(len(rows)) - columns[c])
	}
	var mean float32
	for _, v := range rows {
		mean += v / float32(len(rows))
	}
	for r, v := range rows {
		for c, w := range columns {
			update[r*n+c] = grad[r*n+c] / sqrt(max(v*w/max(mean, tiny), tinySquare))
		}
	}
}

func rootMeanSquare(x []float32) float64 {
	return math.Sqrt(tensor.SumSquares(x) / float64(max(len(x), 1)))
}
