package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// norm writes layer norm and, where centred is false, RMS norm: the same without a mean.
func norm() {
	for _, l := range levels {
		for _, centred := range []bool{true, false} {
			l.norm(centred)
			l.normBackward(centred)
		}
	}
}

func (l level) norm(centred bool) {
	r := rowLoop{level: l}
	if centred {
		l.begin("LayerNorm", "func(y, x, gain, bias, mean, rstd *float32, rows, cols int, eps float32)", "is reference.LayerNorm.")
	} else {
		l.begin("RMSNorm", "func(y, x, gain, rstd *float32, rows, cols int, eps float32)", "is reference.RMSNorm.")
	}
	r.begin("y", "x")
	gain, rstd := Load(Param("gain"), GP64()), Load(Param("rstd"), GP64())
	var bias, mean reg.Register
	if centred {
		bias, mean = Load(Param("bias"), GP64()), Load(Param("mean"), GP64())
	}
	Label("rows")
	var mu vec
	if centred {
		total := l.zero()
		r.across("sum", func(a access) { VADDPS(a.load(r.rows["x"]), total, total) })
		mu = r.mean(total)
		VMOVSS(mu.AsX(), Mem{Base: mean})
		ADDQ(U8(4), mean)
	}
	centre := func(x vec, a access) vec {
		if !centred {
			return x
		}
		return a.only(l.sub(x, mu))
	}
	squares := l.zero()
	r.across("squares", func(a access) { d := centre(a.load(r.rows["x"]), a); VFMADD231PS(d, d, squares) })
	scale := r.mean(squares)
	VADDSS(r.eps, scale.AsX(), scale.AsX())
	VSQRTSS(scale.AsX(), scale.AsX(), scale.AsX())
	one := XMM()
	VMOVSS(c(1), one)
	VDIVSS(scale.AsX(), one, scale.AsX())
	VMOVSS(scale.AsX(), Mem{Base: rstd})
	ADDQ(U8(4), rstd)
	VBROADCASTSS(scale.AsX(), scale)
	r.across("write", func(a access) {
		v := l.mul(centre(a.load(r.rows["x"]), a), scale)
		v = l.mul(v, a.load(gain))
		if centred {
			v = l.add(v, a.load(bias))
		}
		a.store(v, r.rows["y"])
	})
	r.next()
	l.end()
}

func (l level) normBackward(centred bool) {
	r := rowLoop{level: l}
	if centred {
		l.begin("LayerNormBackward", "func(dx, dgain, dbias, dy, x, gain, mean, rstd *float32, rows, cols int)", "is reference.LayerNormBackward.")
	} else {
		l.begin("RMSNormBackward", "func(dx, dgain, dy, x, gain, rstd *float32, rows, cols int)", "is reference.RMSNormBackward.")
	}
	r.begin("dx", "dy", "x")
	gain, rstd, dgain := Load(Param("gain"), GP64()), Load(Param("rstd"), GP64()), Load(Param("dgain"), GP64())
	var dbias, mean reg.Register
	if centred {
		dbias, mean = Load(Param("dbias"), GP64()), Load(Param("mean"), GP64())
	}
	Label("rows")
	scale, mu := l.spreadAt(Mem{Base: rstd}), vec(nil)
	ADDQ(U8(4), rstd)
	if centred {
		mu = l.spreadAt(Mem{Base: mean})
		ADDQ(U8(4), mean)
	}
	normed := func(a access) vec {
		x := a.load(r.rows["x"])
		if centred {
			x = l.sub(x, mu)
		}
		return l.mul(x, scale)
	}
	dot, sum := l.zero(), l.zero()
	r.across("sums", func(a access) {
		x, dy := normed(a), a.load(r.rows["dy"])
		a.store(l.fma(dy, x, a.load(dgain)), dgain)
		if centred {
			a.store(l.add(dy, a.load(dbias)), dbias)
		}
		g := l.mul(dy, a.load(gain))
		VFMADD231PS(g, x, dot)
		VADDPS(g, sum, sum)
	})
	dot = r.mean(dot)
	if centred {
		sum = r.mean(sum)
	}
	r.across("write", func(a access) {
		g := l.mul(a.load(r.rows["dy"]), a.load(gain))
		if centred {
			g = l.sub(g, sum)
		}
		g = l.fnma(normed(a), dot, g)
		a.store(l.mul(g, scale), r.rows["dx"])
	})
	r.next()
	l.end()
}

// rowLoop goes through the rows of dense matrices of the parameters rows and cols.
type rowLoop struct {
	level
	rows        map[string]reg.Register // the present row of each matrix
	count, cols reg.Register
	i           reg.Register
	t           tail
	share, eps  reg.Register // 1/cols
	names       []string
}

func (r *rowLoop) begin(matrices ...string) {
	r.rows, r.names = map[string]reg.Register{}, matrices
	for _, name := range matrices {
		r.rows[name] = Load(Param(name), GP64())
	}
	r.count, r.cols, r.i = Load(Param("rows"), GP64()), Load(Param("cols"), GP64()), GP64()
	rest := GP64()
	MOVQ(r.cols, rest)
	ANDQ(U8(r.lanes()-1), rest)
	r.t = r.tail(rest)
	size, one := XMM(), XMM()
	VXORPS(size, size, size)
	VCVTSI2SSQ(r.cols, size, size)
	VMOVSS(c(1), one)
	VDIVSS(size, one, one)
	r.share = one
	if len(matrices) == 2 {
		r.eps = Load(Param("eps"), XMM())
	}
}

// mean is the mean of a row whose values are added up in the lanes of total, in every lane.
func (r *rowLoop) mean(total vec) vec {
	sum, out := r.sum(total), r.reg()
	VMULSS(r.share, sum, sum)
	VBROADCASTSS(sum, out)
	return out
}

// access reads and writes the present columns of a row: all lanes or the tail's.
type access struct {
	load  func(base reg.Register) vec
	store func(v vec, base reg.Register)
	only  func(v vec) vec
}

// across writes a loop over the columns of a row.
func (r *rowLoop) across(name string, body func(a access)) {
	at := func(base reg.Register) Mem { return Mem{Base: base, Index: r.i, Scale: 4} }
	end := GP64()
	MOVQ(r.cols, end)
	SUBQ(U8(r.lanes()), end)
	XORQ(r.i, r.i)
	Label(name)
	CMPQ(r.i, end)
	JG(LabelRef(name + "rest"))
	body(access{
		load:  func(base reg.Register) vec { return r.load(at(base)) },
		store: func(v vec, base reg.Register) { VMOVUPS(v, at(base)) },
		only:  func(v vec) vec { return v },
	})
	ADDQ(U8(r.lanes()), r.i)
	JMP(LabelRef(name))
	Label(name + "rest")
	CMPQ(r.i, r.cols)
	JE(LabelRef(name + "done"))
	body(access{
		load:  func(base reg.Register) vec { return r.t.load(at(base)) },
		store: func(v vec, base reg.Register) { r.t.store(v, at(base)) },
		only:  r.t.only,
	})
	Label(name + "done")
}

// next ends the loop over rows that begins at the label rows.
func (r *rowLoop) next() {
	for _, name := range r.names {
		LEAQ(Mem{Base: r.rows[name], Index: r.cols, Scale: 4}, r.rows[name])
	}
	DECQ(r.count)
	JNZ(LabelRef("rows"))
}
