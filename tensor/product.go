package tensor

import (
	"bellwether/tensor/internal/kernel"
	"bellwether/tensor/internal/pool"
)

// product is one matrix product in blocks. Tiles of c (kernel.Tile) take their
// operands where they lie as far as that is fast: a is read in place unless its
// rows would fall on the same cache lines, b in place while it is small, and
// else from panels of a tile's width that are packed once for all rows.
//
// The order of the loops follows Goto and van de Geijn 2008: columns of c in
// blocks whose part of b stays in the second-level cache, k in blocks, rows of
// c a tile at a time, whose part of a stays in the first-level cache.
type product struct {
	c, a, b []float32
	m, n, k int
	layout  kernel.Strides // K is set for each block
	panel   int            // from one panel of b to the next
	copyA   bool
	tail    Tail

	tileRows, tileCols int
	rowParts, colParts int // parts for the pool

	packed   []float32 // kept for the next product
	partials []float32 // of a tall product; kept, too
}

const (
	blockK    = 256     // steps of k between two visits of c
	blockB    = 1 << 17 // values of b that stay in cache: half a megabyte
	smallB    = 1 << 14 // values of b that are not worth packing
	serialMul = 1 << 19 // multiplications that are not worth a second goroutine
)

var products free[product]

// newProduct prepares c = a·b; a[i,p] is at i·rowA + p·stepA.
func newProduct(c, a []float32, rowA, stepA, m, n, k int, tail Tail) *product {
	p := products.take()
	p.c, p.a, p.m, p.n, p.k, p.tail = c, a, m, n, k, tail
	p.layout = kernel.Strides{RowA: rowA, StepA: stepA, RowC: n}
	p.copyA = k > 16 && aliases(max(rowA, stepA))
	p.tileRows, p.tileCols = kernel.TileShape()
	return p
}

// aliases reports whether values this far apart fall on few sets of the first-level cache.
func aliases(stride int) bool { return stride >= 256 && stride%256 == 0 }

// direct takes b as it lies: b[p,j] at p·stride + j.
func (p *product) direct(b []float32, stride int) {
	p.b, p.panel, p.layout.StepB = b, p.tileCols, stride
}

// panels takes b as laid out by Pack.
func (p *product) panels(b []float32) {
	p.b, p.panel, p.layout.StepB = b, p.tileCols*p.k, p.tileCols
}

// rightRows takes b, [k, n], in place or packed, whichever is faster.
func (p *product) rightRows(b []float32) {
	if p.m < 4*p.tileRows || (p.k*p.n <= smallB || p.n <= 128) && !aliases(p.n) {
		p.direct(b, p.n)
		return
	}
	p.packed = packPanels(p.packed, b, p.k, p.n, p.n, 1)
	p.panels(p.packed)
}

func (p *product) run() {
	p.split()
	if p.tall() {
		p.runTall()
	} else {
		pool.Run(p.rowParts*p.colParts, p)
	}
	p.c, p.a, p.b, p.tail = nil, nil, nil, Tail{}
	products.put(p)
}

// split chooses parts of whole tiles along the longer side of c.
func (p *product) split() {
	p.rowParts, p.colParts = 1, 1
	if p.m*p.n*p.k < serialMul {
		return
	}
	rows, cols := ceilDiv(p.m, p.tileRows), ceilDiv(p.n, p.tileCols)
	want := 4 * pool.Size()
	if p.m >= p.n {
		p.rowParts = min(want, rows)
		p.colParts = min(ceilDiv(want, 4*p.rowParts), cols)
	} else {
		p.colParts = min(want, cols)
		p.rowParts = min(ceilDiv(want, 4*p.colParts), rows)
	}
}

// Do computes one part of c.
func (p *product) Do(part int) {
	i0, i1 := share(p.m, p.tileRows, part/p.colParts, p.rowParts)
	j0, j1 := share(p.n, p.tileCols, part%p.colParts, p.colParts)
	steps := ceilDiv(p.k, ceilDiv(max(p.k, 1), blockK))
	width := max(blockB/max(steps, 1)/p.tileCols, 1) * p.tileCols
	for j := j0; j < j1; j += width {
		p.columns(i0, i1, j, min(j+width, j1), steps)
	}
}

// columns computes rows i0…i1−1 and columns j0…j1−1 of c.
func (p *product) columns(i0, i1, j0, j1, steps int) {
	if p.k == 0 {
		p.noSteps(i0, i1, j0, j1)
		return
	}
	for p0 := 0; p0 < p.k; p0 += steps {
		b := block{product: p, j0: j0, j1: j1, p0: p0, first: p0 == 0, last: p0+steps >= p.k}
		b.layout = p.layout
		b.layout.K = min(steps, p.k-p0)
		if p.copyA {
			b.rowsOfCopies(i0, i1)
			continue
		}
		for i := i0; i < i1; i += p.tileRows {
			b.rows(i, min(i+p.tileRows, i1), p.a[i*p.layout.RowA+p0*p.layout.StepA:])
		}
	}
}

// block is a run of columns of c and a run of k.
type block struct {
	*product
	j0, j1, p0  int
	first, last bool // of the runs of k
	layout      kernel.Strides
}

// rows computes rows i0…i1−1, one tile high, from a's values for them.
func (b *block) rows(i0, i1 int, a []float32) {
	sums, bias, flags := b.c, b.tail.Bias, 0
	if b.tail.Pre != nil {
		sums = b.tail.Pre
	}
	if !b.first {
		bias = nil
	}
	if !b.first || b.tail.Accumulate {
		flags |= kernel.TileAdd
	}
	if b.last && b.tail.Pre == nil && b.tail.Activation == ActReLU {
		flags |= kernel.TileReLU
	}
	start, stepsBefore := b.b, b.p0*b.layout.StepB
	for j := b.j0; j < b.j1; j += b.tileCols {
		cols := min(b.tileCols, b.j1-j)
		var add []float32
		if bias != nil {
			add = bias[j:]
		}
		b.layout.Tile(i1-i0, cols, a, start[j/b.tileCols*b.panel+stepsBefore:], sums[i0*b.n+j:], add, flags)
	}
	if b.last && flags&kernel.TileReLU == 0 && (b.tail.Pre != nil || b.tail.Activation != Identity) {
		for i := i0; i < i1; i++ {
			activate(b.c[i*b.n+b.j0:i*b.n+b.j1], sums[i*b.n+b.j0:i*b.n+b.j1], b.tail.Activation)
		}
	}
}

// rowsOfCopies is rows for all of i0…i1−1 with a's values copied together.
func (b *block) rowsOfCopies(i0, i1 int) {
	const gap = 16 // keeps the rows of the copy off each other's cache lines
	var buffer [12 * (blockK + gap)]float32
	from := b.layout
	byRow := from.StepA == 1
	if byRow {
		b.layout.RowA = from.K + gap
	} else {
		b.layout.RowA, b.layout.StepA = 1, b.tileRows
	}
	for i := i0; i < i1; i += b.tileRows {
		rows := min(b.tileRows, i1-i)
		if byRow {
			for r := range rows {
				copy(buffer[r*b.layout.RowA:][:from.K], b.a[(i+r)*from.RowA+b.p0:])
			}
		} else {
			kernel.PackRows(buffer[:], b.a[b.p0*from.StepA+i:], from.K, rows, from.StepA, b.tileRows)
		}
		b.rows(i, i+rows, buffer[:])
	}
}

// noSteps finishes sums of nothing.
func (p *product) noSteps(i0, i1, j0, j1 int) {
	zero := [1]float32{}
	b := block{product: p, j0: j0, j1: j1, first: true, last: true}
	b.layout = kernel.Strides{RowC: p.n}
	p.b, p.panel, p.layout.StepB = zero[:], 0, 0
	for i := i0; i < i1; i += p.tileRows {
		b.rows(i, min(i+p.tileRows, i1), zero[:])
	}
}

// share is part number part of 0…n−1 cut into parts of whole units, as even as they can be.
func share(n, unit, part, parts int) (from, to int) {
	units := ceilDiv(n, unit)
	return min(units*part/parts*unit, n), min(units*(part+1)/parts*unit, n)
}

func ceilDiv(n, d int) int { return (n + d - 1) / d }
