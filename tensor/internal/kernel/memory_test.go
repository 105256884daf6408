package kernel

import (
	"math/rand/v2"
	"testing"
	"unsafe"
)

// memory gives a kernel's operands the places where mistakes show: a slice
// begins where a page begins, at any value behind that, or ends where a page
// ends, behind which the machine allows no access. What is around it holds a
// value that must stay. The same seed gives the same places and values.
type memory struct {
	t     testing.TB
	rng   *rand.Rand
	taken int
	used  [][2]int // from and to of each region that was given away, in values
}

const (
	regionBytes = 1 << 17
	around      = 0x5b // each byte of what must stay
)

func newMemory(t testing.TB, seed uint64) *memory {
	return &memory{t: t, rng: rand.New(rand.NewPCG(seed, 3))}
}

// regions are memory with a page before and behind each that must not be touched, where the system can do that.
var regions [][]byte

// place is where size bytes go, aligned to align.
func (m *memory) place(size, align int) []byte {
	m.t.Helper()
	if size > regionBytes {
		m.t.Fatalf("an operand of %d bytes", size)
	}
	if m.taken == len(regions) {
		regions = append(regions, guarded(m.t, regionBytes))
	}
	r := regions[m.taken]
	for i := range r {
		r[i] = around
	}
	from := 0
	switch m.rng.IntN(3) {
	case 0:
		from = (regionBytes - size) / align * align
	case 1:
		from = min(m.rng.IntN(64)*align, (regionBytes-size)/align*align)
	}
	m.taken++
	m.used = append(m.used, [2]int{from, from + size})
	return r[from : from+size : from+size]
}

// check fails if a kernel wrote beside its operands.
func (m *memory) check(what string) {
	m.t.Helper()
	for i, u := range m.used {
		for at, b := range regions[i] {
			if (at < u[0] || at >= u[1]) && b != around {
				m.t.Fatalf("%s wrote %d bytes behind the beginning of operand %d, which has %d", what, at-u[0], i, u[1]-u[0])
			}
		}
	}
}

func values[T any](m *memory, n int, value func() T) []T {
	var one T
	size := int(unsafe.Sizeof(one))
	b := m.place(n*size, size)
	if n == 0 {
		return []T{}
	}
	out := unsafe.Slice((*T)(unsafe.Pointer(&b[0])), n)
	for i := range out {
		out[i] = value()
	}
	return out
}

// floats are n values of a normal distribution.
func (m *memory) floats(n int) []float32 {
	return values(m, n, func() float32 { return float32(m.rng.NormFloat64()) })
}

// positive are their squares.
func (m *memory) positive(n int) []float32 {
	return values(m, n, func() float32 { v := m.rng.NormFloat64(); return float32(v*v) + 1e-3 })
}

func (m *memory) bytes(n int) []int8 {
	return values(m, n, func() int8 { return int8(m.rng.IntN(256) - 128) })
}

func (m *memory) words(n int) []uint32 { return values(m, n, func() uint32 { return 0 }) }
