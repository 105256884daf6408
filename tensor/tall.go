package tensor

import (
	"bellwether/tensor/internal/kernel"
	"bellwether/tensor/internal/pool"
)

// tall reports whether c is small and the sums are long, as in the gradient of a
// weight over many tokens. Parts of c would then each read all of a and b, so
// the parts are runs of k instead.
func (p *product) tall() bool {
	direct := p.panel == p.tileCols
	return direct && p.rowParts*p.colParts > 1 && p.k >= 8*max(p.m, p.n) && p.k >= 8*blockK
}

// tallProduct computes the sums of each run of k apart.
type tallProduct struct {
	*product
	parts int
}

var tallProducts free[tallProduct]

// runTall adds the partial sums up in the order of k and finishes them.
func (p *product) runTall() {
	t := tallProducts.take()
	*t = tallProduct{product: p, parts: 2 * pool.Size()}
	size := p.m * p.n
	p.partials = grow(p.partials, t.parts*size)
	pool.Run(t.parts, t)
	sums := p.partials[:size]
	for part := 1; part < t.parts; part++ {
		kernel.Add(sums, sums, p.partials[part*size:])
	}
	p.finish(sums)
	*t = tallProduct{}
	tallProducts.put(t)
}

// Do computes the sums of one run of k.
func (t *tallProduct) Do(part int) {
	p0, p1 := share(t.k, blockK, part, t.parts)
	q := *t.product
	q.a, q.b, q.k = q.a[p0*q.layout.StepA:], q.b[p0*q.layout.StepB:], p1-p0
	q.c, q.tail = t.partials[part*t.m*t.n:], Tail{}
	q.rowParts, q.colParts = 1, 1
	q.Do(0)
}

// finish applies the tail to all sums.
func (p *product) finish(sums []float32) {
	for i := range p.m {
		row, c := sums[i*p.n:(i+1)*p.n], p.c[i*p.n:(i+1)*p.n]
		if p.tail.Bias != nil {
			kernel.Add(row, row, p.tail.Bias)
		}
		if p.tail.Accumulate {
			kernel.Add(c, c, row)
			continue
		}
		if p.tail.Pre != nil {
			copy(p.tail.Pre[i*p.n:], row)
		}
		activate(c, row, p.tail.Activation)
	}
}
