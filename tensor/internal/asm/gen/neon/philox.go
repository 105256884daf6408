package main

// philox writes reference.Philox for eight blocks at a time, in two groups of
// four that share the keys, and dropout with it.
func philox(f *file) {
	f.randomBits()
	f.dropout()
}

const philoxArguments = ", n int, block uint64, step, layer uint32, seed uint64"

func (f *file) randomBits() {
	k := f.begin("BitsNEON", "func(dst *uint32"+philoxArguments+")", "sets dst to the words of the blocks from number block on; n is a multiple of 32.")
	dst := k.param("dst")
	k.eachBlocks(func(words []*reg) {
		k.storeAll(words, dst, 0)
		k.add(dst, 64)
	})
	k.ret()
}

func (f *file) dropout() {
	k := f.begin("DropoutNEON", "func(dst, x *float32"+philoxArguments+", threshold uint32, scale float32)",
		"sets dst = x·scale where the word of reference.Philox is threshold or more, else 0; n is a multiple of 32.")
	dst, x, scale, threshold := k.param("dst"), k.param("x"), k.spread("scale"), k.dup(k.param("threshold"))
	k.eachBlocks(func(words []*reg) {
		y := k.loadAll(x, 0, 4)
		for i := range y {
			y[i] = k.and(k.fmul(y[i], scale), k.cmhs(words[i], threshold))
		}
		k.storeAll(y, dst, 0)
		k.add(dst, 64)
		k.add(x, 64)
	})
	k.ret()
}

// eachBlocks writes the loop. A word of four blocks is a vector; use gets four
// blocks, a vector each, twice a turn.
func (k *function) eachBlocks(use func(words []*reg)) {
	k.needsConstants()
	n, step, layer := k.param("n"), k.dup(k.param("step")), k.dup(k.param("layer"))
	number := k.blockNumbers(k.param("block"))
	two, seed := k.wide(2), k.param("seed")
	key0 := k.dup(seed)
	high := k.gp()
	k.emit([]*reg{high}, []*reg{seed}, "LSR $32, %v, %v", seed, high)
	key1 := k.dup(high)
	k.heldBits(0xD2511F53, 0xCD9E8D57, 0x9E3779B9, 0xBB67AE85)

	k.label("blocks")
	var groups [][]*reg
	for range 2 {
		next := k.goThree("VADD", "D2", number, two)
		groups = append(groups, []*reg{k.uzp1(number, next), k.uzp2(number, next), step, layer})
		k.emit([]*reg{number}, []*reg{next, two}, "VADD %v, %v, %v", as{two, "D2"}, as{next, "D2"}, as{number, "D2"})
	}
	k0, k1 := key0, key1
	for round := range 10 {
		if round > 0 {
			k0, k1 = k.iadd(k0, k.bits(0x9E3779B9)), k.iadd(k1, k.bits(0xBB67AE85))
		}
		for g, c := range groups {
			high0, low0 := k.product(c[0], k.bits(0xD2511F53))
			high1, low1 := k.product(c[2], k.bits(0xCD9E8D57))
			groups[g] = []*reg{k.xor(k.xor(high1, c[1]), k0), low1, k.xor(k.xor(high0, c[3]), k1), low0}
		}
	}
	for _, c := range groups {
		use(k.square(c))
	}
	k.subs(n, 32)
	k.branch("BGT", "blocks")
}

// product is the high and low halves of the 64-bit products of the lanes.
func (k *function) product(x, y *reg) (high, low *reg) {
	a, b := k.vec(), k.vec()
	k.word(0x2ea0c000, "umull v%d.2d, v%d.2s, v%d.2s", a, x, y, false)
	k.word(0x6ea0c000, "umull2 v%d.2d, v%d.4s, v%d.4s", b, x, y, false)
	return k.uzp2(a, b), k.uzp1(a, b)
}

// dup is the low word of a general register in every lane.
func (k *function) dup(r *reg) *reg {
	v := k.vec()
	k.emit([]*reg{v}, []*reg{r}, "VDUP %v, %v", r, as{v, "S4"})
	return v
}

// wide is a number in both 64-bit lanes.
func (k *function) wide(n int) *reg {
	r, v := k.gp(), k.vec()
	k.emit([]*reg{r}, nil, "MOVD $%d, %v", n, r)
	k.emit([]*reg{v}, []*reg{r}, "VDUP %v, %v", r, as{v, "D2"})
	return v
}

// blockNumbers is block and block + 1 in 64-bit lanes.
func (k *function) blockNumbers(block *reg) *reg {
	v := k.vec()
	k.emit([]*reg{v}, []*reg{block}, "VDUP %v, %v", block, as{v, "D2"})
	k.add(block, 1)
	k.emit([]*reg{v}, []*reg{v, block}, "VMOV %v, %v", block, as{v, "D[1]"})
	return v
}
