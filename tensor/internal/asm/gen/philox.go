package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// philox writes reference.Philox for a vector of blocks, and dropout with it.
func philox() {
	for _, l := range levels {
		l.randomBits()
		l.dropout()
	}
}

const philoxArguments = ", n int, block uint64, step, layer uint32, seed uint64"

func (l level) randomBits() {
	l.begin("Bits", "func(dst *uint32"+philoxArguments+")", "sets dst to the words of the blocks from number block on; n is a multiple of 32.")
	dst := Load(Param("dst"), GP64())
	l.eachBlocks(func(v int, words vec) {
		VMOVUPS(words, Mem{Base: dst, Disp: v * l.bits / 8})
	}, dst)
	l.end()
}

func (l level) dropout() {
	l.begin("Dropout", "func(dst, x *float32"+philoxArguments+", threshold uint32, scale float32)",
		"sets dst = x·scale where the word of reference.Philox is threshold or more, else 0; n is a multiple of 32.")
	dst, x := Load(Param("dst"), GP64()), Load(Param("x"), GP64())
	scale := l.spread("scale")
	threshold, low := l.reg(), XMM()
	MOVD(Load(Param("threshold"), GP32()), low)
	VPBROADCASTD(low, threshold)
	l.eachBlocks(func(v int, words vec) {
		y := l.mul(l.load(Mem{Base: x, Disp: v * l.bits / 8}), scale)
		if l.wide() {
			k := K()
			VPCMPUD(U8(5), threshold, words, k) // not below
			VMOVAPS_Z(y, k, y)
		} else {
			kept := l.reg()
			VPMAXUD(words, threshold, kept)
			VPCMPEQD(words, kept, kept)
			VANDPS(y, kept, y)
		}
		VMOVUPS(y, Mem{Base: dst, Disp: v * l.bits / 8})
	}, dst, x)
	l.end()
}

// eachBlocks writes the loop: a block in each 64-bit lane, whose low half counts
// (VPMULUDQ ignores the high one), so that two vectors of words come out.
func (l level) eachBlocks(use func(v int, words vec), pointers ...reg.Register) {
	n, block := Load(Param("n"), GP64()), l.quads(Load(Param("block"), GP64()))
	step, layer := l.quads(loadWord("step")), l.quads(loadWord("layer"))
	seed := Load(Param("seed"), GP64())
	key0 := l.quads(seed)
	high := GP64()
	MOVQ(seed, high)
	SHRQ(U8(32), high)
	key1 := l.quads(high)
	// The order in which two interleavings of 64-bit halves give the blocks back.
	order := words("blocks4", 0, 0, 2, 0, 1, 0, 3, 0)
	if l.wide() {
		order = words("blocks8", 0, 0, 4, 0, 1, 0, 5, 0, 2, 0, 6, 0, 3, 0, 7, 0)
	}
	VPADDQ(order, block, block)

	Label("blocks")
	c0, c1, c2, c3 := l.copy(block), l.reg(), l.copy(step), l.copy(layer)
	VPSRLQ(U8(32), block, c1)
	k0, k1 := l.copy(key0), l.copy(key1)
	for round := range 10 {
		if round > 0 {
			VPADDD(bits(0x9E3779B9), k0, k0)
			VPADDD(bits(0xBB67AE85), k1, k1)
		}
		p0, p1 := l.reg(), l.reg()
		VPMULUDQ(bits(0xD2511F53), c0, p0)
		VPMULUDQ(bits(0xCD9E8D57), c2, p1)
		c0 = l.highXor(p1, c1, k0)
		c2 = l.highXor(p0, c3, k1)
		c1, c3 = p1, p0
	}
	left, right := l.join(c0, c1), l.join(c2, c3)
	first, second := l.reg(), l.reg()
	VPUNPCKLQDQ(right, left, first)
	VPUNPCKHQDQ(right, left, second)
	use(0, first)
	use(1, second)
	VPADDQ(words("advance"+l.name, uint32(l.bits/64), 0), block, block)
	for _, p := range pointers {
		ADDQ(U32(l.bits/4), p)
	}
	SUBQ(U8(l.bits/16), n)
	JG(LabelRef("blocks"))
}

// highXor is the high halves of p, xor x xor y.
func (l level) highXor(p, x, y vec) vec {
	r := l.reg()
	VPSRLQ(U8(32), p, r)
	if l.wide() {
		VPTERNLOGD(U8(0x96), x, y, r)
	} else {
		VPXOR(x, r, r)
		VPXOR(y, r, r)
	}
	return r
}

// join puts the low halves of b above those of a.
func (l level) join(a, b vec) vec {
	r := l.reg()
	VPSLLQ(U8(32), b, r)
	if l.wide() {
		VPTERNLOGD(U8(0xf8), words("lowhalf", 0xffffffff, 0), a, r) // r | a & mask
	} else {
		VPBLENDD(U8(0xaa), r, a, r)
	}
	return r
}

func (l level) copy(v vec) vec {
	r := l.reg()
	VMOVUPS(v, r)
	return r
}

// quads puts a 64-bit value into every 64-bit lane.
func (l level) quads(x reg.Register) vec {
	low, r := XMM(), l.reg()
	MOVQ(x, low)
	VPBROADCASTQ(low, r)
	return r
}

// loadWord loads a 32-bit parameter into the low half of a register.
func loadWord(name string) reg.Register {
	r := GP64()
	Load(Param(name), r.As32())
	return r
}
