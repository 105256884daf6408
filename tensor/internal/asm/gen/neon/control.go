package main

import "fmt"

func (k *function) label(name string) { k.body = append(k.body, instruction{label: name}) }

// jump goes to a label; branch does by a condition (BEQ, BNE, BLT, BGE, …) of the last compare or subtraction.
func (k *function) jump(to string) {
	k.emit(nil, nil, "JMP %s", to)
	last := &k.body[len(k.body)-1]
	last.jump, last.leaves = to, true
}

func (k *function) branch(op, to string) {
	k.emit(nil, nil, "%s %s", op, to)
	k.body[len(k.body)-1].jump = to
}

// test jumps by the value of a register: op is CBZ or CBNZ.
func (k *function) test(op string, r *reg, to string) {
	k.emit(nil, []*reg{r}, "%s %v, %s", op, r, to)
	k.body[len(k.body)-1].jump = to
}

// bit jumps by a bit of a register: op is TBZ or TBNZ.
func (k *function) bit(op string, bit int, r *reg, to string) {
	k.emit(nil, []*reg{r}, "%s $%d, %v, %s", op, bit, r, to)
	k.body[len(k.body)-1].jump = to
}

func (k *function) compare(r *reg, n int) { k.emit(nil, []*reg{r}, "CMP $%d, %v", n, r) }

// add adds n to r in place; subs subtracts and sets the conditions.
func (k *function) add(r *reg, n int)  { k.emit([]*reg{r}, []*reg{r}, "ADD $%d, %v", n, r) }
func (k *function) subs(r *reg, n int) { k.emit([]*reg{r}, []*reg{r}, "SUBS $%d, %v", n, r) }
func (k *function) adds(r *reg, n int) { k.emit([]*reg{r}, []*reg{r}, "ADDS $%d, %v", n, r) }

// advance adds s to r in place.
func (k *function) advance(r, s *reg) { k.emit([]*reg{r}, []*reg{r, s}, "ADD %v, %v", s, r) }

// plus is r + s<<shift in a register of its own.
func (k *function) plus(r, s *reg, shift int) *reg {
	t := k.gp()
	k.emit([]*reg{t}, []*reg{r, s}, "ADD %v<<%d, %v, %v", s, shift, r, t)
	return t
}

func (k *function) minus(r *reg, n int) *reg {
	t := k.gp()
	k.emit([]*reg{t}, []*reg{r}, "SUB $%d, %v, %v", n, r, t)
	return t
}

// copyOf is r in a register of its own, which allocate drops where r is not needed after it.
func (k *function) copyOf(r *reg) *reg {
	t := k.newReg(r.vector)
	if r.vector {
		k.emit([]*reg{t}, []*reg{r}, "VMOV %v, %v", as{r, "B16"}, as{t, "B16"})
	} else {
		k.emit([]*reg{t}, []*reg{r}, "MOVD %v, %v", r, t)
	}
	k.body[len(k.body)-1].copies = true
	return t
}

// set gives to the value of from, to being a register that a loop carries on.
func (k *function) set(to, from *reg) {
	k.emit([]*reg{to}, []*reg{from}, "MOVD %v, %v", from, to)
	k.body[len(k.body)-1].copies = true
}

// times writes body n at a time while the counter holds as many, which it leaves
// below n.
func (k *function) times(label string, counter *reg, n int, body func()) {
	k.subs(counter, n)
	k.branch("BLT", label+"end")
	k.label(label)
	body()
	k.subs(counter, n)
	k.branch("BGE", label)
	k.label(label + "end")
	if n > 1 {
		k.add(counter, n)
	}
}

// together writes what each does for 0…n−1, the same instructions on registers of
// their own, by turns: instruction by instruction, so that the processor has n
// chains to work on and not one after the other. A constant's load goes with the
// instruction that it is for, so that it takes a register no longer than that.
func (k *function) together(n int, each func(i int)) {
	begun := len(k.body)
	var chains [][]instruction
	for i := range n {
		from := len(k.body)
		each(i)
		chains = append(chains, append([]instruction{}, k.body[from:]...))
	}
	k.body = k.body[:begun]
	for from := 0; from < len(chains[0]); {
		to := from + 1
		for to < len(chains[0]) && (chains[0][to-1].copies || k.isConstant(chains[0][to-1])) {
			to++
		}
		for _, c := range chains {
			k.body = append(k.body, c[from:to]...)
		}
		from = to
	}
}

func (k *function) isConstant(in instruction) bool {
	return k.table != nil && len(in.uses) == 1 && in.uses[0] == k.table
}

// numbered is a label of a variant.
func numbered(name string, numbers ...int) string {
	for _, n := range numbers {
		name += fmt.Sprintf("_%d", n)
	}
	return name
}
