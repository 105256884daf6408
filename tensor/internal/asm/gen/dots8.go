package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// dots8 writes the product of a matrix of bytes and one vector.
func dots8() {
	for _, l := range levels {
		l.rowDotsInt8()
	}
}

// rowDotsInt8 takes four rows at a time. Bytes are widened to 16 bits, where
// VPMADDWD multiplies and adds pairs to 32.
func (l level) rowDotsInt8() {
	l.begin("RowDotsInt8", "func(dst *float32, x, b *int8, scales *float32, scale float32, rows, cols int)",
		"sets dst[r] = scale·scales[r]·Σ x·b[r]; b is [rows, cols], rows a positive multiple of 4 and cols one of 32.")
	dst, x, scales := Load(Param("dst"), GP64()), Load(Param("x"), GP64()), Load(Param("scales"), GP64())
	rows := []reg.Register{Load(Param("b"), GP64()), GP64(), GP64(), GP64()}
	count, cols, i := Load(Param("rows"), GP64()), Load(Param("cols"), GP64()), GP64()
	scale := XMM()
	VBROADCASTSS(NewParamAddr("scale", 32), scale)
	Label("rows")
	for r := 1; r < 4; r++ {
		LEAQ(Mem{Base: rows[r-1], Index: cols, Scale: 1}, rows[r])
	}
	sums := []vec{l.zero(), l.zero(), l.zero(), l.zero()}
	XORQ(i, i)
	Label("cols")
	for at := 0; at < 32; at += l.bits / 16 {
		v := l.reg()
		VPMOVSXBW(Mem{Base: x, Index: i, Scale: 1, Disp: at}, v)
		for r, row := range rows {
			w := l.reg()
			VPMOVSXBW(Mem{Base: row, Index: i, Scale: 1, Disp: at}, w)
			VPMADDWD(w, v, w)
			VPADDD(w, sums[r], sums[r])
		}
	}
	ADDQ(U8(32), i)
	CMPQ(i, cols)
	JL(LabelRef("cols"))
	for r := range sums {
		sums[r] = l.fold128With(sums[r], VPADDD)
	}
	VPHADDD(sums[1], sums[0], sums[0])
	VPHADDD(sums[3], sums[2], sums[2])
	VPHADDD(sums[2], sums[0], sums[0])
	VCVTDQ2PS(sums[0], sums[0])
	VMULPS(scale, sums[0], sums[0])
	VMULPS(Mem{Base: scales}, sums[0], sums[0])
	VMOVUPS(sums[0], Mem{Base: dst})
	ADDQ(U8(16), dst)
	ADDQ(U8(16), scales)
	LEAQ(Mem{Base: rows[3], Index: cols, Scale: 1}, rows[0])
	SUBQ(U8(4), count)
	JG(LabelRef("rows"))
	l.end()
}
