package kernel

import (
	"math"
	"slices"
	"testing"

	"bellwether/tensor/internal/cpu"
)

// TestLevels compares every kernel at every level with the portable one, on all lengths up to 70.
func TestLevels(t *testing.T) {
	for name := range kernels {
		for n := range 70 {
			checkKernel(t, name, n, uint64(n))
		}
	}
}

// FuzzLevels does so at other lengths and places.
func FuzzLevels(f *testing.F) {
	names := make([]string, 0, len(kernels))
	for name := range kernels {
		names = append(names, name)
	}
	slices.Sort(names)
	for i := range names {
		f.Add(uint8(i), uint16(127+i), uint64(i))
		f.Add(uint8(i), uint16(256-i), uint64(i))
	}
	f.Fuzz(func(t *testing.T, kernel uint8, n uint16, seed uint64) {
		checkKernel(t, names[int(kernel)%len(names)], int(n)%300, seed)
	})
}

// checkKernel holds what a kernel writes and returns at each level to the
// portable one's, to 2e-5 of each result's size.
func checkKernel(t *testing.T, name string, n int, seed uint64) {
	t.Helper()
	best := cpu.Use
	defer func() { cpu.Use = best }()
	cpu.Use = cpu.Portable
	var want [][]float32
	for _, out := range kernels[name](newMemory(t, seed), n) {
		want = append(want, slices.Clone(out)) // the next run has the same memory
	}
	for _, level := range cpu.Levels()[1:] {
		cpu.Use = level
		m := newMemory(t, seed)
		got := kernels[name](m, n)
		m.check(name + " at level " + level.String())
		for i := range want {
			unit := 1 + norm(want[i])/math.Sqrt(float64(len(want[i])+1))
			for j, w := range want[i] {
				g := got[i][j]
				if off := math.Abs(float64(g) - float64(w)); g != w && !(off <= 2e-5*max(unit, math.Abs(float64(w)))) && (g == g || w == w) {
					t.Fatalf("%s of %d at level %v (seed %d): result %d, value %d of %d is %v, portable %v", name, n, level, seed, i, j, len(want[i]), g, w)
				}
			}
		}
	}
}

func norm(x []float32) float64 {
	var sum float64
	for _, v := range x {
		sum += float64(v) * float64(v)
	}
	return math.Sqrt(sum)
}
