package main

// reduce writes the kernels that make one number of a row.
func reduce(f *file) {
	f.dot()
	f.largest()
	f.expSum()
	f.sum64("Sum", "returns Σ x, added in float64; n is a multiple of 32.", func(k *function, sum, x *reg) {
		k.word(0x4e60d400, "fadd v%d.2d, v%d.2d, v%d.2d", sum, sum, x, false)
	})
	f.sum64("SumSquares", "returns Σ x², added in float64; n is a multiple of 32.", func(k *function, sum, x *reg) {
		k.emit([]*reg{sum}, []*reg{sum, x}, "VFMLA %v, %v, %v", as{x, "D2"}, as{x, "D2"}, as{sum, "D2"})
	})
	f.dotInt8("NEON", (*function).bytesLong)
	f.dotInt8("Dot", (*function).bytesDot)
	f.firstAbove()
}

func (k *function) zeros(n int) (v []*reg) {
	for range n {
		v = append(v, k.zero())
	}
	return v
}

func (f *file) dot() {
	k := f.begin("DotNEON", "func(x, y *float32, n int) float32", "returns Σ x·y.")
	r, sums := k.row("x", "y"), k.zeros(8)
	r.across("x", 8, func(a access) {
		x, y := a.load("x"), a.load("y")
		for v := range x {
			k.accumulate(sums[v], x[v], y[v])
		}
	})
	k.result(k.sum(k.addUp(sums)))
	k.ret()
}

func (f *file) largest() {
	k := f.begin("MaxNEON", "func(x *float32, n int) float32", "returns the largest of x, at least −Inf.")
	k.needsConstants()
	r := k.row("x")
	tops := make([]*reg, 4)
	for i := range tops {
		tops[i] = k.freshBits(0xff800000)
	}
	r.across("x", 4, func(a access) {
		for v, x := range a.load("x") {
			if a.single {
				x = k.lane0(x)
			}
			k.maxTo(tops[v], x)
		}
	})
	top := k.fmax(k.fmax(tops[0], tops[1]), k.fmax(tops[2], tops[3]))
	out := k.vec()
	k.word(0x6e30f800, "fmaxv s%d, v%d.4s", out, top, nil, false)
	k.result(out)
	k.ret()
}

func (f *file) expSum() {
	k := f.begin("ExpSumNEON", "func(dst, x *float32, shift float32, n int) float32", "sets dst = e^(x − shift) and returns its sum.")
	k.needsConstants()
	k.holdExp(1)
	shift, sums := k.spread("shift"), k.zeros(4)
	r := k.row("dst", "x")
	r.across("x", 4, func(a access) {
		x := a.load("x")
		k.together(a.vectors, func(v int) {
			x[v] = a.keep(k.exp(k.fsub(x[v], shift), 1))
			k.addTo(sums[v], x[v])
		})
		a.store(x, "dst")
	})
	k.result(k.sum(k.addUp(sums)))
	k.ret()
}

// sum64 converts to float64, two values at a time, into four sums.
func (f *file) sum64(name, doc string, add func(k *function, sum, x *reg)) {
	k := f.begin(name+"NEON", "func(x *float32, n int) float64", doc)
	x, n, sums := k.param("x"), k.param("n"), k.zeros(4)
	k.label("whole")
	for i, v := range k.loadAll(x, 0, 4) {
		low, high := k.vec(), k.vec()
		k.word(0x0e617800, "fcvtl v%d.2d, v%d.2s", low, v, nil, false)
		k.word(0x4e617800, "fcvtl2 v%d.2d, v%d.4s", high, v, nil, false)
		add(k, sums[2*(i%2)], low)
		add(k, sums[2*(i%2)+1], high)
	}
	k.add(x, 64)
	k.subs(n, 16)
	k.branch("BGT", "whole")
	plus := func(x, y *reg) *reg { return k.three(0x4e60d400, "fadd", "2d", x, y) }
	total := plus(plus(sums[0], sums[1]), plus(sums[2], sums[3]))
	out := k.vec()
	k.word(0x7e70d800, "faddp d%d, v%d.2d", out, total, nil, false)
	k.result(out)
	k.ret()
}

func (f *file) dotInt8(level string, add func(k *function, sum, x, y *reg)) {
	k := f.begin("DotInt8"+level, "func(x, y *int8, n int) int32", "returns Σ x·y; n is a positive multiple of 32.")
	x, y, n, sums := k.param("x"), k.param("y"), k.param("n"), k.zeros(8)
	turn := func(vectors int) func() {
		return func() {
			v, w := k.loadAll(x, 0, vectors), k.loadAll(y, 0, vectors)
			for i := range v {
				add(k, sums[i], v[i], w[i])
			}
			k.add(x, 16*vectors)
			k.add(y, 16*vectors)
		}
	}
	k.times("wide", n, 128, turn(8))
	k.times("two", n, 32, turn(2))
	for i := range 4 {
		sums[i] = k.iadd(sums[i], sums[4+i])
	}
	k.result(k.wordSum(k.iadd(k.iadd(sums[0], sums[1]), k.iadd(sums[2], sums[3]))))
	k.ret()
}

// wordSum adds the 32-bit lanes of v into a general register.
func (k *function) wordSum(v *reg) *reg {
	sum, r := k.vec(), k.gp()
	k.emit([]*reg{sum}, []*reg{v}, "VADDV %v, %v", as{v, "S4"}, as{reg: sum})
	k.emit([]*reg{r}, []*reg{sum}, "FMOVS %v, %v", sum, r)
	return r
}

// firstAbove scans 64 values a step. NaN, which is not above anything, hides no neighbour.
func (f *file) firstAbove() {
	k := f.begin("FirstAboveNEON", "func(x *float32, n int, bar float32) int",
		"returns a multiple of 64 below n: that of the first 64 values with one above bar, or n. n is a multiple of 64.")
	x, n, bar := k.param("x"), k.param("n"), k.spread("bar")
	i := k.gp()
	k.emit([]*reg{i}, nil, "MOVD ZR, %v", i)
	k.label("scan")
	k.emit(nil, []*reg{i, n}, "CMP %v, %v", n, i)
	k.branch("BGE", "found")
	top := k.loadAll(x, 0, 4)
	for at := 64; at < 256; at += 64 {
		for j, v := range k.loadAll(x, at, 4) {
			top[j] = k.fmaxnm(top[j], v)
		}
	}
	above := k.fcmgt(k.fmaxnm(k.fmaxnm(top[0], top[1]), k.fmaxnm(top[2], top[3])), bar)
	k.test("CBNZW", k.wordSum(above), "found")
	k.add(x, 256)
	k.add(i, 64)
	k.jump("scan")
	k.label("found")
	k.result(i)
	k.ret()
}
