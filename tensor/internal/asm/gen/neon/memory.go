package main

// load loads four values at an address; one loads one and makes the other lanes zero; two does with two.
func (k *function) load(p *reg, at int) *reg { return k.loadBy("FMOVQ", p, at) }
func (k *function) one(p *reg, at int) *reg  { return k.loadBy("FMOVS", p, at) }
func (k *function) two(p *reg, at int) *reg  { return k.loadBy("FMOVD", p, at) }

func (k *function) loadBy(op string, p *reg, at int) *reg {
	r := k.vec()
	k.emit([]*reg{r}, []*reg{p}, "%s %d(%v), %v", op, at, p, r)
	return r
}

// next is loadBy that moves the address on behind it.
func (k *function) next(op string, p *reg, size int) *reg {
	r := k.vec()
	k.emit([]*reg{r, p}, []*reg{p}, "%s.P %d(%v), %v", op, size, p, r)
	return r
}

// oneAt loads one value at p + offset.
func (k *function) oneAt(p, offset *reg) *reg {
	r := k.vec()
	k.emit([]*reg{r}, []*reg{p, offset}, "FMOVS (%v)(%v), %v", p, offset, r)
	return r
}

// pair loads eight values at an address.
func (k *function) pair(p *reg, at int) (r, s *reg) {
	r, s = k.vec(), k.vec()
	k.emit([]*reg{r, s}, []*reg{p}, "FLDPQ %d(%v), (%v, %v)", at, p, r, s)
	return r, s
}

func (k *function) store(v, p *reg, at int) { k.storeBy("FMOVQ", v, p, at) }

func (k *function) storeBy(op string, v, p *reg, at int) {
	k.emit(nil, []*reg{v, p}, "%s %v, %d(%v)", op, v, at, p)
}

func (k *function) storePair(v, w, p *reg, at int) {
	k.emit(nil, []*reg{v, w, p}, "FSTPQ (%v, %v), %d(%v)", v, w, at, p)
}

// loadAll loads n vectors that follow each other.
func (k *function) loadAll(p *reg, at, n int) (v []*reg) {
	for ; n > 1; n -= 2 {
		r, s := k.pair(p, at)
		v, at = append(v, r, s), at+32
	}
	if n == 1 {
		v = append(v, k.load(p, at))
	}
	return v
}

func (k *function) storeAll(v []*reg, p *reg, at int) {
	for ; len(v) > 1; v, at = v[2:], at+32 {
		k.storePair(v[0], v[1], p, at)
	}
	if len(v) == 1 {
		k.store(v[0], p, at)
	}
}

// rest loads the last count mod 4 values of a row, zeros behind them.
func (k *function) rest(label string, p *reg, at int, count *reg) *reg {
	v := k.zero()
	k.bit("TBZ", 1, count, label+"odd")
	k.emit([]*reg{v}, []*reg{p}, "FMOVD %d(%v), %v", at, p, v)
	k.bit("TBZ", 0, count, label+"loaded")
	third := k.gp()
	k.emit([]*reg{third}, []*reg{p}, "ADD $%d, %v, %v", at+8, p, third)
	k.emit([]*reg{v}, []*reg{v, third}, "VLD1 (%v), %v", third, as{v, "S[2]"})
	k.jump(label + "loaded")
	k.label(label + "odd")
	k.bit("TBZ", 0, count, label+"loaded")
	k.emit([]*reg{v}, []*reg{p}, "FMOVS %d(%v), %v", at, p, v)
	k.label(label + "loaded")
	return v
}
