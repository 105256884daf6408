package nn

import (
	"testing"
)

func TestMemoryHandsOutZeros(t *testing.T) {
	for name, m := range map[string]*Memory{"heap": nil, "huge": {}} {
		for _, n := range []int{0, 1, 1000, hugePage / 4, hugePage/2 + 3} {
			x, y := m.Floats(n), m.Floats(n)
			if len(x) != n {
				t.Fatalf("%s: %d floats, want %d", name, len(x), n)
			}
			for i := range x {
				if x[i] != 0 {
					t.Fatalf("%s: float %d of %d is %g", name, i, n, x[i])
				}
				x[i] = 1
			}
			for i := range y {
				if y[i] != 0 {
					t.Fatalf("%s: two arrays of %d share memory", name, n)
				}
			}
		}
		if m != nil {
			m.Release()
			m.Release() // nothing is left to give back
		}
	}
}

// The values of a network do not depend on where they lie.
func TestBuilderInMemory(t *testing.T) {
	m := &Memory{}
	defer m.Release()
	build := func(b *Builder) *Param { return b.Table("x", Normal(.1), 3000, 256) }
	huge, heap := build(NewBuilder(5).In(m, m)), build(NewBuilder(5))
	for i, v := range heap.Value {
		if huge.Value[i] != v {
			t.Fatalf("value %d is %g in huge pages and %g on the heap", i, huge.Value[i], v)
		}
	}
}
