package tensor

import (
	"bellwether/tensor/internal/kernel"
	"bellwether/tensor/internal/pool"
)

// Packed is a matrix laid out for repeated use as the right-hand side of a
// product: weights are packed once a step and used by every batch. The zero
// value holds no matrix.
type Packed struct {
	k, n int
	data []float32 // panels of [k, width]; the columns after n are zero
}

// Pack lays out b, [k, n], for MatMulPacked. It reuses the memory of p when
// there is enough of it; p may be nil.
func Pack(p *Packed, b []float32, k, n int) *Packed {
	need("Pack", "b", b, k*n)
	if p == nil {
		p = new(Packed)
	}
	p.k, p.n, p.data = k, n, packPanels(p.data, b, k, n, n, 1)
	return p
}

// PackT lays out the transpose of b, [n, k], for MatMulPacked, which then computes a·bᵀ.
func PackT(p *Packed, b []float32, k, n int) *Packed {
	need("PackT", "b", b, k*n)
	if p == nil {
		p = new(Packed)
	}
	p.k, p.n, p.data = k, n, packPanels(p.data, b, k, n, 1, k)
	return p
}

// MatMulPacked sets c = a·b for the packed b, [k, n]; c is [m, n], a is [m, k].
func MatMulPacked(c, a []float32, b *Packed, m int, tail Tail) {
	const name = "MatMulPacked"
	if m < 0 {
		panic("tensor: " + name + ": a dimension is negative")
	}
	need(name, "c", c, m*b.n)
	need(name, "a", a, m*b.k)
	checkTail(name, m, b.n, tail)
	p := newProduct(c, a, b.k, 1, m, b.n, b.k, tail)
	p.panels(b.data)
	p.run()
}

// packing is the work of packPanels: the value b[p,j] lies at p·step + j·stride.
type packing struct {
	dst, b         []float32
	k, n           int
	step, stride   int
	width, perPart int
}

var packings free[packing]

// packPanels lays out b in panels as wide as a tile, in the memory of dst if that is enough.
func packPanels(dst, b []float32, k, n, step, stride int) []float32 {
	_, width := kernel.TileShape()
	count := ceilDiv(n, width)
	if k == 0 {
		return dst[:0]
	}
	p := packings.take()
	dst = grow(dst, count*width*k)
	*p = packing{dst: dst, b: b, k: k, n: n, step: step, stride: stride, width: width, perPart: count}
	parts := 1
	if k*n > serialMul/8 {
		p.perPart = ceilDiv(count, 4*pool.Size())
		parts = ceilDiv(count, p.perPart)
	}
	pool.Run(parts, p)
	*p = packing{}
	packings.put(p)
	return dst
}

// Do packs one part of the panels.
func (p *packing) Do(part int) {
	for panel := part * p.perPart; panel < (part+1)*p.perPart && panel*p.width < p.n; panel++ {
		first := panel * p.width
		dst := p.dst[first*p.k : (first+p.width)*p.k]
		cols := min(p.width, p.n-first)
		if p.stride == 1 {
			kernel.PackRows(dst, p.b[first:], p.k, cols, p.step, p.width)
		} else {
			kernel.PackColumns(dst, p.b[first*p.stride:], p.k, cols, p.stride, p.width)
		}
	}
}
