package main

// maps writes the element-wise kernels.
func maps(f *file) {
	f.exp()
	f.unary(2, "Tanh", "sets dst = tanh x.", func(k *function) { k.holdExp(1); k.hold(1, 2) }, (*function).tanh)
	f.unary(4, "Sigmoid", "sets dst = 1/(1+e⁻ˣ).", (*function).holdSigmoid, (*function).sigmoid)
	f.unary(2, "GELU", "sets dst = x·Φ(x).", (*function).holdSigmoid, func(k *function, x *reg) *reg { phi, _ := k.normal(x); return k.fmul(phi, x) })
	f.unary(4, "SiLU", "sets dst = x/(1+e⁻ˣ).", (*function).holdSigmoid, func(k *function, x *reg) *reg { return k.fmul(k.sigmoid(x), x) })
	f.unary(4, "ReLU", "sets dst = max(x, 0).", func(k *function) { k.hold(0) }, func(k *function, x *reg) *reg { return k.fmax(x, k.c(0)) })
	f.unary(2, "Log", "sets dst = ln x.", func(k *function) { k.hold(1, .75) }, (*function).log)
	f.binary(4, "Add", "sets dst = x + y.", nil, (*function).fadd)
	f.binary(4, "Mul", "sets dst = x·y.", nil, (*function).fmul)
	f.binary(4, "ReLUBackward", "sets dst = x where y > 0, else 0.", func(k *function) { k.hold(0) }, func(k *function, x, y *reg) *reg {
		return k.and(x, k.fcmgt(y, k.c(0)))
	})
	f.binary(4, "SigmoidBackward", "sets dst = x·y·(1−y).", func(k *function) { k.hold(1) }, func(k *function, x, y *reg) *reg {
		return k.fmul(k.fmul(x, y), k.fsub(k.c(1), y))
	})
	f.binary(4, "TanhBackward", "sets dst = x·(1−y²).", nil, func(k *function, x, y *reg) *reg {
		return k.fmul(k.fnma(y, y, k.fresh(1)), x)
	})
	f.binary(2, "GELUBackward", "sets dst = x·GELU′(y).", (*function).holdSigmoid, func(k *function, x, y *reg) *reg {
		phi, e := k.normal(y)
		return k.fmul(k.fma(k.fmul(e, k.c(0.3989422804014327)), y, phi), x)
	})
	f.binary(4, "SiLUBackward", "sets dst = x·SiLU′(y).", (*function).holdSigmoid, func(k *function, x, y *reg) *reg {
		s := k.sigmoid(y)
		return k.fmul(k.fmul(s, k.fma(k.fsub(k.c(1), s), y, k.fresh(1))), x)
	})
	f.axpy()
	f.scale()
	f.shiftMul()
}

func (k *function) holdSigmoid() { k.holdExp(-1); k.hold(1) }

func (f *file) unary(chains int, name, doc string, hold func(*function), map1 func(k *function, x *reg) *reg) {
	k := f.begin(name+"NEON", "func(dst, x *float32, n int)", doc)
	k.needsConstants()
	hold(k)
	k.each(chains, []string{"x"}, "dst", func(v []*reg) *reg { return map1(k, v[0]) })
	k.ret()
}

func (f *file) binary(chains int, name, doc string, hold func(*function), map2 func(k *function, x, y *reg) *reg) {
	k := f.begin(name+"NEON", "func(dst, x, y *float32, n int)", doc)
	k.needsConstants()
	if hold != nil {
		hold(k)
	}
	k.each(chains, []string{"x", "y"}, "dst", func(v []*reg) *reg { return map2(k, v[0], v[1]) })
	k.ret()
}

func (f *file) axpy() {
	k := f.begin("AxpyNEON", "func(alpha float32, x, y *float32, n int)", "adds alpha·x to y.")
	alpha := k.spread("alpha")
	k.each(4, []string{"x", "y"}, "y", func(v []*reg) *reg { return k.fma(v[0], alpha, v[1]) })
	k.ret()
}

func (f *file) scale() {
	k := f.begin("ScaleNEON", "func(alpha float32, x *float32, n int)", "multiplies x by alpha.")
	alpha := k.spread("alpha")
	k.each(4, []string{"x"}, "x", func(v []*reg) *reg { return k.fmul(v[0], alpha) })
	k.ret()
}

// shiftMul is the gradient of a softmax y along a row.
func (f *file) shiftMul() {
	k := f.begin("ShiftMulNEON", "func(dst, x, y *float32, shift float32, n int)", "sets dst = y·(x − shift).")
	shift := k.spread("shift")
	k.each(4, []string{"x", "y"}, "dst", func(v []*reg) *reg { return k.fmul(k.fsub(v[0], shift), v[1]) })
	k.ret()
}

// each writes the loop of an element-wise kernel over the parameter n: four
// vectors a turn, then one, then one value, through the same instructions. As
// many vectors as chains says are worked on together, as registers allow.
func (k *function) each(chains int, from []string, to string, f func(v []*reg) *reg) {
	r := k.row(append([]string{to}, from...)...)
	r.across("x", 4, func(a access) {
		inputs := make([][]*reg, len(from))
		for i, name := range from {
			inputs[i] = a.load(name)
		}
		out := make([]*reg, a.vectors)
		for done := 0; done < a.vectors; done += chains {
			k.together(min(chains, a.vectors), func(v int) {
				var x []*reg
				for i := range from {
					x = append(x, inputs[i][done+v])
				}
				out[done+v] = f(x)
			})
		}
		a.store(out, to)
	})
}

// row is a loop over rows of values that the parameters name, n of them.
type row struct {
	*function
	pointers map[string]*reg
	order    []*reg
	count    *reg
}

func (k *function) row(names ...string) *row {
	r := &row{function: k, pointers: map[string]*reg{}}
	for _, name := range names {
		if r.pointers[name] == nil {
			r.pointers[name] = k.param(name)
			r.order = append(r.order, r.pointers[name])
		}
	}
	r.count = k.param("n")
	return r
}

// access reads and writes the present values of a row.
type access struct {
	vectors int
	single  bool // one value in lane 0
	load    func(name string) []*reg
	store   func(v []*reg, name string)
	keep    func(v *reg) *reg
}

// across writes the loops, the widest over so many vectors, 1 or 4, and moves the pointers on to the row's end.
func (r *row) across(label string, wide int, body func(a access)) {
	left := r.copyOf(r.count)
	r.columns(label, left, wide, body, r.order)
}

func (r *row) columns(label string, left *reg, wide int, body func(a access), pointers []*reg) {
	k := r.function
	whole := func(n int) func() {
		return func() {
			body(access{
				vectors: n,
				load:    func(name string) []*reg { return k.loadAll(r.pointers[name], 0, n) },
				store:   func(v []*reg, name string) { k.storeAll(v, r.pointers[name], 0) },
				keep:    func(v *reg) *reg { return v },
			})
			for _, p := range pointers {
				k.add(p, 16*n)
			}
		}
	}
	if wide > 1 {
		k.times(label+"wide", left, 4*wide, whole(wide))
	}
	k.times(label+"four", left, 4, whole(1))
	k.times(label+"one", left, 1, func() {
		body(access{
			vectors: 1,
			single:  true,
			load:    func(name string) []*reg { return []*reg{k.one(r.pointers[name], 0)} },
			store:   func(v []*reg, name string) { k.storeBy("FMOVS", v[0], r.pointers[name], 0) },
			keep:    k.first,
		})
		for _, p := range pointers {
			k.add(p, 4)
		}
	})
}
