package nn

import (
	"fmt"
	"math"
	"slices"
	"unsafe"

	"bellwether/tensor"
	"bellwether/tensor/internal/kernel"
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

	touched *touchedRows // nil: dense

	packs             bool // Pack lays out the matrix for products
	forward, backward *tensor.Packed
}

type touchedRows struct {
	rows []int32
	slot []int32 // by row of the table: 1 + place in rows, 0 when untouched
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
	t := p.touched
	if t.slot[i] == 0 {
		t.rows = append(t.rows, i)
		t.slot[i] = int32(len(t.rows))
		p.Grad = appendZeros(p.Grad, w)
	}
	at := int(t.slot[i]-1) * w
	return p.Grad[at : at+w]
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
	p.Grad = slices.Grow(p.Grad, len(ids)*w)
	for i, id := range ids {
		t.prefetch(ids, i)
		if id < 0 {
			continue
		}
		row := g[i*w : (i+1)*w]
		if t.slot[id] == 0 {
			t.rows = append(t.rows, id)
			t.slot[id] = int32(len(t.rows))
			p.Grad = append(p.Grad, row...)
			continue
		}
		at := int(t.slot[id]-1) * w
		tensor.Add(p.Grad[at:at+w], p.Grad[at:at+w], row)
	}
}

// prefetch asks for the slot that comes a little after number i.
func (t *touchedRows) prefetch(ids []int32, i int) {
	const ahead = 16
	if i+ahead < len(ids) && ids[i+ahead] >= 0 {
		kernel.Prefetch(unsafe.Slice((*float32)(unsafe.Pointer(&t.slot[ids[i+ahead]])), 1))
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

// blocks calls visit for each run of values that moves in a step: the whole of a dense
// Param, each touched row of a sparse one. first is the index of value[0] in Value.
func (p *Param) blocks(visit func(first int, value, grad []float32)) {
	if p.touched == nil {
		visit(0, p.Value, p.Grad)
		return
	}
	w := p.Width()
	for i, row := range p.touched.rows {
		visit(int(row)*w, p.Row(row), p.Grad[i*w:(i+1)*w])
	}
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
		for _, row := range p.touched.rows {
			p.touched.slot[row] = 0
		}
		p.touched.rows, p.Grad = p.touched.rows[:0], p.Grad[:0]
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
