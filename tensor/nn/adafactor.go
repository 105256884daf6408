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
	Floor       float32 // least root mean square of a gradient, 0 means PyTorch's 2⁻²³; the paper's is 1e-15
	Clip        float64 // largest root mean square of an update, 0 means 1
	WeightDecay float32

	params, rows, columns Params // rows hold the whole mean square of a vector
	work                  [][]float32
}

// NewAdafactor returns an optimiser of ps.
func NewAdafactor(ps Params, o Adafactor) *Adafactor {
	if o.Decay == 0 {
		o.Decay = -.8
	}
	if o.Epsilon == 0 {
		o.Epsilon = 1e-3
	}
	if o.Floor == 0 {
		o.Floor = 1.0 / (1 << 23)
	}
	if o.Clip == 0 {
		o.Clip = 1
	}
	o.params = ps
	for _, p := range ps {
		rows, columns := len(p.Value), 0
		if len(p.Shape) > 1 {
			columns = p.Width()
			rows /= columns
		}
		o.rows = append(o.rows, &Param{Name: "adafactor.rows:" + p.Name, Shape: []int{rows}, Value: make([]float32, rows)})
		o.work = append(o.work, make([]float32, 2*columns))
		o.columns = append(o.columns, &Param{Name: "adafactor.columns:" + p.Name, Shape: []int{columns}, Value: make([]float32, columns)})
	}
	return &o
}

// State implements Optimizer.
func (o *Adafactor) State() Params { return append(o.rows[:len(o.rows):len(o.rows)], o.columns...) }

// Step implements Optimizer.
func (o *Adafactor) Step(step int, rate float32) {
	mix := float32(math.Pow(float64(step), o.Decay)) // weight of the new square
	relative := min(rate, float32(1/math.Sqrt(float64(step))))
	tensor.Parallel(len(o.params), func(i int) {
		p, columns := o.params[i], o.columns[i].Value
		u := &update{width: max(len(columns), 1), square: o.rows[i].Value, columns: columns, floor: o.Floor, work: o.work[i]}
		if len(columns) > 0 {
			u.factors(p.Grad, mix)
		} else {
			for j, g := range p.Grad {
				u.square[j] += mix * (g*g - u.square[j])
			}
		}
		size := math.Sqrt(u.sumSquares(p.Grad) / float64(max(len(p.Grad), 1)))
		scale := relative * max(o.Epsilon, rootMeanSquare(p.Value)) / float32(max(1, size/o.Clip))
		if o.WeightDecay != 0 {
			tensor.Scale(1-rate*o.WeightDecay, p.Value)
		}
		u.move(p.Value, p.Grad, scale)
	})
}

// update is a gradient over the root of its mean square, a row at a time:
//
//	grad[r,c] / √max(square[r]·columns[c]/max(mean(square), floor), floor²)
//
// and for a vector, whose rows are single values without columns, grad/√max(square, floor²).
type update struct {
	width           int
	square, columns []float32
	floor           float32
	mean            float32 // of square
	least           float32 // of columns
	work            []float32
	inverse, row    []float32 // 1/√columns, and working memory
}

// factors brings the means of rows and columns up to date.
func (u *update) factors(grad []float32, mix float32) {
	n := u.width
	u.inverse, u.row = u.work[:n], u.work[n:2*n]
	sums := u.inverse
	clear(sums)
	for r := range u.square {
		g := grad[r*n : (r+1)*n]
		tensor.Mul(u.row, g, g)
		tensor.Add(sums, sums, u.row)
		u.square[r] += mix * (float32(tensor.Sum(u.row)/float64(n)) - u.square[r])
	}
	u.least = float32(math.Inf(1))
	for c, sum := range sums {
		u.columns[c] += mix * (sum/float32(len(u.square)) - u.columns[c])
		u.least = min(u.least, u.columns[c])
		u.inverse[c] = 1 / sqrt(u.columns[c])
	}
	u.mean = max(float32(tensor.Sum(u.square)/float64(max(len(u.square), 1))), u.floor)
}

// of returns row r and a number that it is to be multiplied by.
func (u *update) of(grad []float32, r int) ([]float32, float32) {
	g := grad[r*u.width : (r+1)*u.width]
	if len(u.columns) == 0 {
		return g, 1 / sqrt(max(u.square[r], u.floor*u.floor))
	}
	if u.square[r] == 0 {
		return g, 0 // there never was a gradient
	}
	factor := u.square[r] / u.mean
	if factor*u.least >= u.floor*u.floor { // nowhere in the row is the floor reached
		tensor.Mul(u.row, g, u.inverse)
		return u.row, 1 / sqrt(factor)
	}
	for c, w := range u.columns {
		u.row[c] = g[c] / sqrt(max(factor*w, u.floor*u.floor))
	}
	return u.row, 1
}

func (u *update) sumSquares(grad []float32) float64 {
	var sum float64
	for r := range u.square {
		row, scale := u.of(grad, r)
		sum += tensor.SumSquares(row) * float64(scale) * float64(scale)
	}
	return sum
}

// move subtracts rate times the update.
func (u *update) move(value, grad []float32, rate float32) {
	for r := range u.square {
		row, scale := u.of(grad, r)
		tensor.Axpy(-rate*scale, row, value[r*u.width:(r+1)*u.width])
	}
}

func rootMeanSquare(x []float32) float32 {
	return float32(math.Sqrt(tensor.SumSquares(x) / float64(max(len(x), 1))))
}
