package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// maps writes the element-wise kernels.
func maps() {
	for _, l := range levels {
		l.unary("Exp", "sets dst = eˣ.", l.exp)
		l.unary("Tanh", "sets dst = tanh x.", l.tanh)
		l.unary("Sigmoid", "sets dst = 1/(1+e⁻ˣ).", l.sigmoid)
		l.unary("GELU", "sets dst = x·Φ(x).", func(x vec) vec { phi, _ := l.normal(x); return l.mul(phi, x) })
		l.unary("SiLU", "sets dst = x/(1+e⁻ˣ).", func(x vec) vec { return l.mul(l.sigmoid(x), x) })
		l.unary("ReLU", "sets dst = max(x, 0).", func(x vec) vec { return l.max(l.zero(), x) })
		if l.wide() {
			l.unary("Log", "sets dst = ln x.", l.log)
		}
		l.binary("Add", "sets dst = x + y.", func(x, y vec) vec { return l.add(x, y) })
		l.binary("Mul", "sets dst = x·y.", func(x, y vec) vec { return l.mul(x, y) })
		l.binary("ReLUBackward", "sets dst = x where y > 0, else 0.", func(x, y vec) vec {
			return l.pick(greater, y, c(0), x, l.zero())
		})
		l.binary("SigmoidBackward", "sets dst = x·y·(1−y).", func(x, y vec) vec {
			return l.mul(l.mul(x, y), l.sub(l.load(c(1)), y))
		})
		l.binary("TanhBackward", "sets dst = x·(1−y²).", func(x, y vec) vec {
			return l.mul(l.fnma(y, y, c(1)), x)
		})
		l.binary("GELUBackward", "sets dst = x·GELU′(y).", func(x, y vec) vec {
			phi, e := l.normal(y)
			return l.mul(l.fma(l.mul(e, c(0.3989422804014327)), y, phi), x)
		})
		l.binary("SiLUBackward", "sets dst = x·SiLU′(y).", func(x, y vec) vec {
			s := l.sigmoid(y)
			rest := l.sub(l.load(c(1)), s)
			return l.mul(l.mul(s, l.fma(rest, y, c(1))), x)
		})
		l.axpy()
		l.scale()
		l.shiftMul()
	}
}

func (l level) unary(name, doc string, f func(x vec) vec) {
	l.begin(name, "func(dst, x *float32, n int)", doc)
	l.each([]string{"x"}, "dst", func(v []vec) vec { return f(v[0]) })
	l.end()
}

func (l level) binary(name, doc string, f func(x, y vec) vec) {
	l.begin(name, "func(dst, x, y *float32, n int)", doc)
	l.each([]string{"x", "y"}, "dst", func(v []vec) vec { return f(v[0], v[1]) })
	l.end()
}

func (l level) axpy() {
	l.begin("Axpy", "func(alpha float32, x, y *float32, n int)", "adds alpha·x to y.")
	alpha := l.spread("alpha")
	l.each([]string{"x", "y"}, "y", func(v []vec) vec { return l.fma(v[0], alpha, v[1]) })
	l.end()
}

func (l level) scale() {
	l.begin("Scale", "func(alpha float32, x *float32, n int)", "multiplies x by alpha.")
	alpha := l.spread("alpha")
	l.each([]string{"x"}, "x", func(v []vec) vec { return l.mul(v[0], alpha) })
	l.end()
}

// each writes the loop of an element-wise kernel over the parameter n: whole vectors, then the tail.
func (l level) each(from []string, to string, f func(v []vec) vec) {
	l.eachMasked(from, to, func(v []vec, _ func(vec) vec) vec { return f(v) })
}

// eachMasked is each for an f that needs zeros behind the end: only puts them there.
func (l level) eachMasked(from []string, to string, f func(v []vec, only func(vec) vec) vec) {
	pointers := map[string]reg.Register{}
	for _, name := range append([]string{to}, from...) {
		if pointers[name] == nil {
			pointers[name] = Load(Param(name), GP64())
		}
	}
	n, i := Load(Param("n"), GP64()), GP64()
	XORQ(i, i)
	at := func(name string) Mem { return Mem{Base: pointers[name], Index: i, Scale: 4} }
	body := func(load func(Mem) vec, only func(vec) vec) vec {
		var v []vec
		for _, name := range from {
			v = append(v, load(at(name)))
		}
		return f(v, only)
	}
	SUBQ(U8(l.lanes()), n)
	JL(LabelRef("rest"))
	Label("whole")
	VMOVUPS(body(func(m Mem) vec { return l.load(m) }, func(v vec) vec { return v }), at(to))
	ADDQ(U8(l.lanes()), i)
	SUBQ(U8(l.lanes()), n)
	JGE(LabelRef("whole"))
	Label("rest")
	ADDQ(U8(l.lanes()), n)
	JZ(LabelRef("done"))
	t := l.tail(n)
	t.store(body(t.load, t.only), at(to))
	Label("done")
}

// shiftMul is the gradient of a softmax y along a row.
func (l level) shiftMul() {
	l.begin("ShiftMul", "func(dst, x, y *float32, shift float32, n int)", "sets dst = y·(x − shift).")
	shift := l.spread("shift")
	l.each([]string{"x", "y"}, "dst", func(v []vec) vec { return l.mul(l.sub(v[0], shift), v[1]) })
	l.end()
}
