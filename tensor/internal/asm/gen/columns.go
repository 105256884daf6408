package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// columns writes the kernels on tiles of scores that are stored transposed, a
// query or token a column: what is done for each of them is done for a vector
// of them at a time. The number of columns is a multiple of 16.
func columns() {
	for _, l := range levels {
		l.columnsMax()
		l.columnsExp()
		l.columnsGradient()
	}
}

func (l level) columnsMax() {
	l.begin("ColumnsMax", "func(top, s *float32, rows, stride, cols int)", "raises top[j] to the largest s[i,j] of its column.")
	top, s := Load(Param("top"), GP64()), Load(Param("s"), GP64())
	l.eachColumn(func(j reg.Register) (func(row reg.Register), func()) {
		m := l.load(Mem{Base: top, Index: j, Scale: 4})
		row := func(i reg.Register) { VMAXPS(Mem{Base: i, Index: j, Scale: 4}, m, m) }
		return row, func() { VMOVUPS(m, Mem{Base: top, Index: j, Scale: 4}) }
	}, s)
	l.end()
}

func (l level) columnsExp() {
	l.begin("ColumnsExp", "func(s, shift, sum *float32, rows, stride, cols int, scale float32)",
		"sets s[i,j] = e^(scale·s[i,j] − shift[j]) and adds it to sum[j].")
	s, shift, sum := Load(Param("s"), GP64()), Load(Param("shift"), GP64()), Load(Param("sum"), GP64())
	scale := l.spread("scale")
	l.eachColumn(func(j reg.Register) (func(row reg.Register), func()) {
		at := func(base reg.Register) Mem { return Mem{Base: base, Index: j, Scale: 4} }
		off, total := l.load(at(shift)), l.load(at(sum))
		row := func(i reg.Register) {
			x := l.load(at(i))
			VFMSUB132PS(scale, off, x)
			e := l.exp(x)
			VMOVUPS(e, at(i))
			VADDPS(e, total, total)
		}
		return row, func() { VMOVUPS(total, at(sum)) }
	}, s)
	l.end()
}

func (l level) columnsGradient() {
	l.begin("ColumnsGradient", "func(d, p, dot *float32, rows, stride, cols int, scale float32)",
		"sets d[i,j] = scale·p[i,j]·(d[i,j] − dot[j]), the gradient of a softmax p down the columns.")
	d, p, dot := Load(Param("d"), GP64()), Load(Param("p"), GP64()), Load(Param("dot"), GP64())
	SUBQ(d, p)
	scale := l.spread("scale")
	l.eachColumn(func(j reg.Register) (func(row reg.Register), func()) {
		mean := l.load(Mem{Base: dot, Index: j, Scale: 4})
		other := GP64()
		row := func(i reg.Register) {
			at := Mem{Base: i, Index: j, Scale: 4}
			LEAQ(Mem{Base: i, Index: p, Scale: 1}, other)
			x := l.sub(l.load(at), mean)
			x = l.mul(x, scale)
			VMOVUPS(l.mul(x, Mem{Base: other, Index: j, Scale: 4}), at)
		}
		return row, func() {}
	}, d)
	l.end()
}

// eachColumn writes the loops over vectors of columns and, within, the rows of
// the matrix at first. column begins the work on the columns from j and returns
// what a row adds, given the row's address, and what ends it.
func (l level) eachColumn(column func(j reg.Register) (row func(i reg.Register), end func()), first reg.Register) {
	rows, stride, cols := Load(Param("rows"), GP64()), loadBytes("stride"), Load(Param("cols"), GP64())
	j, i, left := GP64(), GP64(), GP64()
	XORQ(j, j)
	Label("columns")
	row, end := column(j)
	MOVQ(first, i)
	MOVQ(rows, left)
	Label("rows")
	row(i)
	ADDQ(stride, i)
	DECQ(left)
	JNZ(LabelRef("rows"))
	end()
	ADDQ(U8(l.lanes()), j)
	CMPQ(j, cols)
	JL(LabelRef("columns"))
}
