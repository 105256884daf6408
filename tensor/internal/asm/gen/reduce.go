package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// reduce writes the kernels that make one number of a row.
func reduce() {
	for _, l := range levels {
		l.dot()
		l.largest()
		l.expSum()
		l.sum64("Sum", "returns Σ x, added in float64; n is a multiple of 32.", func(x, total reg.Register) { VADDPD(x, total, total) })
		l.sum64("SumSquares", "returns Σ x², added in float64; n is a multiple of 32.", func(x, total reg.Register) { VFMADD231PD(x, x, total) })
		l.dotInt8()
		l.firstAbove()
	}
}

func (l level) dot() {
	l.begin("Dot", "func(x, y *float32, n int) float32", "returns Σ x·y.")
	x, y := Load(Param("x"), GP64()), Load(Param("y"), GP64())
	totals := []vec{l.zero(), l.zero(), l.zero(), l.zero()}
	l.unrolled(len(totals), func(lane int, load func(base reg.Register) vec) {
		VFMADD231PS(load(y), load(x), totals[lane])
	})
	VADDPS(totals[1], totals[0], totals[0])
	VADDPS(totals[3], totals[2], totals[2])
	Store(l.sum(l.add(totals[0], totals[2])), ReturnIndex(0))
	l.end()
}

func (l level) largest() {
	l.begin("Max", "func(x *float32, n int) float32", "returns the largest of x, at least −Inf.")
	x := Load(Param("x"), GP64())
	infinity := l.load(bits(0xff800000))
	totals := []vec{l.load(infinity), l.load(infinity), l.load(infinity), l.load(infinity)}
	l.unrolledTail(len(totals), func(lane int, load func(base reg.Register) vec, only func(vec, vec) vec) {
		VMAXPS(only(load(x), infinity), totals[lane], totals[lane])
	})
	VMAXPS(totals[1], totals[0], totals[0])
	VMAXPS(totals[3], totals[2], totals[2])
	Store(l.top(l.max(totals[0], totals[2])), ReturnIndex(0))
	l.end()
}

func (l level) expSum() {
	l.begin("ExpSum", "func(dst, x *float32, shift float32, n int) float32", "sets dst = e^(x − shift) and returns its sum.")
	shift, total := l.spread("shift"), l.zero()
	l.eachMasked([]string{"x"}, "dst", func(v []vec, only func(vec) vec) vec {
		e := only(l.exp(l.sub(v[0], shift)))
		VADDPS(e, total, total)
		return e
	})
	Store(l.sum(total), ReturnIndex(0))
	l.end()
}

// sum64 converts to float64, half a vector of float32 at a time, into four sums.
func (l level) sum64(name, doc string, add func(x, total reg.Register)) {
	l.begin(name, "func(x *float32, n int) float64", doc)
	x, n := Load(Param("x"), GP64()), Load(Param("n"), GP64())
	totals := []vec{l.zero(), l.zero(), l.zero(), l.zero()}
	Label("whole")
	for i, total := range totals {
		v := l.reg()
		VCVTPS2PD(Mem{Base: x, Disp: i * l.bits / 16}, v)
		add(v, total)
	}
	ADDQ(U8(4*l.bits/16), x)
	SUBQ(U8(l.bits/16), n)
	JG(LabelRef("whole"))
	VADDPD(totals[1], totals[0], totals[0])
	VADDPD(totals[3], totals[2], totals[2])
	VADDPD(totals[2], totals[0], totals[0])
	half := totals[0].AsY()
	if l.wide() {
		high, low := YMM(), YMM()
		VEXTRACTF64X4(U8(1), totals[0], high)
		VADDPD(high, half, low)
		half = low
	}
	high, low := XMM(), XMM()
	VEXTRACTF128(U8(1), half, high)
	VADDPD(high, half.(reg.VecVirtual).AsX(), low)
	other := XMM()
	VPERMILPD(U8(1), low, other)
	VADDSD(other, low, low)
	Store(low, ReturnIndex(0))
	l.end()
}

// dotInt8 widens to 16 bits, where VPMADDWD multiplies and adds pairs to 32.
func (l level) dotInt8() {
	l.begin("DotInt8", "func(x, y *int8, n int) int32", "returns Σ x·y; n is a positive multiple of 32.")
	x, y, n := Load(Param("x"), GP64()), Load(Param("y"), GP64()), Load(Param("n"), GP64())
	total := l.zero()
	Label("whole")
	for at := 0; at < 32; at += l.bits / 16 {
		a, b := l.reg(), l.reg()
		VPMOVSXBW(Mem{Base: x, Disp: at}, a)
		VPMOVSXBW(Mem{Base: y, Disp: at}, b)
		VPMADDWD(a, b, a)
		VPADDD(a, total, total)
	}
	ADDQ(U8(32), x)
	ADDQ(U8(32), y)
	SUBQ(U8(32), n)
	JG(LabelRef("whole"))
	sum := GP32()
	MOVD(l.fold(total, VPADDD), sum)
	Store(sum, ReturnIndex(0))
	l.end()
}

// firstAbove scans 64 values a step.
func (l level) firstAbove() {
	l.begin("FirstAbove", "func(x *float32, n int, bar float32) int",
		"returns a multiple of 64 below n: that of the first 64 values with one above bar, or n. n is a multiple of 64.")
	x, n, i := Load(Param("x"), GP64()), Load(Param("n"), GP64()), GP64()
	bar := l.spread("bar")
	XORQ(i, i)
	Label("scan")
	CMPQ(i, n)
	JGE(LabelRef("found"))
	var top vec
	for at := 0; at < 64; at += l.lanes() {
		m := Mem{Base: x, Index: i, Scale: 4, Disp: 4 * at}
		if at == 0 {
			top = l.load(m)
			top = l.cleared(top)
			continue
		}
		VMAXPS(top, l.cleared(l.load(m)), top)
	}
	if l.wide() {
		k := K()
		VCMPPS(U8(greater), bar, top, k)
		KORTESTW(k, k)
	} else {
		above := l.reg()
		VCMPPS(U8(greater), bar, top, above)
		VPTEST(above, above)
	}
	JNZ(LabelRef("found"))
	ADDQ(U8(64), i)
	JMP(LabelRef("scan"))
	Label("found")
	Store(i, ReturnIndex(0))
	l.end()
}

// cleared has −Inf in place of NaN, which VMAXPS would let hide its neighbour.
func (l level) cleared(v vec) vec {
	return l.max(v, l.load(bits(0xff800000)))
}

// unrolled writes a loop over the parameter n with several sums; body adds to one of them.
func (l level) unrolled(sums int, body func(sum int, load func(base reg.Register) vec)) {
	l.unrolledTail(sums, func(sum int, load func(base reg.Register) vec, _ func(vec, vec) vec) { body(sum, load) })
}

// unrolledTail is unrolled for bodies to which zero is not neutral: only puts
// other into the lanes behind the end.
func (l level) unrolledTail(sums int, body func(sum int, load func(base reg.Register) vec, only func(v, other vec) vec)) {
	n, i := Load(Param("n"), GP64()), GP64()
	XORQ(i, i)
	at := func(base reg.Register, v int) Mem {
		return Mem{Base: base, Index: i, Scale: 4, Disp: 4 * v * l.lanes()}
	}
	loop := func(label string, vectors int) {
		Label(label)
		SUBQ(U8(vectors*l.lanes()), n)
		JL(LabelRef(label + "end"))
		for v := range vectors {
			body(v, func(base reg.Register) vec { return l.load(at(base, v)) }, func(v, _ vec) vec { return v })
		}
		ADDQ(U8(vectors*l.lanes()), i)
		JMP(LabelRef(label))
		Label(label + "end")
		ADDQ(U8(vectors*l.lanes()), n)
	}
	loop("four", sums)
	loop("one", 1)
	TESTQ(n, n)
	JZ(LabelRef("done"))
	t := l.tail(n)
	body(0, func(base reg.Register) vec { return t.load(at(base, 0)) }, t.or)
	Label("done")
}
