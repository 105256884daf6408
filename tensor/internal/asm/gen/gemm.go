package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

const tileSignature = "func(k int, a *float32, rowA, stepA int, b *float32, stepB int, c *float32, rowC int, bias *float32, mask uint32, flags int)"

// gemm writes the tiles of package tensor's matrix products. A tile of 12
// rows by two vectors keeps its 24 sums in registers; each step of k loads two
// vectors of b once and multiplies them by 12 broadcast values of a, so that
// there are 14 loads for 24 FMAs and none waits for another.
func gemm() {
	for _, vectors := range []int{2, 1} {
		for _, rows := range []int{12, 8, 4, 2, 1} {
			tileAVX512(rows, vectors)
		}
	}
}

func tileAVX512(rows, vectors int) {
	name := fmt.Sprintf("Tile%dx%dAVX512", rows, 16*vectors)
	TEXT(name, NOSPLIT, tileSignature)
	Pragma("noescape")
	Doc(fmt.Sprintf("%s is a tile of %d rows and up to %d columns.", name, rows, 16*vectors))
	masks := maskRegisters(vectors)
	sums := make([][]reg.VecVirtual, rows)
	for r := range sums {
		for range vectors {
			z := ZMM()
			VPXORD(z, z, z)
			sums[r] = append(sums[r], z)
		}
	}
	k := Load(Param("k"), GP64())
	a := newRows("a", "rowA", rows)
	stepA := loadBytes("stepA")
	b, stepB := Load(Param("b"), GP64()), loadBytes("stepB")

	TESTQ(k, k)
	JZ(LabelRef("summed"))
	Label("step")
	var right []reg.VecVirtual
	for v := range vectors {
		z := ZMM()
		VMOVUPS_Z(Mem{Base: b, Disp: 64 * v}, masks[v], z)
		right = append(right, z)
	}
	for r := range rows {
		left := ZMM()
		VBROADCASTSS(a.at(r), left)
		for v := range vectors {
			VFMADD231PS(right[v], left, sums[r][v])
		}
	}
	a.advance(stepA)
	ADDQ(stepB, b)
	DECQ(k)
	JNZ(LabelRef("step"))
	Label("summed")
	tailAVX512(sums, masks)
	VZEROUPPER()
	RET()
}

// tailAVX512 adds bias and c if they are asked for, applies ReLU if asked for, and stores.
func tailAVX512(sums [][]reg.VecVirtual, masks []reg.Register) {
	c, rowC := Load(Param("c"), GP64()), loadBytes("rowC")
	bias, flags := Load(Param("bias"), GP64()), Load(Param("flags"), GP64())

	TESTQ(bias, bias)
	JZ(LabelRef("biased"))
	for v, mask := range masks {
		z := ZMM()
		VMOVUPS_Z(Mem{Base: bias, Disp: 64 * v}, mask, z)
		for r := range sums {
			VADDPS(z, sums[r][v], sums[r][v])
		}
	}
	Label("biased")

	TESTQ(U32(1), flags)
	JZ(LabelRef("added"))
	old := GP64()
	MOVQ(c, old)
	for r := range sums {
		for v, mask := range masks {
			z := ZMM()
			VMOVUPS_Z(Mem{Base: old, Disp: 64 * v}, mask, z)
			VADDPS(z, sums[r][v], sums[r][v])
		}
		ADDQ(rowC, old)
	}
	Label("added")

	TESTQ(U32(2), flags)
	JZ(LabelRef("store"))
	zero := ZMM()
	VPXORD(zero, zero, zero)
	for r := range sums {
		for v := range masks {
			VMAXPS(sums[r][v], zero, sums[r][v])
		}
	}
	Label("store")
	for r := range sums {
		for v, mask := range masks {
			VMOVUPS(sums[r][v], mask, Mem{Base: c, Disp: 64 * v})
		}
		ADDQ(rowC, c)
	}
}

// maskRegisters splits the parameter mask, one bit a column, into 16 bits a vector.
func maskRegisters(vectors int) []reg.Register {
	bits := Load(Param("mask"), GP32())
	var masks []reg.Register
	for range vectors {
		k := K()
		KMOVW(bits.(reg.GPVirtual).As32(), k)
		SHRL(U8(16), bits)
		masks = append(masks, k)
	}
	return masks
}

// rowsOf addresses rows of a matrix by a base for every four rows, the stride
// and three times the stride.
type rowsOf struct {
	bases         []reg.Register
	stride, three reg.Register
}

func newRows(base, stride string, rows int) rowsOf {
	m := rowsOf{bases: []reg.Register{Load(Param(base), GP64())}}
	if rows == 1 {
		return m
	}
	m.stride = loadBytes(stride)
	if rows > 2 {
		three := GP64()
		LEAQ(Mem{Base: m.stride, Index: m.stride, Scale: 2}, three)
		m.three = three
	}
	for r := 4; r < rows; r += 4 {
		next := GP64()
		LEAQ(Mem{Base: m.bases[len(m.bases)-1], Index: m.stride, Scale: 4}, next)
		m.bases = append(m.bases, next)
	}
	return m
}

func (m rowsOf) at(r int) Mem {
	base := m.bases[r/4]
	switch r % 4 {
	case 1:
		return Mem{Base: base, Index: m.stride, Scale: 1}
	case 2:
		return Mem{Base: base, Index: m.stride, Scale: 2}
	case 3:
		return Mem{Base: base, Index: m.three, Scale: 1}
	}
	return Mem{Base: base}
}

func (m rowsOf) advance(step reg.Register) {
	for _, base := range m.bases {
		ADDQ(step, base)
	}
}

// loadBytes loads a parameter that counts float32 values, as bytes.
func loadBytes(name string) reg.Register {
	r := Load(Param(name), GP64())
	SHLQ(U8(2), r)
	return r
}
