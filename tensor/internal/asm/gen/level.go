package main

import (
	"fmt"
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// level writes the same kernel for 512 or 256 bits: most instructions have one
// name for both widths, and the methods hide the rest.
type level struct {
	name string
	bits int
}

var levels = []level{{"AVX512", 512}, {"AVX2", 256}}

type vec = reg.VecVirtual

func (l level) wide() bool { return l.bits == 512 }

// lanes is the number of float32 values in a vector.
func (l level) lanes() int { return l.bits / 32 }

func (l level) reg() vec {
	if l.wide() {
		return ZMM()
	}
	return YMM()
}

// begin opens a function whose name ends in the level's.
func (l level) begin(name, signature, doc string) {
	TEXT(name+l.name, NOSPLIT, signature)
	Pragma("noescape")
	Doc(name + l.name + " " + doc)
	held = map[string]vec{}
}

func (l level) end() {
	VZEROUPPER()
	RET()
}

var (
	held   map[string]vec // constants in registers of the function that is being written
	tables = map[string]Mem{}
)

// words is a table of 32-bit words in read-only memory, repeated to fill 64 bytes.
func words(name string, values ...uint32) Mem {
	if m, ok := tables[name]; ok {
		return m
	}
	m := GLOBL(name, RODATA|NOPTR)
	for i := range max(16, len(values)) {
		DATA(4*i, U32(values[i%len(values)]))
	}
	tables[name] = m
	return m
}

// c is a constant in every lane: in a register if it is held in one, else an operand in memory.
func c(v float64) Op {
	bits := math.Float32bits(float32(v))
	name := fmt.Sprintf("f%08x", bits)
	if r, ok := held[name]; ok {
		return r
	}
	return words(name, bits)
}

// hold keeps constants in registers for the rest of the function, where there are 32 of them.
func (l level) hold(values ...float64) {
	for _, v := range values {
		if l.wide() {
			held[fmt.Sprintf("f%08x", math.Float32bits(float32(v)))] = l.load(c(v))
		}
	}
}

// bits is a word in every lane, as an operand in memory.
func bits(w uint32) Mem { return words(fmt.Sprintf("f%08x", w), w) }

func (l level) load(m Op) vec {
	v := l.reg()
	VMOVUPS(m, v)
	return v
}

func (l level) zero() vec {
	v := l.reg()
	if l.wide() {
		VPXORD(v, v, v)
	} else {
		VPXOR(v, v, v)
	}
	return v
}

// spread loads a float32 parameter into every lane.
func (l level) spread(name string) vec {
	v := l.reg()
	x := Load(Param(name), XMM())
	VBROADCASTSS(x, v)
	return v
}

func (l level) spreadAt(m Mem) vec {
	v := l.reg()
	VBROADCASTSS(m, v)
	return v
}

func (l level) add(x vec, y Op) vec { r := l.reg(); VADDPS(y, x, r); return r }
func (l level) sub(x vec, y Op) vec { r := l.reg(); VSUBPS(y, x, r); return r }
func (l level) mul(x vec, y Op) vec { r := l.reg(); VMULPS(y, x, r); return r }
func (l level) div(x vec, y Op) vec { r := l.reg(); VDIVPS(y, x, r); return r }

// max and min return y where one of the two is NaN.
func (l level) max(x vec, y Op) vec { r := l.reg(); VMAXPS(y, x, r); return r }
func (l level) min(x vec, y Op) vec { r := l.reg(); VMINPS(y, x, r); return r }

// fma returns x·y + z in a register of its own.
func (l level) fma(x vec, y, z Op) vec {
	r := l.load(z)
	VFMADD231PS(y, x, r)
	return r
}

// fnma returns z − x·y in a register of its own.
func (l level) fnma(x vec, y, z Op) vec {
	r := l.load(z)
	VFNMADD231PS(y, x, r)
	return r
}

func (l level) and(x vec, y Op) vec { r := l.reg(); VANDPS(y, x, r); return r }
func (l level) or(x vec, y Op) vec  { r := l.reg(); VORPS(y, x, r); return r }
func (l level) xor(x vec, y Op) vec { r := l.reg(); VXORPS(y, x, r); return r }

// horner returns Σ coefficients[i]·xⁱ.
func (l level) horner(x vec, coefficients ...float64) vec {
	last := len(coefficients) - 1
	r := l.load(c(coefficients[last]))
	for i := last - 1; i >= 0; i-- {
		VFMADD213PS(c(coefficients[i]), x, r)
	}
	return r
}

// Predicates of pick.
const (
	less    = 1  // LT_OS
	greater = 30 // GT_OQ
)

// pick returns yes in the lanes where x compares to y by the predicate, else no.
func (l level) pick(predicate uint8, x vec, y Op, yes, no vec) vec {
	r := l.reg()
	if l.wide() {
		k := K()
		VCMPPS(U8(predicate), y, x, k)
		VBLENDMPS(yes, no, k, r)
		return r
	}
	mask := l.reg()
	VCMPPS(U8(predicate), y, x, mask)
	VBLENDVPS(mask, yes, no, r)
	return r
}

// sum adds the lanes of v into lane 0 of an XMM register.
func (l level) sum(v vec) vec { return l.fold(v, VADDPS) }

// top is the largest lane of v, in lane 0 of an XMM register.
func (l level) top(v vec) vec { return l.fold(v, VMAXPS) }

func (l level) fold(v vec, op func(ops ...Op)) vec {
	low := l.fold128With(v, op)
	for _, order := range []uint8{0x4e, 0xb1} {
		other := XMM()
		VPERMILPS(U8(order), low, other)
		op(other, low, low)
	}
	return low
}

// fold128 adds the 128-bit lanes of v.
func (l level) fold128(v vec) vec { return l.fold128With(v, VADDPS) }

func (l level) fold128With(v vec, op func(ops ...Op)) vec {
	half := v.AsY()
	if l.wide() {
		high, low := YMM(), YMM()
		VEXTRACTF64X4(U8(1), v, high)
		op(high, half, low)
		half = low
	}
	high, low := XMM(), XMM()
	VEXTRACTF128(U8(1), half, high)
	op(high, half.(reg.VecVirtual).AsX(), low)
	return low
}

// tail is the mask of the last lanes of a row: the values that a whole number of vectors leaves.
type tail struct {
	l    level
	k    reg.Register
	mask vec
}

// tail makes the mask of the first rest lanes.
func (l level) tail(rest reg.Register) tail {
	if l.wide() {
		ones := GP32()
		MOVL(U32(0xffff), ones)
		BZHIL(rest.(reg.GPVirtual).As32(), ones, ones)
		k := K()
		KMOVW(ones, k)
		return tail{l: l, k: k}
	}
	table := words("lanes", 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0, 0, 0, 0, 0, 0, 0, 0)
	at, back := GP64(), GP64()
	LEAQ(table.Offset(32), at)
	MOVQ(rest, back)
	NEGQ(back)
	mask := l.reg()
	VMOVUPS(Mem{Base: at, Index: back, Scale: 4}, mask)
	return tail{l: l, mask: mask}
}

// load loads the lanes of the mask; the others are zero.
func (t tail) load(m Mem) vec {
	v := t.l.reg()
	if t.l.wide() {
		VMOVUPS_Z(m, t.k, v)
	} else {
		VMASKMOVPS(m, t.mask, v)
	}
	return v
}

func (t tail) store(v vec, m Mem) {
	if t.l.wide() {
		VMOVUPS(v, t.k, m)
	} else {
		VMASKMOVPS(v, t.mask, m)
	}
}

// only makes the lanes outside the mask zero.
func (t tail) only(v vec) vec {
	r := t.l.reg()
	if t.l.wide() {
		VMOVAPS_Z(v, t.k, r)
	} else {
		VANDPS(v, t.mask, r)
	}
	return r
}

// or puts other into the lanes outside the mask.
func (t tail) or(v, other vec) vec {
	r := t.l.reg()
	if t.l.wide() {
		VBLENDMPS(v, other, t.k, r)
	} else {
		VBLENDVPS(t.mask, v, other, r)
	}
	return r
}
