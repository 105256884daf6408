package main

import (
	"bellwether/tensor/internal/asm/gen/formula"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

const (
	log2e   = formula.Log2E
	ln2High = formula.Ln2High
	ln2Low  = formula.Ln2Low
	magic   = formula.Magic
)

// expCoefficients are those of P for exp.
var expCoefficients = []float64{0.5, 0.166665181517601, 0.04166620224714279, 0.0083689633756876, 0.0013950613792985678}

// holdExp keeps what exp needs in registers.
func (l level) holdExp() {
	l.hold(append([]float64{-110, 90, log2e, magic, ln2High, ln2Low, 1}, expCoefficients...)...)
}

// exp returns eˣ (relative error 2e-7): x = n·ln 2 + r, eˣ = 2ⁿ·(1 + r + r²·P(r))
// with P fitted to |r| ≤ ln 2 / 2.
func (l level) exp(x vec) vec {
	if l.wide() {
		x = l.max(l.load(c(-110)), l.min(l.load(c(90)), x))
	}
	shifted := l.fma(x, c(log2e), c(magic))
	n := l.sub(shifted, c(magic))
	r := l.fnma(n, c(ln2High), x)
	r = l.fnma(n, c(ln2Low), r)
	p := l.horner(r, expCoefficients...)
	p = l.fma(l.mul(r, r), p, r)
	p = l.add(p, c(1))
	if l.wide() {
		VSCALEFPS(n, p, p)
		return p
	}
	VPSLLD(U8(23), shifted, shifted)
	VPADDD(shifted, p, p)
	p = l.pick(less, x, c(-87.3), l.zero(), p)
	return l.pick(greater, x, c(88.72), l.load(bits(0x7f800000)), p)
}

// sigmoid returns 1/(1+e⁻ˣ).
func (l level) sigmoid(x vec) vec {
	e := l.exp(l.xor(x, bits(0x80000000)))
	return l.div(l.load(c(1)), l.add(e, c(1)))
}

// tanh returns x + x³·P(x²) for |x| < 0.625 and ±(1 − 2/(e^2|x|+1)) beyond.
func (l level) tanh(x vec) vec {
	size := l.and(x, bits(0x7fffffff))
	e := l.exp(l.add(size, size))
	far := l.div(l.load(c(2)), l.add(e, c(1)))
	far = l.sub(l.load(c(1)), far)
	far = l.or(far, l.and(x, bits(0x80000000)))
	square := l.mul(x, x)
	p := l.horner(square, formula.Tanh...)
	close := l.fma(l.mul(square, x), p, x)
	return l.pick(less, size, c(0.625), close, far)
}

// normal returns Φ(x) and e^−x²/2. With t = 1/(1+.35|x|), Φ(−|x|) = e^−x²/2·t·Q(t),
// Q being fitted to a relative error of 3e-8; what x² loses in rounding is put back.
func (l level) normal(x vec) (phi, e vec) {
	size := l.min(l.load(c(20)), l.and(x, bits(0x7fffffff)))
	half := l.mul(l.mul(size, size), c(-0.5))
	lost := l.mul(size, c(-0.5))
	lost = l.fma(lost, size, l.xor(half, bits(0x80000000)))
	e = l.exp(half)
	e = l.fma(e, lost, e)
	t := l.div(l.load(c(1)), l.fma(size, c(0.35), c(1)))
	q := l.horner(t, formula.Normal...)
	below := l.mul(l.mul(t, q), e)
	above := l.sub(l.load(c(1)), below)
	return l.pick(less, x, c(0), below, above), e
}

// log returns ln x = e·ln 2 + f − f²/2 + f³·P(f) for x = 2ᵉ·(1+f), −¼ ≤ f < ½. For 512 bits.
func (l level) log(x vec) vec {
	e, m := l.reg(), l.reg()
	VGETEXPPS(x, e)
	VGETMANTPS(U8(0x8), x, m) // in [1, 2); NaN for negative x
	high := K()
	VCMPPS(U8(13), c(1.5), m, high) // GE
	VADDPS(c(1), e, high, e)
	VMULPS(c(0.5), m, high, m)
	f := l.sub(m, c(1))
	square := l.mul(f, f)
	p := l.horner(f, formula.Log...)
	r := l.mul(l.mul(square, f), p)
	r = l.fma(e, c(ln2Low), r)
	r = l.fnma(square, c(0.5), r)
	r = l.add(r, f)
	return l.fma(e, c(ln2High), r)
}
