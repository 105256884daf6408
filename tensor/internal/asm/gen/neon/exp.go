package main

// farOff is what makes a float32's bit 31 change when it is added to its bits and |x| ≥ 86.
const farOff = 1<<31 - 0x42ac0000

// exp takes 32 values a turn. While the vector units work on them, those for
// whole numbers, which are idle here, look whether all are near enough to 0, as they
// mostly are: then nothing has to be kept to the range of results. Else the turn is
// done again with that.
func (f *file) exp() {
	k := f.begin("ExpNEON", "func(dst, x *float32, n int)", "sets dst = eˣ.")
	k.needsConstants()
	k.holdExp(1)
	r := k.row("dst", "x")
	dst, from := r.pointers["dst"], r.pointers["x"]
	off, far := k.gp(), k.gp()
	k.emit([]*reg{off}, nil, "MOVD $0x%08x%08x, %v", farOff, farOff, off)
	turn := func(of func(x *reg, sign float64) *reg) []*reg {
		x := k.loadAll(from, 0, 8)
		k.together(8, func(i int) { x[i] = of(x[i], 1) })
		return x
	}
	k.times("wide", r.count, 32, func() {
		k.emit([]*reg{far}, nil, "MOVD ZR, %v", far)
		var out []*reg
		k.beside(func() { out = turn(k.expNear) }, func() { k.lookFar(far, from, off) })
		k.emit(nil, []*reg{far}, "TST $0x8000000080000000, %v", far)
		k.branch("BNE", "far")
		k.storeAll(out, dst, 0)
		k.label("written")
		k.add(from, 128)
		k.add(dst, 128)
	})
	r.across("x", 1, func(a access) { a.store([]*reg{k.exp(a.load("x")[0], 1)}, "dst") })
	k.ret()
	k.label("far")
	k.storeAll(turn(k.exp), dst, 0)
	k.jump("written")
}

// lookFar sets bit 31 or 63 of far if one of 32 values has |x| ≥ 86 or is NaN, two values a register.
func (k *function) lookFar(far, from, off *reg) {
	for at := 0; at < 128; at += 16 {
		a, b := k.gp(), k.gp()
		k.emit([]*reg{a, b}, []*reg{from}, "LDP %d(%v), (%v, %v)", at, from, a, b)
		for _, w := range []*reg{a, b} {
			sum, changed := k.gp(), k.gp()
			k.emit([]*reg{sum}, []*reg{w, off}, "ADD %v, %v, %v", off, w, sum)
			k.emit([]*reg{changed}, []*reg{w, sum}, "EOR %v, %v, %v", w, sum, changed)
			k.emit([]*reg{far}, []*reg{far, changed}, "ORR %v, %v", changed, far)
		}
	}
}

// beside writes two sequences that do not depend on each other, the second one spread over the first.
func (k *function) beside(first, second func()) {
	begun := len(k.body)
	first()
	middle := len(k.body)
	second()
	all := append([]instruction{}, k.body[begun:]...)
	one, two := all[:middle-begun], all[middle-begun:]
	k.body = k.body[:begun]
	for i, in := range one {
		k.body = append(k.body, in)
		k.body = append(k.body, two[i*len(two)/len(one):(i+1)*len(two)/len(one)]...)
	}
}
