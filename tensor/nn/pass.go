package nn

import "bellwether/tensor"

// Pass is one run of a network, forward and perhaps backward, and the memory of
// its activations. It belongs to one goroutine at a time and is used again and
// again; the zero value is ready.
type Pass struct {
	Train   bool          // keep what the backward pass needs, and drop out
	Rows    int           // tokens or examples of this pass
	Offsets []int32       // sequence s is the tokens Offsets[s] … Offsets[s+1]−1; nil where order plays no part
	Random  tensor.Stream // Seed and Step of the dropouts

	slab []float32
	used int
	over int // what was asked for beyond the slab
}

// Begin starts a pass over rows; the buffers of the last one are taken back.
func (p *Pass) Begin(rows int, offsets []int32) {
	p.Rows, p.Offsets = rows, offsets
	if p.over > 0 {
		p.slab = make([]float32, p.used+p.over+p.over/4)
	}
	p.used, p.over = 0, 0
}

// Buffer returns n floats that are valid until the next Begin; they hold anything.
func (p *Pass) Buffer(n int) []float32 {
	room := (n + 15) &^ 15 // whole cache lines
	if p.used+room > len(p.slab) {
		p.over += room
		return make([]float32, n)
	}
	x := p.slab[p.used : p.used+n : p.used+n]
	p.used += room
	return x
}

// Layer is a differentiable function of rows. Forward and Backward come in
// pairs; what they return is valid until the pass begins anew, and neither
// changes its argument.
type Layer interface {
	// Forward maps x, [rows, in], to [rows, out].
	Forward(p *Pass, x []float32) []float32
	// Backward takes the gradient of what Forward returned, adds to the
	// gradients of the parameters and returns the gradient of x.
	Backward(p *Pass, dy []float32) []float32
}

// Sequential applies layers one after another.
type Sequential []Layer

// Forward implements Layer.
func (s Sequential) Forward(p *Pass, x []float32) []float32 {
	for _, l := range s {
		x = l.Forward(p, x)
	}
	return x
}

// Backward implements Layer.
func (s Sequential) Backward(p *Pass, dy []float32) []float32 {
	for i := len(s) - 1; i >= 0; i-- {
		dy = s[i].Backward(p, dy)
	}
	return dy
}
