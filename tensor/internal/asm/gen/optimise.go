package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// optimise writes the updates of parameters.
func optimise() {
	for _, l := range levels {
		l.adam(true)
		l.adam(false)
		l.adamRow()
		l.adagrad()
		l.axpby()
	}
	prefetch()
}

// values begins a loop over the parameter n of the pointers that are named.
func (r *rowLoop) values(names ...string) (pointers []reg.Register) {
	for _, name := range names {
		pointers = append(pointers, Load(Param(name), GP64()))
	}
	r.cols, r.i = Load(Param("n"), GP64()), GP64()
	rest := GP64()
	MOVQ(r.cols, rest)
	ANDQ(U8(r.lanes()-1), rest)
	r.t = r.tail(rest)
	return pointers
}

// adam moves values with their own mean square, and their own mean gradient or none.
func (l level) adam(withMean bool) {
	r := rowLoop{level: l}
	name, arguments := "AdamNoMean", "value, grad, square *float32, n int, beta2, newSquare, decay, rate, root, epsilon float32"
	if withMean {
		name, arguments = "Adam", "value, grad, mean, square *float32, n int, newMean, beta2, newSquare, decay, rate, root, epsilon float32"
	}
	l.begin(name, "func("+arguments+")", "is reference.Adam; newMean is 1−β₁, newSquare 1−β₂.")
	p := r.values("value", "grad", "square")
	value, grad, square := p[0], p[1], p[2]
	beta2, newSquare, decay, rate, root, epsilon := l.spread("beta2"), l.spread("newSquare"), l.spread("decay"), l.spread("rate"), l.spread("root"), l.spread("epsilon")
	var mean reg.Register
	var newMean vec
	if withMean {
		mean, newMean = Load(Param("mean"), GP64()), l.spread("newMean")
	}
	r.across("values", func(a access) {
		g := a.load(grad)
		v := l.mul(a.load(square), beta2)
		v = l.fma(l.mul(g, g), newSquare, v)
		a.store(v, square)
		if withMean {
			m := a.load(mean)
			m = l.fma(l.sub(g, m), newMean, m)
			a.store(m, mean)
			g = m
		}
		below := l.reg()
		VSQRTPS(v, below)
		below = l.fma(below, root, epsilon)
		move := l.div(l.mul(g, rate), below)
		a.store(l.sub(l.mul(a.load(value), decay), move), value)
	})
	l.end()
}

func (l level) adamRow() {
	r := rowLoop{level: l}
	l.begin("AdamRow", "func(value, grad, mean *float32, n int, newMean, decay, rate float32)",
		"moves mean to grad by the share newMean and sets value = decay·value − rate·mean.")
	p := r.values("value", "grad", "mean")
	newMean, decay, rate := l.spread("newMean"), l.spread("decay"), l.spread("rate")
	r.across("values", func(a access) {
		m := a.load(p[2])
		m = l.fma(l.sub(a.load(p[1]), m), newMean, m)
		a.store(m, p[2])
		a.store(l.fnma(m, rate, l.mul(a.load(p[0]), decay)), p[0])
	})
	l.end()
}

func (l level) adagrad() {
	r := rowLoop{level: l}
	l.begin("AdaGrad", "func(value, grad, sums *float32, n int, rate, epsilon float32)", "is reference.AdaGrad.")
	p := r.values("value", "grad", "sums")
	rate, epsilon := l.spread("rate"), l.spread("epsilon")
	r.across("values", func(a access) {
		g := a.load(p[1])
		s := l.fma(g, g, a.load(p[2]))
		a.store(s, p[2])
		below := l.reg()
		VSQRTPS(s, below)
		move := l.div(l.mul(g, rate), l.add(below, epsilon))
		a.store(l.sub(a.load(p[0]), move), p[0])
	})
	l.end()
}

func (l level) axpby() {
	r := rowLoop{level: l}
	l.begin("Axpby", "func(alpha float32, x *float32, beta float32, y *float32, n int)", "sets y = alpha·x + beta·y.")
	p := r.values("x", "y")
	alpha, beta := l.spread("alpha"), l.spread("beta")
	r.across("values", func(a access) {
		a.store(l.fma(a.load(p[0]), alpha, l.mul(a.load(p[1]), beta)), p[1])
	})
	l.end()
}

// prefetch asks for the cache lines of a row that is worked on a little later.
func prefetch() {
	TEXT("Prefetch", NOSPLIT, "func(x *float32, n int)")
	Pragma("noescape")
	Doc("Prefetch asks for the cache lines of the n values at x; n is positive.")
	x, n := Load(Param("x"), GP64()), Load(Param("n"), GP64())
	Label("lines")
	PREFETCHT0(Mem{Base: x})
	ADDQ(U8(64), x)
	SUBQ(U8(16), n)
	JG(LabelRef("lines"))
	RET()
}
