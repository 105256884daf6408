package main

import (
	"fmt"
	"math"
)

// The vector instructions that kernels are made of. Those that Go's assembler
// knows are written by its names, the others as words. v.4s is four float32.

// word appends an instruction of the form "name d, n, m" as its encoding: base
// with the registers' numbers in bits 0 (d), 5 (n) and 16 (m).
func (k *function) word(base uint32, text string, d, n, m *reg, changes bool) {
	i := instruction{defs: []*reg{d}, uses: []*reg{n}}
	if m != nil {
		i.uses = append(i.uses, m)
	}
	if changes {
		i.uses = append(i.uses, d)
	}
	i.word = func() (uint32, string) {
		code := base | uint32(d.number) | uint32(n.number)<<5
		if m == nil {
			return code, fmt.Sprintf(text, d.number, n.number)
		}
		return code | uint32(m.number)<<16, fmt.Sprintf(text, d.number, n.number, m.number)
	}
	k.body = append(k.body, i)
}

// three is a new register with the result of an instruction on two.
func (k *function) three(base uint32, name, lanes string, n, m *reg) *reg {
	d := k.vec()
	k.word(base, name+" v%d."+lanes+", v%d."+lanes+", v%d."+lanes, d, n, m, false)
	return d
}

func (k *function) two4(base uint32, name string, n *reg) *reg {
	d := k.vec()
	k.word(base, name+" v%d.4s, v%d.4s", d, n, nil, false)
	return d
}

func (k *function) fadd(x, y *reg) *reg { return k.three(0x4e20d400, "fadd", "4s", x, y) }
func (k *function) fsub(x, y *reg) *reg { return k.three(0x4ea0d400, "fsub", "4s", x, y) }
func (k *function) fmul(x, y *reg) *reg { return k.three(0x6e20dc00, "fmul", "4s", x, y) }
func (k *function) fdiv(x, y *reg) *reg { return k.three(0x6e20fc00, "fdiv", "4s", x, y) }

// fmax and fmin are NaN where one of the two is.
func (k *function) fmax(x, y *reg) *reg { return k.three(0x4e20f400, "fmax", "4s", x, y) }
func (k *function) fmin(x, y *reg) *reg { return k.three(0x4ea0f400, "fmin", "4s", x, y) }

// fmaxnm is the other one where one of the two is NaN.
func (k *function) fmaxnm(x, y *reg) *reg { return k.three(0x4e20c400, "fmaxnm", "4s", x, y) }

// faddp adds neighbours: those of x, then those of y.
func (k *function) faddp(x, y *reg) *reg { return k.three(0x6e20d400, "faddp", "4s", x, y) }

func (k *function) fsqrt(x *reg) *reg { return k.two4(0x6ea1f800, "fsqrt", x) }
func (k *function) fabs(x *reg) *reg  { return k.two4(0x4ea0f800, "fabs", x) }
func (k *function) scvtf(x *reg) *reg { return k.two4(0x4e21d800, "scvtf", x) }

// Compares: all bits of a lane where x > y, x ≥ y, x = y.
func (k *function) fcmgt(x, y *reg) *reg { return k.three(0x6ea0e400, "fcmgt", "4s", x, y) }
func (k *function) fcmge(x, y *reg) *reg { return k.three(0x6e20e400, "fcmge", "4s", x, y) }
func (k *function) fcmeq(x, y *reg) *reg { return k.three(0x4e20e400, "fcmeq", "4s", x, y) }

// cmhs is all bits of a lane where x ≥ y as unsigned numbers.
func (k *function) cmhs(x, y *reg) *reg { return k.three(0x6ea03c00, "cmhs", "4s", x, y) }

// goThree is an instruction on three registers that Go has a name for; Go's order is y, x, result.
func (k *function) goThree(op, lanes string, x, y *reg) *reg {
	d := k.vec()
	k.emit([]*reg{d}, []*reg{x, y}, op+" %v, %v, %v", as{y, lanes}, as{x, lanes}, as{d, lanes})
	return d
}

func (k *function) and(x, y *reg) *reg                { return k.goThree("VAND", "B16", x, y) }
func (k *function) xor(x, y *reg) *reg                { return k.goThree("VEOR", "B16", x, y) }
func (k *function) iadd(x, y *reg) *reg               { return k.goThree("VADD", "S4", x, y) }
func (k *function) isub(x, y *reg) *reg               { return k.goThree("VSUB", "S4", x, y) }
func (k *function) zip1(lanes string, x, y *reg) *reg { return k.goThree("VZIP1", lanes, x, y) }
func (k *function) zip2(lanes string, x, y *reg) *reg { return k.goThree("VZIP2", lanes, x, y) }
func (k *function) uzp1(x, y *reg) *reg               { return k.goThree("VUZP1", "S4", x, y) }
func (k *function) uzp2(x, y *reg) *reg               { return k.goThree("VUZP2", "S4", x, y) }

func (k *function) shl(x *reg, n int) *reg {
	d := k.vec()
	k.emit([]*reg{d}, []*reg{x}, "VSHL $%d, %v, %v", n, as{x, "S4"}, as{d, "S4"})
	return d
}

// sshr23 shifts right by 23 and keeps the sign.
func (k *function) sshr23(x *reg) *reg {
	d := k.vec()
	k.word(0x4f290400, "sshr v%d.4s, v%d.4s, #23", d, x, nil, false)
	return d
}

func (k *function) zero() *reg {
	d := k.vec()
	k.emit([]*reg{d}, nil, "VEOR %v, %v, %v", as{d, "B16"}, as{d, "B16"}, as{d, "B16"})
	return d
}

// accumulate adds x·y to the lanes of sum.
func (k *function) accumulate(sum, x, y *reg) {
	k.emit([]*reg{sum}, []*reg{sum, x, y}, "VFMLA %v, %v, %v", as{y, "S4"}, as{x, "S4"}, as{sum, "S4"})
}

// addTo adds x to the lanes of sum in place.
func (k *function) addTo(sum, x *reg) {
	k.word(0x4e20d400, "fadd v%d.4s, v%d.4s, v%d.4s", sum, sum, x, false)
}

func (k *function) maxTo(top, x *reg) {
	k.word(0x4e20f400, "fmax v%d.4s, v%d.4s, v%d.4s", top, top, x, false)
}

// fma is x·y + z, fnma z − x·y, in a register of its own or in z's where z is not needed any more.
func (k *function) fma(x, y, z *reg) *reg { return k.fused("VFMLA", x, y, z) }

func (k *function) fnma(x, y, z *reg) *reg { return k.fused("VFMLS", x, y, z) }

func (k *function) fused(op string, x, y, z *reg) *reg {
	d := k.copyOf(z)
	k.emit([]*reg{d}, []*reg{d, x, y}, op+" %v, %v, %v", as{y, "S4"}, as{x, "S4"}, as{d, "S4"})
	return d
}

// pick is yes where the mask is set, else no.
func (k *function) pick(mask, yes, no *reg) *reg {
	d := k.copyOf(mask)
	k.emit([]*reg{d}, []*reg{d, yes, no}, "VBSL %v, %v, %v", as{no, "B16"}, as{yes, "B16"}, as{d, "B16"})
	return d
}

// first is lane 0 of v, and zeros.
func (k *function) first(v *reg) *reg {
	d := k.vec()
	k.emit([]*reg{d}, []*reg{v}, "FMOVS %v, %v", v, d)
	return d
}

// sum adds the lanes of v into lane 0; the others are of no use.
func (k *function) sum(v *reg) *reg {
	v = k.faddp(v, v)
	return k.faddp(v, v)
}

// sumAll adds all lanes of all vectors of vs, a power of two.
func (k *function) addUp(vs []*reg) *reg {
	for ; len(vs) > 1; vs = vs[:len(vs)/2] {
		for i := range len(vs) / 2 {
			vs[i] = k.fadd(vs[i], vs[i+len(vs)/2])
		}
	}
	return vs[0]
}

// hold keeps constants in registers for the rest of the function.
func (k *function) hold(values ...float64) {
	for _, v := range values {
		w := math.Float32bits(float32(v))
		k.held[w] = k.freshBits(w)
	}
}

// heldBits is hold for words.
func (k *function) heldBits(words ...uint32) {
	for _, w := range words {
		k.held[w] = k.freshBits(w)
	}
}

// c is a constant in every lane, in a register that must not change; fresh is it in one of its own.
func (k *function) c(v float64) *reg     { return k.bits(math.Float32bits(float32(v))) }
func (k *function) fresh(v float64) *reg { return k.freshBits(math.Float32bits(float32(v))) }

func (k *function) bits(w uint32) *reg {
	if r, ok := k.held[w]; ok {
		return r
	}
	return k.freshBits(w)
}

func (k *function) freshBits(w uint32) *reg {
	if k.table == nil {
		panic(k.name + " needs constants: call needsConstants first")
	}
	return k.load(k.table, 16*k.file.constant(w))
}

// needsConstants loads the address of the file's table of them.
func (k *function) needsConstants() {
	k.table = k.gp()
	k.emit([]*reg{k.table}, nil, "MOVD $%sconstants<>(SB), %v", k.file.name, k.table)
}
