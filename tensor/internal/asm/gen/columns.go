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
	l.eachRow([]reg.Register{s}, []string{"stride"}, func(at func(base reg.Register) Mem) {
		m := l.load(at(s))
		VMAXPS(at(top), m, m)
		VMOVUPS(m, at(top))
	})
	l.end()
}

func (l level) columnsExp() {
	l.begin("ColumnsExp", "func(s, shift, sum, copy *float32, rows, stride, cols, copyStride int, scale float32)",
		"sets s[i,j] and copy[i,j] to e^(scale·s[i,j] − shift[j]) and adds it to sum[j].")
	s, shift, sum := Load(Param("s"), GP64()), Load(Param("shift"), GP64()), Load(Param("sum"), GP64())
	second, scale := Load(Param("copy"), GP64()), l.spread("scale")
	rows, cols := Load(Param("rows"), GP64()), Load(Param("cols"), GP64())
	stride, copyStride := loadBytes("stride"), loadBytes("copyStride")
	l.holdExp()
	lower, total := l.reg(), l.reg()
	left, to, copyTo := GP64(), GP64(), GP64()
	Label("columns") // a vector of them at a time, down all rows
	VMOVUPS(Mem{Base: shift}, lower)
	VMOVUPS(Mem{Base: sum}, total)
	MOVQ(rows, left)
	MOVQ(s, to)
	MOVQ(second, copyTo)
	Label("rows")
	x := l.load(Mem{Base: to})
	VFMSUB213PS(lower, scale, x)
	e := l.exp(x)
	VMOVUPS(e, Mem{Base: to})
	VMOVUPS(e, Mem{Base: copyTo})
	VADDPS(e, total, total)
	ADDQ(stride, to)
	ADDQ(copyStride, copyTo)
	DECQ(left)
	JNZ(LabelRef("rows"))
	VMOVUPS(total, Mem{Base: sum})
	for _, p := range []reg.Register{s, shift, sum, second} {
		ADDQ(U8(4*l.lanes()), p)
	}
	SUBQ(U8(l.lanes()), cols)
	JNZ(LabelRef("columns"))
	l.end()
}

func (l level) columnsGradient() {
	l.begin("ColumnsGradient", "func(d, p, dot *float32, rows, stride, cols int, scale float32)",
		"sets d[i,j] = scale·p[i,j]·(d[i,j] − dot[j]), the gradient of a softmax p down the columns.")
	d, p, dot := Load(Param("d"), GP64()), Load(Param("p"), GP64()), Load(Param("dot"), GP64())
	scale := l.spread("scale")
	l.eachRow([]reg.Register{d, p}, []string{"stride", "stride"}, func(at func(base reg.Register) Mem) {
		x := l.sub(l.load(at(d)), at(dot))
		x = l.mul(x, scale)
		VMOVUPS(l.mul(x, at(p)), at(d))
	})
	l.end()
}

// eachRow writes the loops over the rows of matrices and, within, vectors of
// columns. Pointers in matrices move on by their strides with each row; at gives
// the present columns of those and of any other pointer.
func (l level) eachRow(matrices []reg.Register, strides []string, body func(at func(base reg.Register) Mem)) {
	rows, cols, j := Load(Param("rows"), GP64()), Load(Param("cols"), GP64()), GP64()
	var steps []reg.Register
	for _, name := range strides {
		steps = append(steps, loadBytes(name))
	}
	Label("rows")
	XORQ(j, j)
	Label("columns")
	body(func(base reg.Register) Mem { return Mem{Base: base, Index: j, Scale: 4} })
	ADDQ(U8(l.lanes()), j)
	CMPQ(j, cols)
	JL(LabelRef("columns"))
	for i, m := range matrices {
		ADDQ(steps[i], m)
	}
	DECQ(rows)
	JNZ(LabelRef("rows"))
}
