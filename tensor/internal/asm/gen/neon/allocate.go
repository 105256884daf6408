package main

import (
	"log"
	"math/bits"
)

// set is a set of small numbers.
type set []uint64

func newSet(n int) set       { return make(set, (n+63)/64) }
func (s set) add(i int)      { s[i/64] |= 1 << (i % 64) }
func (s set) remove(i int)   { s[i/64] &^= 1 << (i % 64) }
func (s set) has(i int) bool { return s[i/64]>>(i%64)&1 != 0 }
func (s set) each(visit func(int)) {
	for w, word := range s {
		for ; word != 0; word &= word - 1 {
			visit(64*w + bits.TrailingZeros64(word))
		}
	}
}

// merge adds t to s and reports whether that changed it.
func (s set) merge(t set) bool {
	changed := false
	for i, w := range t {
		changed = changed || w&^s[i] != 0
		s[i] |= w
	}
	return changed
}

// The registers that code may use: R16 to R18 and R27 up belong to the linker,
// the platform, the assembler and the runtime.
var (
	general = []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 19, 20, 21, 22, 23, 24, 25, 26}
	vectors = []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31}
)

// allocate numbers the registers of a function: two that hold values at the same
// time get different numbers, and a copy whose two registers may be one goes.
func (k *function) allocate() {
	after := k.liveness()
	registers := make([]*reg, k.made)
	near := make([]set, k.made)
	for i := range near {
		near[i] = newSet(k.made)
	}
	for i, in := range k.body {
		for _, r := range append(in.uses, in.defs...) {
			registers[r.id] = r
		}
		for _, d := range in.defs {
			after[i].each(func(other int) {
				if other != d.id && !(in.copies && other == in.uses[0].id) {
					near[d.id].add(other)
					near[other].add(d.id)
				}
			})
			for _, e := range in.defs {
				if e != d {
					near[d.id].add(e.id)
				}
			}
		}
	}
	same := k.coalesce(near)
	k.colour(registers, near, same)
}

// liveness returns which registers are needed after each instruction.
func (k *function) liveness() []set {
	labels := map[string]int{}
	for i, in := range k.body {
		if in.label != "" {
			labels[in.label] = i
		}
	}
	after, before := make([]set, len(k.body)), make([]set, len(k.body))
	for i := range k.body {
		after[i], before[i] = newSet(k.made), newSet(k.made)
	}
	for changed := true; changed; {
		changed = false
		for i := len(k.body) - 1; i >= 0; i-- {
			in := k.body[i]
			if !in.leaves && i+1 < len(k.body) {
				after[i].merge(before[i+1])
			}
			if in.jump != "" {
				to, ok := labels[in.jump]
				if !ok {
					log.Fatalf("%s: there is no label %s", k.name, in.jump)
				}
				after[i].merge(before[to])
			}
			now := append(set{}, after[i]...)
			for _, d := range in.defs {
				now.remove(d.id)
			}
			for _, u := range in.uses {
				now.add(u.id)
			}
			changed = before[i].merge(now) || changed
		}
	}
	return after
}

// coalesce joins the two registers of a copy where they are not near each other,
// and returns each register's representative.
func (k *function) coalesce(near []set) []int {
	same := make([]int, k.made)
	for i := range same {
		same[i] = i
	}
	find := func(i int) int {
		for same[i] != i {
			i = same[i]
		}
		return i
	}
	for _, in := range k.body {
		if !in.copies {
			continue
		}
		d, u := find(in.defs[0].id), find(in.uses[0].id)
		if d == u || near[d].has(u) {
			continue
		}
		same[d] = u
		near[u].merge(near[d])
		near[d].each(func(other int) { near[other].add(u) })
	}
	for i := range same {
		same[i] = find(i)
	}
	return same
}

// colour gives numbers in the order opposite to that in which registers with
// few neighbours can be put aside (Briggs, Cooper and Torczon 1994).
func (k *function) colour(registers []*reg, near []set, same []int) {
	var order []int
	aside := newSet(k.made)
	degree := func(i int) (n int) {
		near[i].each(func(o int) {
			if same[o] == o && !aside.has(o) && registers[o] != nil && registers[o].vector == registers[i].vector {
				n++
			}
		})
		return n
	}
	var left []int
	for i, r := range registers {
		if r != nil && same[i] == i {
			left = append(left, i)
		}
	}
	for len(left) > 0 {
		best, least := 0, k.made+1
		for at := len(left) - 1; at >= 0; at-- {
			if d := degree(left[at]); d < least {
				best, least = at, d
			}
			if least < len(general) {
				break
			}
		}
		order = append(order, left[best])
		aside.add(left[best])
		left = append(left[:best], left[best+1:]...)
	}
	for _, r := range registers {
		if r != nil {
			r.number = -1
		}
	}
	for at := len(order) - 1; at >= 0; at-- {
		k.number(registers, near[order[at]], order[at])
	}
	for i, r := range registers {
		if r != nil {
			r.number = registers[same[i]].number
		}
	}
}

// number gives register i the lowest number that none of its neighbours has.
func (k *function) number(registers []*reg, near set, i int) {
	taken := map[int]bool{}
	near.each(func(o int) {
		if registers[o] != nil && registers[o].vector == registers[i].vector && registers[o].number >= 0 {
			taken[registers[o].number] = true
		}
	})
	numbers := general
	if registers[i].vector {
		numbers = vectors
	}
	for _, n := range numbers {
		if !taken[n] {
			registers[i].number = n
			return
		}
	}
	log.Fatalf("%s: more values than registers at once", k.name)
}
