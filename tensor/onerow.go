package tensor

import (
	"bellwether/tensor/internal/kernel"
	"bellwether/tensor/internal/pool"
)

// rowProduct is a·bᵀ for one row a, which needs no packing: its parts are runs of rows of b.
type rowProduct struct {
	c, a, b     []float32
	n, k, parts int
}

var rowProducts free[rowProduct]

func oneRow(c, a, b []float32, n, k int, tail Tail) {
	sums := c
	if tail.Pre != nil {
		sums = tail.Pre
	}
	p := rowProducts.take()
	*p = rowProduct{c: sums, a: a, b: b, n: n, k: k, parts: 1}
	if n*k > lightWork {
		p.parts = 2 * pool.Size()
	}
	pool.Run(p.parts, p)
	*p = rowProduct{}
	rowProducts.put(p)
	if tail.Bias != nil {
		kernel.Add(sums, sums[:n], tail.Bias)
	}
	if tail.Pre != nil || tail.Activation != Identity {
		activate(c, sums[:n], tail.Activation)
	}
}

// Do works on one part of the rows of b.
func (p *rowProduct) Do(part int) {
	from, to := share(p.n, 4, part, p.parts)
	kernel.RowDots(p.c[from:], p.a, p.b[from*p.k:], to-from, p.k)
}
