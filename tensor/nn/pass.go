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

	floats  arena[float32]
	indices arena[int32]
}

// Begin starts a pass over rows; the buffers of the last one are taken back.
func (p *Pass) Begin(rows int, offsets []int32) {
	p.Rows, p.Offsets = rows, offsets
	p.floats.reset()
	p.indices.reset()
}

// Buffer returns n floats that are valid until the next Begin; they hold anything.
func (p *Pass) Buffer(n int) []float32 { return p.floats.take(n) }

// Indices returns n indices that are valid until the next Begin; they hold anything.
func (p *Pass) Indices(n int) []int32 { return p.indices.take(n) }

// arena hands out parts of one slab, which grows to what a pass needed.
type arena[T any] struct {
	slab []T
	used int
	over int // what was asked for beyond the slab
}

func (a *arena[T]) reset() {
	if a.over > 0 {
		a.slab = make([]T, a.used+a.over+a.over/4)
	}
	a.used, a.over = 0, 0
}

func (a *arena[T]) take(n int) []T {
	room := (n + 15) &^ 15 // whole cache lines
	if a.used+room > len(a.slab) {
		a.over += room
		return make([]T, n)
	}
	x := a.slab[a.used : a.used+n : a.used+n]
	a.used += room
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
