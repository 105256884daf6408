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
		l.adamRow(true)
		l.adamRow(false)
		l.adagrad()
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

// adamRow moves a row of values that share one mean square.
func (l level) adamRow(withMean bool) {
	r := rowLoop{level: l}
	name, arguments := "AdamRowNoMean", "value, grad, square *float32, n int, beta2, newSquare, decay, rate, root, epsilon float32"
	if withMean {
		name, arguments = "AdamRow", "value, grad, mean, square *float32, n int, newMean, beta2, newSquare, decay, rate, root, epsilon float32"
	}
	l.begin(name, "func("+arguments+")", "is reference.AdamRow; newMean is 1−β₁, newSquare (1−β₂)/n.")
	one := func(name string) reg.Register { return Load(Param(name), XMM()) }
	square, newSquare, rate, root, epsilon, decay := one("beta2"), one("newSquare"), one("rate"), one("root"), one("epsilon"), l.spread("decay")
	var mean reg.Register
	var newMean vec
	if withMean {
		mean, newMean = Load(Param("mean"), GP64()), l.spread("newMean")
	}
	p := r.values("value", "grad", "square")
	value, grad, at := p[0], p[1], p[2]

	squares := l.zero()
	r.across("squares", func(a access) {
		g := a.load(grad)
		VFMADD231PS(g, g, squares)
	})
	VMULSS(Mem{Base: at}, square, square)
	VFMADD231SS(newSquare, l.sum(squares), square)
	VMOVSS(square, Mem{Base: at})
	VSQRTSS(square, square, square)
	VFMADD213SS(epsilon, root, square)
	VDIVSS(square, rate, rate)
	move := l.reg()
	VBROADCASTSS(rate, move)

	r.across("values", func(a access) {
		m := a.load(grad)
		if withMean {
			g := m
			m = a.load(mean)
			m = l.fma(l.sub(g, m), newMean, m)
			a.store(m, mean)
		}
		a.store(l.fnma(m, move, l.mul(a.load(value), decay)), value)
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
