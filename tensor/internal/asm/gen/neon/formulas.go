package main

import "bellwether/tensor/internal/asm/gen/formula"

// The coefficients of 2·eʳ for |r| ≤ ln 2 / 2, to a relative error of 9e-8.
var twoExp = []float64{2, 1.9999994039535522, 0.9999829530715942, 0.3333527743816376, 0.08379632234573364, 0.016580544412136078}

// What exp adds so that the low bits of a float32 are n + 126, 2ⁿ⁻¹'s exponent.
const expMagic = formula.Magic + 126

// holdExp keeps what exp needs in registers; sign is exp's.
func (k *function) holdExp(sign float64) {
	k.hold(-87*sign, formula.Log2E, expMagic, expMagic+129, ln2, twoExp[5]*sign)
}

const ln2 = formula.Ln2High + formula.Ln2Low

// exp returns e^(sign·x) for a sign of 1 or −1, in twelve instructions (relative
// error 4e-7, 2e-7 for |x| < 20): x = n·ln 2 + r, eˣ = 2ⁿ⁻¹·(2·eʳ). Adding
// expMagic leaves the exponent of 2ⁿ⁻¹ in the low bits. The product n·ln 2 is
// not rounded, so that one constant does for ln 2. Results under 1.7e-38 are 0.
//
// A polynomial's constants go from memory into the registers that it sums in,
// since NEON's fused multiply-add overwrites one: loads have units of their own,
// which are idle here, and copies of registers do not.
func (k *function) exp(x *reg, sign float64) *reg {
	if sign > 0 {
		x = k.fmax(x, k.c(-87))
	} else {
		x = k.fmin(x, k.c(87))
	}
	return k.expOf(x, k.fmin(k.shifted(x, sign), k.c(expMagic+129)), sign)
}

// expNear is exp for |x| < 87, without the two instructions that keep to the range: the same bits.
func (k *function) expNear(x *reg, sign float64) *reg { return k.expOf(x, k.shifted(x, sign), sign) }

func (k *function) shifted(x *reg, sign float64) *reg {
	if sign > 0 {
		return k.fma(x, k.c(formula.Log2E), k.fresh(expMagic))
	}
	return k.fnma(x, k.c(formula.Log2E), k.fresh(expMagic))
}

// expOf is exp once n is in the low bits of shifted.
func (k *function) expOf(x, shifted *reg, sign float64) *reg {
	away := (*function).fnma
	if sign < 0 {
		away = (*function).fma
	}
	n := k.fsub(shifted, k.c(expMagic))
	r := away(k, n, k.c(ln2), x) // sign·r: where sign is −1 the odd coefficients are negative
	p := k.c(twoExp[5] * sign)
	for i := 4; i >= 0; i-- {
		c := twoExp[i]
		if i%2 == 1 {
			c *= sign
		}
		p = k.fma(r, p, k.fresh(c))
	}
	return k.fmul(k.shl(shifted, 23), p)
}

// sigmoid returns 1/(1+e⁻ˣ).
func (k *function) sigmoid(x *reg) *reg {
	return k.fdiv(k.c(1), k.fadd(k.exp(x, -1), k.c(1)))
}

// horner returns Σ coefficients[i]·xⁱ.
func (k *function) horner(x *reg, coefficients []float64) *reg {
	last := len(coefficients) - 1
	r := k.c(coefficients[last])
	for i := last - 1; i >= 0; i-- {
		r = k.fma(r, x, k.fresh(coefficients[i]))
	}
	return r
}

// tanh returns x + x³·P(x²) for |x| < 0.625 and ±(1 − 2/(e^2|x|+1)) beyond.
func (k *function) tanh(x *reg) *reg {
	size := k.fabs(x)
	e := k.exp(k.fadd(size, size), 1)
	far := k.fdiv(k.c(2), k.fadd(e, k.c(1)))
	far = k.pick(k.bits(0x80000000), x, k.fsub(k.c(1), far)) // the sign of x
	square := k.fmul(x, x)
	p := k.horner(square, formula.Tanh)
	close := k.fma(k.fmul(square, x), p, x)
	return k.pick(k.fcmgt(k.c(0.625), size), close, far)
}

// normal returns Φ(x) and e^−x²/2. With t = 1/(1+.35|x|), Φ(−|x|) = e^−x²/2·t·Q(t);
// what x² loses in rounding is put back.
func (k *function) normal(x *reg) (phi, e *reg) {
	size := k.fmin(k.fabs(x), k.c(20))
	small := k.fmul(size, k.c(0.5))
	half := k.fmul(size, small)
	lost := k.fnma(small, size, half)
	e = k.exp(half, -1)
	e = k.fma(e, lost, e)
	t := k.fdiv(k.c(1), k.fma(size, k.c(0.35), k.fresh(1)))
	below := k.fmul(k.fmul(t, k.horner(t, formula.Normal)), e)
	return k.pick(k.fcmgt(k.c(0), x), below, k.fsub(k.c(1), below)), e
}

// log returns ln x = e·ln 2 + f − f²/2 + f³·P(f) for x = 2ᵉ·(1+f), −¼ ≤ f < ½.
// Numbers below float32's normal range are scaled into it first.
func (k *function) log(x *reg) *reg {
	tiny := k.fcmgt(k.bits(0x00800000), x)
	m := k.pick(tiny, k.fmul(x, k.c(1<<24)), x)
	shift := k.sshr23(k.isub(m, k.c(.75)))
	f := k.fsub(k.isub(m, k.shl(shift, 23)), k.c(1))
	e := k.fsub(k.scvtf(shift), k.and(tiny, k.c(24)))
	square := k.fmul(f, f)
	r := k.fmul(k.fmul(square, f), k.horner(f, formula.Log))
	r = k.fma(e, k.c(formula.Ln2Low), r)
	r = k.fnma(square, k.c(0.5), r)
	r = k.fma(e, k.c(formula.Ln2High), k.fadd(r, f))
	r = k.pick(k.fcmeq(x, k.bits(0x7f800000)), x, r)
	r = k.pick(k.fcmeq(x, k.c(0)), k.bits(0xff800000), r)
	return k.pick(k.fcmge(x, k.c(0)), r, k.bits(0x7fc00000))
}
