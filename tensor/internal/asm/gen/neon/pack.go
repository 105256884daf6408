package main

// pack writes the kernels that lay out parts of a matrix.
func pack(f *file) {
	f.transpose()
	f.packRows()
}

// packRows copies whole vectors, then what is left of a row, then zeros.
func (f *file) packRows() {
	k := f.begin("PackRowsNEON", "func(dst, x *float32, k, cols, stride, width int)",
		"copies the first cols values of k rows of x, stride apart, to rows of dst, width apart, and zeros behind them, up to whole vectors: the last row may need room behind it. k is positive.")
	dst, x, rows, cols, stride, width := k.param("dst"), k.param("x"), k.param("k"), k.param("cols"), k.bytes("stride"), k.bytes("width")
	zero := k.zero()
	k.compare(cols, 16)
	k.branch("BNE", "rows")
	k.label("full")
	k.storeAll(k.loadAll(x, 0, 4), dst, 0)
	k.advance(x, stride)
	k.advance(dst, width)
	k.subs(rows, 1)
	k.branch("BNE", "full")
	k.ret()

	k.label("rows")
	from, to, left := k.copyOf(x), k.copyOf(dst), k.copyOf(cols)
	k.times("copy", left, 4, func() {
		k.storeNext(k.next("FMOVQ", from, 16), to)
	})
	k.test("CBZ", left, "fill")
	k.storeNext(k.rest("rest", from, 0, left), to)
	k.label("fill")
	k.advance(dst, width)
	k.label("zeros")
	k.emit(nil, []*reg{to, dst}, "CMP %v, %v", dst, to)
	k.branch("BGE", "filled")
	k.storeNext(zero, to)
	k.jump("zeros")
	k.label("filled")
	k.advance(x, stride)
	k.subs(rows, 1)
	k.branch("BNE", "rows")
	k.ret()
}

// storeNext stores v at p and moves p on.
func (k *function) storeNext(v, p *reg) {
	k.emit([]*reg{p}, []*reg{v, p}, "FMOVQ.P %v, 16(%v)", v, p)
}

// transpose takes four rows and turns square blocks of them in registers. Rows
// that are not there are read from four zeros, again and again.
func (f *file) transpose() {
	k := f.begin("TransposeNEON", "func(dst, x *float32, k, rows, stride, width int)",
		"sets dst[p·width + r] = x[r·stride + p] for p < k and r < rows, four at most, and zero in the other lanes.")
	k.needsConstants()
	none := k.gp()
	k.emit([]*reg{none}, []*reg{k.table}, "ADD $%d, %v, %v", 16*f.constant(0), k.table, none)
	dst, left, rows, stride, width := k.param("dst"), k.param("k"), k.param("rows"), k.bytes("stride"), k.bytes("width")
	at, step := []*reg{k.param("x")}, []*reg{k.gp()}
	k.emit([]*reg{step[0]}, nil, "MOVD $16, %v", step[0])
	for r := 1; r < 4; r++ {
		at, step = append(at, k.plus(at[r-1], stride, 0)), append(step, k.gp())
		k.emit([]*reg{step[r]}, []*reg{step[0]}, "MOVD %v, %v", step[0], step[r])
	}
	for r := 1; r < 4; r++ {
		k.compare(rows, r)
		k.emit([]*reg{at[r]}, []*reg{at[r], none}, "CSEL GT, %v, %v, %v", at[r], none, at[r])
		k.emit([]*reg{step[r]}, []*reg{step[r]}, "CSEL GT, %v, ZR, %v", step[r], step[r])
	}
	k.times("blocks", left, 4, func() {
		var x []*reg
		for r, p := range at {
			x = append(x, k.load(p, 0))
			k.advance(p, step[r])
		}
		for _, column := range k.square(x) {
			k.store(column, dst, 0)
			k.advance(dst, width)
		}
	})
	k.times("rest", left, 1, func() {
		var x []*reg
		for r, p := range at {
			x = append(x, k.one(p, 0))
			k.emit([]*reg{p}, []*reg{p, step[r]}, "ADD %v>>2, %v", step[r], p)
		}
		k.store(k.zip1("S4", k.zip1("S4", x[0], x[2]), k.zip1("S4", x[1], x[3])), dst, 0)
		k.advance(dst, width)
	})
	k.ret()
}

// square transposes four vectors.
func (k *function) square(x []*reg) []*reg {
	a, b := k.zip1("S4", x[0], x[2]), k.zip1("S4", x[1], x[3])
	c, d := k.zip2("S4", x[0], x[2]), k.zip2("S4", x[1], x[3])
	return []*reg{k.zip1("S4", a, b), k.zip2("S4", a, b), k.zip1("S4", c, d), k.zip2("S4", c, d)}
}
