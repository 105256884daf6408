package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// dots writes the product of a matrix and one vector.
func dots() {
	for _, l := range levels {
		l.rowDots()
	}
}

// rowDots takes four rows at a time, each with a sum of its own.
func (l level) rowDots() {
	r := rowLoop{level: l}
	l.begin("RowDots", "func(dst, x, b *float32, rows, cols int)", "sets dst[r] = Σ x·b[r]; b is [rows, cols] and rows a positive multiple of 4.")
	dst, x, b := Load(Param("dst"), GP64()), Load(Param("x"), GP64()), Load(Param("b"), GP64())
	r.count, r.cols, r.i = Load(Param("rows"), GP64()), Load(Param("cols"), GP64()), GP64()
	rest, stride := GP64(), GP64()
	MOVQ(r.cols, rest)
	ANDQ(U8(l.lanes()-1), rest)
	r.t = l.tail(rest)
	MOVQ(r.cols, stride)
	SHLQ(U8(2), stride)
	rows := []reg.Register{b, GP64(), GP64(), GP64()}
	Label("rows")
	for i := 1; i < 4; i++ {
		LEAQ(Mem{Base: rows[i-1], Index: stride, Scale: 1}, rows[i])
	}
	sums := []vec{l.zero(), l.zero(), l.zero(), l.zero()}
	r.across("cols", func(a access) {
		v := a.load(x)
		for i, row := range rows {
			VFMADD231PS(a.load(row), v, sums[i])
		}
	})
	for i := range sums {
		sums[i] = l.fold128(sums[i])
	}
	VHADDPS(sums[1], sums[0], sums[0])
	VHADDPS(sums[3], sums[2], sums[2])
	VHADDPS(sums[2], sums[0], sums[0])
	VMOVUPS(sums[0], Mem{Base: dst})
	ADDQ(U8(16), dst)
	LEAQ(Mem{Base: b, Index: stride, Scale: 4}, b)
	SUBQ(U8(4), r.count)
	JG(LabelRef("rows"))
	l.end()
}
