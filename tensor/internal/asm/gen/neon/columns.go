package main

// columns writes the kernels on tiles of scores that are stored transposed, a
// query or token a column: sixteen of them at a time, down all rows. The number
// of columns is a multiple of 16.
func columns(f *file) {
	f.columnsMax()
	f.columnsExp()
	f.columnsGradient()
}

// sixteen writes the loop over columns; each turn moves the pointers on.
func (k *function) sixteen(pointers []*reg, body func()) {
	cols := k.param("cols")
	k.label("columns")
	body()
	for _, p := range pointers {
		k.add(p, 64)
	}
	k.subs(cols, 16)
	k.branch("BGT", "columns")
	k.ret()
}

// down writes the loop over rows, with addresses that begin at those of from.
func (k *function) down(rows *reg, from, strides []*reg, body func(at []*reg)) {
	left := k.copyOf(rows)
	var at []*reg
	for _, p := range from {
		at = append(at, k.copyOf(p))
	}
	k.label("rows")
	body(at)
	for i, p := range at {
		k.advance(p, strides[i])
	}
	k.subs(left, 1)
	k.branch("BNE", "rows")
}

func (f *file) columnsMax() {
	k := f.begin("ColumnsMaxNEON", "func(top, s *float32, rows, stride, cols int)", "raises top[j] to the largest s[i,j] of its column.")
	top, s, rows, stride := k.param("top"), k.param("s"), k.param("rows"), k.bytes("stride")
	k.sixteen([]*reg{top, s}, func() {
		tops := k.loadAll(top, 0, 4)
		k.down(rows, []*reg{s}, []*reg{stride}, func(at []*reg) {
			for i, x := range k.loadAll(at[0], 0, 4) {
				k.maxTo(tops[i], x)
			}
		})
		k.storeAll(tops, top, 0)
	})
}

func (f *file) columnsExp() {
	k := f.begin("ColumnsExpNEON", "func(s, shift, sum, copy *float32, rows, stride, cols, copyStride int, scale float32)",
		"sets s[i,j] and copy[i,j] to e^(scale·s[i,j] − shift[j]) and adds it to sum[j].")
	k.needsConstants()
	k.holdExp(-1)
	scale := k.spread("scale")
	s, shift, sum, second := k.param("s"), k.param("shift"), k.param("sum"), k.param("copy")
	rows, stride, copyStride := k.param("rows"), k.bytes("stride"), k.bytes("copyStride")
	k.sixteen([]*reg{s, shift, sum, second}, func() {
		sums := k.loadAll(sum, 0, 4)
		k.down(rows, []*reg{s, second}, []*reg{stride, copyStride}, func(at []*reg) {
			x, y := k.loadAll(at[0], 0, 4), k.loadAll(shift, 0, 4)
			k.together(4, func(i int) {
				x[i] = k.exp(k.fnma(x[i], scale, y[i]), -1)
				k.addTo(sums[i], x[i])
			})
			k.storeAll(x, at[0], 0)
			k.storeAll(x, at[1], 0)
		})
		k.storeAll(sums, sum, 0)
	})
}

func (f *file) columnsGradient() {
	k := f.begin("ColumnsGradientNEON", "func(d, p, dot *float32, rows, stride, cols int, scale float32)",
		"sets d[i,j] = scale·p[i,j]·(d[i,j] − dot[j]), the gradient of a softmax p down the columns.")
	scale := k.spread("scale")
	d, p, dot, rows, stride := k.param("d"), k.param("p"), k.param("dot"), k.param("rows"), k.bytes("stride")
	k.sixteen([]*reg{d, p, dot}, func() {
		dots := k.loadAll(dot, 0, 4)
		k.down(rows, []*reg{d, p}, []*reg{stride, stride}, func(at []*reg) {
			x, y := k.loadAll(at[0], 0, 4), k.loadAll(at[1], 0, 4)
			for i := range x {
				x[i] = k.fmul(k.fmul(k.fsub(x[i], dots[i]), scale), y[i])
			}
			k.storeAll(x, at[0], 0)
		})
	})
}
