package main

import "fmt"

// gemm writes the tile of package tensor's matrix products: up to six rows by
// sixteen columns.
//
// # Registers
//
// The 6×4 vectors of sums take 24 of the 32 registers. b goes through two more,
// two vectors at a time, and a through the last six, one for each row. A
// multiply-add takes its value of a as one lane of a register (fmla by element),
// so that no broadcast is needed.
//
// # Schedule
//
// A step of k is 24 multiply-adds and 4 loads of b. What a costs depends on how
// it lies: by rows (plain products and those with bᵀ) a load a row brings four
// steps; by columns (aᵀ) two loads bring a step; at any other stride six loads do.
// So loads stay far below the multiply-adds that run beside them, and 24 sums hide
// the latency of four units of four cycles.
//
// # Odd sizes
//
// Fewer rows have their own loops, fewer columns too. The last vector of a row
// ends at the last column, and so overlaps the one before it where the number is
// odd: those columns are computed twice, the same way. Three columns or fewer
// take vectors of two or of one.
func gemm(f *file) {
	k := f.begin("TileNEON",
		"func(rows, k int, a *float32, rowA, stepA int, b *float32, stepB int, c *float32, rowC int, bias *float32, cols, flags int)",
		"is kernel.Tile for 1 to 6 rows and up to 16 columns.")
	rows, cols := k.param("rows"), k.param("cols")
	for r := tileRows; r > 0; r-- {
		if r > 1 {
			k.compare(rows, r)
			k.branch("BEQ", numbered("rows", r))
		}
	}
	for r := 1; r <= tileRows; r++ {
		if r > 1 {
			k.label(numbered("rows", r))
		}
		for _, w := range widths {
			k.compare(cols, w.least)
			k.branch("BGE", numbered(w.kind, r))
		}
		for _, w := range widths {
			t := tile{function: k, rows: r, width: w}
			k.label(numbered(w.kind, r))
			t.write()
		}
	}
}

const tileRows = 6

// width is a number of columns in vectors of some bytes each.
type width struct {
	kind          string
	least         int // columns
	vectors, size int
	full          bool // exactly so many vectors
}

var widths = []width{
	{"full", 16, 4, 16, true},
	{"four", 13, 4, 16, false},
	{"three", 9, 3, 16, false},
	{"two", 5, 2, 16, false},
	{"one", 4, 1, 16, true},
	{"pairs", 3, 2, 8, false},
	{"pair", 2, 1, 8, true},
	{"value", 1, 1, 4, true},
}

// tile is the loops for one number of rows and one width.
type tile struct {
	*function
	width
	rows           int
	sums           [][]*reg
	a              []*reg // a row each
	b, last, stepB *reg   // last is where the last vector of a row of b is
	steps          *reg
}

func (t *tile) label(name string) string { return fmt.Sprintf("%s_%s_%d", name, t.kind, t.rows) }

func (t *tile) write() {
	k := t.function
	for range t.rows {
		var row []*reg
		for range t.vectors {
			row = append(row, k.zero())
		}
		t.sums = append(t.sums, row)
	}
	t.steps = k.param("k")
	k.test("CBZ", t.steps, t.label("summed"))
	rowA, stepA := k.bytes("rowA"), k.bytes("stepA")
	t.a = []*reg{k.param("a")}
	for r := 1; r < t.rows; r++ {
		t.a = append(t.a, k.plus(t.a[r-1], rowA, 0))
	}
	t.b, t.stepB = k.param("b"), k.bytes("stepB")
	t.last = t.behind(t.b)
	if t.size == 16 {
		k.compare(stepA, 4)
		k.branch("BEQ", t.label("byrow"))
		if t.rows > 1 {
			k.compare(rowA, 4)
			k.branch("BEQ", t.label("bycolumn"))
		}
	}
	t.anyStride(stepA)
	if t.size == 16 {
		k.jump(t.label("summed"))
		t.byRow()
		if t.rows > 1 {
			k.jump(t.label("summed"))
			t.byColumn(stepA)
		}
	}
	k.label(t.label("summed"))
	t.finish()
}

// behind is the address of the last vector of the row at p.
func (t *tile) behind(p *reg) *reg {
	if t.full {
		return nil
	}
	end := t.plus(p, t.param("cols"), 2)
	return t.minus(end, t.size)
}

// loadRow loads vectors from…to−1 of the row at p, the last one where it begins.
func (t *tile) loadRow(p, last *reg, from, to int) (v []*reg) {
	op := map[int]string{16: "FMOVQ", 8: "FMOVD", 4: "FMOVS"}[t.size]
	for i := from; i < to; i++ {
		switch {
		case !t.full && i == t.vectors-1:
			v = append(v, t.loadBy(op, last, 0))
		case t.size == 16 && i+1 < to && (t.full || i+1 < t.vectors-1):
			x, y := t.pair(p, t.size*i)
			v = append(v, x, y)
			i++
		default:
			v = append(v, t.loadBy(op, p, t.size*i))
		}
	}
	return v
}

// step writes the multiply-adds of a step of k: that lane of each row's register
// times a row of b, of which two vectors are loaded at a time.
func (t *tile) step(rows []*reg, lane func(r int) int) {
	for v := 0; v < t.vectors; v += 2 {
		right := t.loadRow(t.b, t.last, v, min(v+2, t.vectors))
		for r := range t.rows {
			for i, b := range right {
				t.byElement(t.sums[r][v+i], b, rows[r], lane(r))
			}
		}
	}
	t.advance(t.b, t.stepB)
	if t.last != nil {
		t.advance(t.last, t.stepB)
	}
}

// byElement adds b times one lane of a to sum.
func (t *tile) byElement(sum, b, a *reg, lane int) {
	base, lanes := uint32(0x4f801000), "4s"
	if t.size < 16 {
		base, lanes = 0x0f801000, "2s"
	}
	t.word(base|uint32(lane&1)<<21|uint32(lane>>1)<<11,
		fmt.Sprintf("fmla v%%d.%s, v%%d.%s, v%%d.s[%d]", lanes, lanes, lane), sum, b, a, true)
}

// byRow takes four values of each row of a at a time, then one.
func (t *tile) byRow() {
	t.function.label(t.label("byrow"))
	turn := func(values int, op string) func() {
		return func() {
			var left []*reg
			for _, p := range t.a {
				left = append(left, t.next(op, p, 4*values))
			}
			for lane := range values {
				t.step(left, func(int) int { return lane })
			}
		}
	}
	t.times(t.label("steps4"), t.steps, 4, turn(4, "FMOVQ"))
	t.times(t.label("steps1"), t.steps, 1, turn(1, "FMOVS"))
}

// byColumn takes a's values of a step from where they lie together.
func (t *tile) byColumn(stepA *reg) {
	k := t.function
	k.label(t.label("bycolumn"))
	k.label(t.label("columns"))
	var left []*reg
	for r := 0; r < t.rows; {
		switch rest := t.rows - r; {
		case rest >= 4:
			v := k.load(t.a[0], 4*r)
			left, r = append(left, v, v, v, v), r+4
		case rest >= 2:
			v := k.two(t.a[0], 4*r)
			left, r = append(left, v, v), r+2
		default:
			left, r = append(left, k.one(t.a[0], 4*r)), r+1
		}
	}
	t.step(left, func(r int) int {
		if r >= 4 {
			return r - 4
		}
		if t.rows < 4 && r >= 2 {
			return 0
		}
		return r
	})
	k.advance(t.a[0], stepA)
	k.subs(t.steps, 1)
	k.branch("BNE", t.label("columns"))
}

// anyStride loads each value of a by itself.
func (t *tile) anyStride(stepA *reg) {
	k := t.function
	offset := k.gp()
	k.emit([]*reg{offset}, nil, "MOVD ZR, %v", offset)
	k.label(t.label("any"))
	var left []*reg
	for _, p := range t.a {
		left = append(left, k.oneAt(p, offset))
	}
	t.step(left, func(int) int { return 0 })
	k.advance(offset, stepA)
	k.subs(t.steps, 1)
	k.branch("BNE", t.label("any"))
}

// finish adds bias and c if they are asked for, applies ReLU if asked for, and stores.
func (t *tile) finish() {
	k := t.function
	c, rowC, bias, flags := k.param("c"), k.bytes("rowC"), k.param("bias"), k.param("flags")
	k.test("CBZ", bias, t.label("biased"))
	for v, z := range t.loadRow(bias, t.behind(bias), 0, t.vectors) {
		for r := range t.sums {
			k.addTo(t.sums[r][v], z)
		}
	}
	k.label(t.label("biased"))
	k.bit("TBZ", 0, flags, t.label("added"))
	old := k.copyOf(c)
	for r := range t.sums {
		for v := 0; v < t.vectors; v += 2 {
			for i, z := range t.loadRow(old, t.behind(old), v, min(v+2, t.vectors)) {
				k.addTo(t.sums[r][v+i], z)
			}
		}
		k.advance(old, rowC)
	}
	k.label(t.label("added"))
	k.bit("TBZ", 1, flags, t.label("store"))
	zero := k.zero()
	for r := range t.sums {
		for v := range t.vectors {
			k.maxTo(t.sums[r][v], zero)
		}
	}
	k.label(t.label("store"))
	last := t.behind(c)
	for r := range t.sums {
		t.storeRow(t.sums[r], c, last)
		if r < t.rows-1 {
			k.advance(c, rowC)
			if last != nil {
				k.advance(last, rowC)
			}
		}
	}
	k.ret()
}

func (t *tile) storeRow(v []*reg, c, last *reg) {
	if t.size == 16 && t.full {
		t.storeAll(v, c, 0)
		return
	}
	op := map[int]string{16: "FMOVQ", 8: "FMOVD", 4: "FMOVS"}[t.size]
	for i, x := range v {
		if !t.full && i == t.vectors-1 {
			t.storeBy(op, x, last, 0)
		} else {
			t.storeBy(op, x, c, t.size*i)
		}
	}
}
