package main

// dots writes the product of a matrix and one vector.
func dots(f *file) { f.rowDots() }

// rowDots takes four rows at a time, each with two sums of its own, so that a
// vector of x is loaded once for four of b.
func (f *file) rowDots() {
	k := f.begin("RowDotsNEON", "func(dst, x, b *float32, rows, cols int)", "sets dst[r] = Σ x·b[r]; b is [rows, cols] and rows a positive multiple of 4.")
	dst, x, b := k.param("dst"), k.param("x"), k.param("b")
	count, cols := k.param("rows"), k.param("cols")
	k.label("rows")
	rows := []*reg{b}
	for r := 1; r < 4; r++ {
		rows = append(rows, k.plus(rows[r-1], cols, 2))
	}
	sums := make([]*reg, 8)
	for i := range sums {
		sums[i] = k.zero()
	}
	at, left := k.copyOf(x), k.copyOf(cols)
	k.times("sixteen", left, 16, func() {
		x := k.loadAll(at, 0, 4)
		k.add(at, 64)
		for r, row := range rows {
			for v, y := range k.loadAll(row, 0, 4) {
				k.accumulate(sums[v%2*4+r], x[v], y)
			}
			k.add(row, 64)
		}
	})
	k.times("four", left, 4, func() {
		v := k.next("FMOVQ", at, 16)
		for r, row := range rows {
			k.accumulate(sums[r], v, k.next("FMOVQ", row, 16))
		}
	})
	k.times("one", left, 1, func() {
		v := k.next("FMOVS", at, 4)
		for r, row := range rows {
			k.accumulate(sums[4+r], v, k.next("FMOVS", row, 4))
		}
	})
	k.set(b, rows[3])
	for r := range 4 {
		sums[r] = k.fadd(sums[r], sums[4+r])
	}
	k.store(k.faddp(k.faddp(sums[0], sums[1]), k.faddp(sums[2], sums[3])), dst, 0)
	k.add(dst, 16)
	k.subs(count, 4)
	k.branch("BGT", "rows")
	k.ret()
}
