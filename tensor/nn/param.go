package nn

import (
	"fmt"
	"math"
	"slices"

	"bellwether/tensor"
)

// Param is a named array of weights with its gradient.
//
// The gradient of a dense Param has the shape of its value. That of a sparse
// one, a table of which a step touches few rows, holds the touched rows only,
// in the order of their first touch.
type Param struct {
	Name  string
	Shape []int
	Value []float32
	Grad  []float32

	touched  *touchedRows // nil: dense
	training *Memory      // for what is kept of each value or row while training

	packs             bool // Pack lays out the matrix for products
	forward, backward *tensor.Packed
}

// touchedRows is a set of rows in the order of their coming: a hash table of
// places, which stays in cache however large the table is whose rows they are.
type touchedRows struct {
	rows   []int32
	places []int32 // by hash of the row, then linear probing: 1 + its place in rows, 0 for none

	first, again []int32 // of one AddGrad: where rows come for the first time, and where once more
}

// add returns the place of a row among rows, and whether it is new there.
func (t *touchedRows) add(row int32) (place int, fresh bool) {
	if 2*len(t.rows) >= len(t.places) {
		t.grow()
	}
	at := t.find(row)
	if p := t.places[at]; p != 0 {
		return int(p - 1), false
	}
	t.rows = append(t.rows, row)
	t.places[at] = int32(len(t.rows))
	return len(t.rows) - 1, true
}

// find returns where the row is, or where it may go.
func (t *touchedRows) find(row int32) int {
	mask := uint32(len(t.places) - 1)
	for at := uint32(row) * 0x9e3779b1 >> 7; ; at++ { // Knuth's multiplicative hash: its middle bits
		if p := t.places[at&mask]; p == 0 || t.rows[p-1] == row {
			return int(at & mask)
		}
	}
}

func (t *touchedRows) grow() {
	t.places = make([]int32, max(64, 2*len(t.places)))
	for i, row := range t.rows {
		t.places[t.find(row)] = int32(i + 1)
	}
}

func (t *touchedRows) clear() {
	t.rows = t.rows[:0]
	clear(t.places)
}

// Sparse reports whether the gradient holds touched rows only.
func (p *Param) Sparse() bool { return p.touched != nil }

// Rows lists the touched rows of a sparse Param: row i of Grad belongs to Rows()[i].
func (p *Param) Rows() []int32 { return p.touched.rows }

// Width is the length of a row: the last dimension.
func (p *Param) Width() int { return p.Shape[len(p.Shape)-1] }

// Row returns row i of the value.
func (p *Param) Row(i int32) []float32 {
	w := p.Width()
	return p.Value[int(i)*w : (int(i)+1)*w]
}

// GradRow returns the gradient of row i for adding to it. The slice is valid
// until the next call.
func (p *Param) GradRow(i int32) []float32 {
	w := p.Width()
	if p.touched == nil {
		return p.Grad[int(i)*w : (int(i)+1)*w]
	}
	place, fresh := p.touched.add(i)
	if fresh {
		p.Grad = appendZeros(p.Grad, w)
	}
	return p.Grad[place*w : (place+1)*w]
}

// Gather sets row i of dst to row ids[i] of the value, or to zero where that is negative.
func (p *Param) Gather(dst []float32, ids []int32) { tensor.GatherRows(dst, p.Value, ids, p.Width()) }

// AddGrad adds row i of g to the gradient of row ids[i]; negative ids are left out.
func (p *Param) AddGrad(g []float32, ids []int32) {
	w := p.Width()
	t := p.touched
	if t == nil {
		tensor.ScatterAddRows(p.Grad, g, ids, w)
		return
	}
	t.first, t.again = t.first[:0], t.again[:0]
	for i, id := range ids {
		if id < 0 {
			continue
		}
		if _, fresh := t.add(id); fresh {
			t.first = append(t.first, int32(i))
		} else {
			t.again = append(t.again, int32(i))
		}
	}
	n := len(p.Grad)
	p.Grad = slices.Grow(p.Grad, len(t.first)*w)[:n+len(t.first)*w]
	tensor.GatherRows(p.Grad[n:], g, t.first, w)
	for _, i := range t.again {
		sum := p.GradRow(ids[i])
		tensor.Add(sum, sum, g[int(i)*w:(int(i)+1)*w])
	}
}

func appendZeros(x []float32, n int) []float32 {
	for cap(x)-len(x) < n {
		x = append(x[:cap(x)], 0)[:len(x)]
	}
	x = x[:len(x)+n]
	clear(x[len(x)-n:])
	return x
}

// Params is the list of a network's parameters.
type Params []*Param

// Count returns the number of weights.
func (ps Params) Count() int64 {
	var n int64
	for _, p := range ps {
		n += int64(len(p.Value))
	}
	return n
}

// ZeroGrad forgets the gradients.
func (ps Params) ZeroGrad() {
	for _, p := range ps {
		if p.touched == nil {
			clear(p.Grad)
			continue
		}
		p.touched.clear()
		p.Grad = p.Grad[:0]
	}
}

// Pack lays out the matrices for the products of the passes that follow. It is
// called when weights have changed: once a training step, once after loading.
func (ps Params) Pack() {
	for _, p := range ps {
		if p.packs {
			out, in := p.Shape[0], p.Shape[1]
			p.forward = tensor.PackT(p.forward, p.Value, in, out)
			p.backward = tensor.Pack(p.backward, p.Value, out, in)
		}
	}
}

// ForgetGrads gives up the gradients once training is over.
func (ps Params) ForgetGrads() {
	for _, p := range ps {
		p.Grad = nil
		if p.touched != nil {
			p.touched = new(touchedRows)
		}
	}
}

// GradNorm returns the Euclidean norm of all gradients as one vector.
func (ps Params) GradNorm() float64 {
	var sum float64
	for _, p := range ps {
		sum += tensor.SumSquares(p.Grad)
	}
	return math.Sqrt(sum)
}

// ClipGrad scales the gradients so that their norm, which is given, is at most limit.
func (ps Params) ClipGrad(norm, limit float64) {
	if limit <= 0 || norm <= limit {
		return
	}
	for _, p := range ps {
		tensor.Scale(float32(limit/(norm+1e-6)), p.Grad)
	}
}

// NotFiniteError reports the first NaN or infinity of a training run.
type NotFiniteError struct {
	What string // "loss", "weight", "gradient"
	Name string // of the parameter; "" for the loss
	Step int
}

func (e *NotFiniteError) Error() string {
	where := e.What
	if e.Name != "" {
		where = e.What + " of " + e.Name
	}
	return fmt.Sprintf("nn: %s is not finite at step %d: look for extreme values in the data, or lower the learning rate", where, e.Step)
}

// notFinite finds what is not finite, weights before gradients, in the order of the list.
func (ps Params) notFinite(step int) error {
	for _, p := range ps {
		if tensor.CheckFinite(p.Value) >= 0 {
			return &NotFiniteError{What: "weight", Name: p.Name, Step: step}
		}
	}
	for _, p := range ps {
		if tensor.CheckFinite(p.Grad) >= 0 {
			return &NotFiniteError{What: "gradient", Name: p.Name, Step: step}
		}
	}
	return &NotFiniteError{What: "loss", Step: step}
}
