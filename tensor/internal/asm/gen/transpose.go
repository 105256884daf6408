package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// pack writes the kernels that lay out parts of a matrix.
func pack() {
	for _, l := range levels {
		l.transposeRows()
		l.packRows()
	}
}

// packRows copies one or two vectors a row.
func (l level) packRows() {
	l.begin("PackRows", "func(dst, x *float32, k, cols, stride, width int)",
		"copies the first cols values of k rows of x, stride apart, to rows of dst, width apart, and zeros behind them, up to whole vectors: the last row may need room behind it. cols and width are two vectors at most, k is positive.")
	dst, x, k := Load(Param("dst"), GP64()), Load(Param("x"), GP64()), Load(Param("k"), GP64())
	masks := l.columnMasks(2)
	stride, wide := loadBytes("stride"), Load(Param("width"), GP64())
	width := GP64()
	LEAQ(Mem{Base: wide, Index: wide, Scale: 1}, width)
	ADDQ(width, width)
	CMPQ(wide, U8(l.lanes()))
	JLE(LabelRef("one"))
	for vectors := 2; vectors > 0; vectors-- {
		label := []string{"", "one", "two"}[vectors]
		Label(label)
		for v := range vectors {
			VMOVUPS(masks.load(v, x), Mem{Base: dst, Disp: v * l.bits / 8})
		}
		ADDQ(stride, x)
		ADDQ(width, dst)
		DECQ(k)
		JNZ(LabelRef(label))
		l.end()
	}
}

// transposeRows takes as many rows as a vector has lanes and turns square blocks
// of them in registers.
func (l level) transposeRows() {
	l.begin("Transpose", "func(dst, x *float32, k, rows, stride, width int)",
		"sets dst[p·width + r] = x[r·stride + p] for p < k and r < rows, a vector's lanes at most, and zero in the other lanes.")
	dst, x, k := Load(Param("dst"), GP64()), Load(Param("x"), GP64()), Load(Param("k"), GP64())
	rows, stride, width := Load(Param("rows"), GP64()), loadBytes("stride"), loadBytes("width")
	kept := l.tail(rows)

	Label("blocks")
	CMPQ(k, U8(l.lanes()))
	JL(LabelRef("rest"))
	for _, column := range l.square(l.rowsAt(x, rows, stride, func(m Mem) vec { return l.load(m) })) {
		VMOVUPS(kept.only(column), Mem{Base: dst})
		ADDQ(width, dst)
	}
	ADDQ(U8(l.bits/8), x)
	SUBQ(U8(l.lanes()), k)
	JMP(LabelRef("blocks"))

	Label("rest")
	TESTQ(k, k)
	JZ(LabelRef("done"))
	part := l.tail(k)
	for _, column := range l.square(l.rowsAt(x, rows, stride, part.load)) {
		VMOVUPS(kept.only(column), Mem{Base: dst})
		ADDQ(width, dst)
		DECQ(k)
		JZ(LabelRef("done"))
	}
	Label("done")
	l.end()
}

// rowsAt loads one vector of each row; for those that are not there, the last row again.
func (l level) rowsAt(x, rows, stride reg.Register, load func(Mem) vec) []vec {
	at, next := GP64(), GP64()
	MOVQ(x, at)
	var out []vec
	for r := range l.lanes() {
		out = append(out, load(Mem{Base: at}))
		LEAQ(Mem{Base: at, Index: stride, Scale: 1}, next)
		CMPQ(rows, U8(r+1))
		CMOVQGT(next, at)
	}
	return out
}

// square transposes as many vectors as they have lanes: pairs of values, then
// pairs of pairs, then the 128-bit lanes.
func (l level) square(x []vec) []vec {
	two := func(op func(...Op), a, b vec) vec { r := l.reg(); op(b, a, r); return r }
	pairs := make([]vec, len(x))
	for i := 0; i < len(x); i += 2 {
		pairs[i], pairs[i+1] = two(VUNPCKLPS, x[i], x[i+1]), two(VUNPCKHPS, x[i], x[i+1])
	}
	fours := make([]vec, len(x)) // fours[4g+c], lane q: column 4q+c of rows 4g…4g+3
	for g := 0; g < len(x); g += 4 {
		fours[g], fours[g+1] = two(VUNPCKLPD, pairs[g], pairs[g+2]), two(VUNPCKHPD, pairs[g], pairs[g+2])
		fours[g+2], fours[g+3] = two(VUNPCKLPD, pairs[g+1], pairs[g+3]), two(VUNPCKHPD, pairs[g+1], pairs[g+3])
	}
	out := make([]vec, len(x))
	for c := range 4 {
		if !l.wide() {
			out[c], out[4+c] = l.lanes128(0x20, fours[c], fours[4+c]), l.lanes128(0x31, fours[c], fours[4+c])
			continue
		}
		even, odd := l.lanes128(0x88, fours[c], fours[4+c]), l.lanes128(0xdd, fours[c], fours[4+c])
		even2, odd2 := l.lanes128(0x88, fours[8+c], fours[12+c]), l.lanes128(0xdd, fours[8+c], fours[12+c])
		out[c], out[8+c] = l.lanes128(0x88, even, even2), l.lanes128(0xdd, even, even2)
		out[4+c], out[12+c] = l.lanes128(0x88, odd, odd2), l.lanes128(0xdd, odd, odd2)
	}
	return out
}

func (l level) lanes128(order uint8, a, b vec) vec {
	r := l.reg()
	if l.wide() {
		VSHUFF32X4(U8(order), b, a, r)
	} else {
		VPERM2F128(U8(order), b, a, r)
	}
	return r
}
