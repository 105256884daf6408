package main

// optimise writes the updates of parameters.
func optimise(f *file) {
	f.adam(true)
	f.adam(false)
	f.adamRow(true)
	f.adamRow(false)
	f.adagrad()
	f.prefetch()
}

const (
	adamArguments = "func(value, grad, mean, square *float32, n int, newMean, beta2, newSquare, decay, rate, root, epsilon float32)"
	adamNoMean    = "func(value, grad, square *float32, n int, beta2, newSquare, decay, rate, root, epsilon float32)"
)

// beginAdam opens a function with a mean gradient or without.
func (f *file) beginAdam(name, doc string, withMean bool) *function {
	if withMean {
		return f.begin(name+"NEON", adamArguments, doc)
	}
	return f.begin(name+"NoMeanNEON", adamNoMean, doc)
}

// moved is the gradient, or where there is one its mean, which is moved toward the gradient by newMean first.
func (k *function) moved(a access, newMean *reg) []*reg {
	g := a.load("grad")
	if newMean == nil {
		return g
	}
	m := a.load("mean")
	for v := range m {
		m[v] = k.fma(k.fsub(g[v], m[v]), newMean, m[v])
	}
	a.store(m, "mean")
	return m
}

// adam moves values with their own mean square, and their own mean gradient or none.
func (f *file) adam(withMean bool) {
	k := f.beginAdam("Adam", "is reference.Adam; newMean is 1−β₁, newSquare 1−β₂.", withMean)
	beta2, newSquare, decay, rate := k.spread("beta2"), k.spread("newSquare"), k.spread("decay"), k.spread("rate")
	root, epsilon, newMean := k.spread("root"), k.spread("epsilon"), (*reg)(nil)
	names := []string{"value", "grad", "square"}
	if withMean {
		newMean, names = k.spread("newMean"), append(names, "mean")
	}
	r := k.row(names...)
	r.across("values", 4, func(a access) {
		g, square := a.load("grad"), a.load("square")
		for v := range g {
			square[v] = k.fma(k.fmul(g[v], g[v]), newSquare, k.fmul(square[v], beta2))
		}
		a.store(square, "square")
		m, value := k.moved(a, newMean), a.load("value")
		for v := range m {
			below := k.fadd(k.fmul(k.fsqrt(square[v]), root), epsilon)
			move := k.fdiv(k.fmul(m[v], rate), below)
			value[v] = k.fsub(k.fmul(value[v], decay), move)
		}
		a.store(value, "value")
	})
	k.ret()
}

// adamRow moves a row of values that share one mean square.
func (f *file) adamRow(withMean bool) {
	k := f.beginAdam("AdamRow", "is reference.AdamRow; newMean is 1−β₁, newSquare (1−β₂)/n.", withMean)
	beta2, newSquare, decay, rate := k.param("beta2"), k.param("newSquare"), k.spread("decay"), k.param("rate")
	root, epsilon, newMean := k.param("root"), k.param("epsilon"), (*reg)(nil)
	names := []string{"value", "grad"}
	if withMean {
		newMean, names = k.spread("newMean"), append(names, "mean")
	}
	r := k.row(names...)
	squares := k.zeros(4)
	first := &row{function: k, pointers: map[string]*reg{"grad": k.copyOf(r.pointers["grad"])}}
	first.columns("squares", k.copyOf(r.count), 4, func(a access) {
		for v, g := range a.load("grad") {
			k.accumulate(squares[v], g, g)
		}
	}, []*reg{first.pointers["grad"]})
	at := k.param("square")
	square := k.fma(k.sum(k.addUp(squares)), newSquare, k.fmul(k.one(at, 0), beta2))
	k.storeBy("FMOVS", square, at, 0)
	move := k.lane0(k.fdiv(rate, k.fma(k.fsqrt(square), root, epsilon)))
	r.across("values", 4, func(a access) {
		m, value := k.moved(a, newMean), a.load("value")
		for v := range m {
			value[v] = k.fnma(m[v], move, k.fmul(value[v], decay))
		}
		a.store(value, "value")
	})
	k.ret()
}

func (f *file) adagrad() {
	k := f.begin("AdaGradNEON", "func(value, grad, sums *float32, n int, rate, epsilon float32)", "is reference.AdaGrad.")
	rate, epsilon := k.spread("rate"), k.spread("epsilon")
	r := k.row("value", "grad", "sums")
	r.across("values", 4, func(a access) {
		g, sums, value := a.load("grad"), a.load("sums"), a.load("value")
		for v := range g {
			sums[v] = k.fma(g[v], g[v], sums[v])
			move := k.fdiv(k.fmul(g[v], rate), k.fadd(k.fsqrt(sums[v]), epsilon))
			value[v] = k.fsub(value[v], move)
		}
		a.store(sums, "sums")
		a.store(value, "value")
	})
	k.ret()
}

// prefetch asks for the cache lines of a row that is worked on a little later.
func (f *file) prefetch() {
	k := f.begin("Prefetch", "func(x *float32, n int)", "asks for the cache lines of the n values at x; n is positive.")
	x, n := k.param("x"), k.param("n")
	k.label("lines")
	k.emit(nil, []*reg{x}, "PRFM (%v), PLDL1KEEP", x)
	k.add(x, 64)
	k.subs(n, 16)
	k.branch("BGT", "lines")
	k.ret()
}
