package tensor

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"bellwether/tensor/internal/cpu"
	"bellwether/tensor/internal/reference"

	"pgregory.net/rapid"
)

// eachLevel runs f at each level of instructions that this machine has.
func eachLevel(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	best := cpu.Use
	defer func() { cpu.Use = best }()
	for _, l := range cpu.Levels() {
		cpu.Use = l
		t.Run(l.String(), f)
	}
}

func random(n int, seed uint64) []float32 {
	rng := rand.New(rand.NewPCG(seed, 1))
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(rng.NormFloat64())
	}
	return x
}

// near fails unless got equals want within tolerance, relative to the size of
// want's values or of unit where those cancel.
func near(t failer, what string, got, want []float32, unit, tolerance float64) {
	t.Helper()
	for i := range want {
		if off := math.Abs(float64(got[i]) - float64(want[i])); !(off <= tolerance*max(unit, math.Abs(float64(want[i])))) {
			t.Fatalf("%s: value %d of %d is %v, want %v", what, i, len(want), got[i], want[i])
		}
	}
}

// failer is a test or a property's trial.
type failer interface {
	Helper()
	Fatalf(format string, arguments ...any)
}

var forms = []struct {
	name      string
	fast      func(c, a, b []float32, m, n, k int, tail Tail)
	reference func(c, a, b []float32, m, n, k int)
}{
	{"MatMul", MatMul, reference.MatMul},
	{"MatMulTB", MatMulTB, reference.MatMulTB},
	{"MatMulTA", MatMulTA, reference.MatMulTA},
	{"Pack", func(c, a, b []float32, m, n, k int, tail Tail) { MatMulPacked(c, a, Pack(nil, b, k, n), m, tail) }, reference.MatMul},
	{"PackT", func(c, a, b []float32, m, n, k int, tail Tail) { MatMulPacked(c, a, PackT(nil, b, k, n), m, tail) }, reference.MatMulTB},
}

// checkProducts compares every form of m×n×k with the reference, under a tail.
func checkProducts(t failer, m, n, k int, tail Tail) {
	t.Helper()
	a, b := random(m*k, 1), random(k*n, 2)
	for _, form := range forms {
		sums := make([]float32, m*n)
		form.reference(sums, a, b, m, n, k)
		want, wantPre := random(m*n, 3), []float32(nil)
		for i := range sums {
			if tail.Bias != nil {
				sums[i] += tail.Bias[i%n]
			}
			if tail.Accumulate {
				sums[i] += want[i]
			}
		}
		if tail.Pre != nil {
			wantPre = append(wantPre, sums...)
		}
		activate(want, sums, tail.Activation)
		got := append(random(m*n, 3), 77) // 77: nothing after the result may change
		form.fast(got, a, b, m, n, k, tail)
		what := fmt.Sprintf("%s %d×%d×%d", form.name, m, n, k)
		unit := math.Sqrt(float64(k)) + 1
		near(t, what, got, append(want, 77), unit, 2e-6)
		near(t, what+" Pre", tail.Pre, wantPre, unit, 2e-6)
	}
}

var shapes = [][3]int{
	{1, 1, 1},
	{1, 37, 19},
	{2, 3, 5},
	{3, 31, 64},
	{5, 17, 1},
	{7, 33, 2},
	{11, 65, 63},
	{12, 32, 64},
	{13, 64, 65},
	{25, 97, 31},
	{32, 128, 32},
	{47, 50, 300},
	{49, 63, 257},
	{70, 40, 513},
	{130, 515, 64},
	{64, 64, 700},
	{100, 256, 256},
	{37, 21, 2100},
	{0, 4, 4},
	{4, 0, 4},
}

func TestProductsOnOddSizes(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		for _, s := range shapes {
			checkProducts(t, s[0], s[1], s[2], Tail{})
		}
	})
}

func TestProductsOfNoStepsAreTheTail(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		checkProducts(t, 5, 37, 0, Tail{})
		checkProducts(t, 5, 37, 0, Tail{Bias: random(37, 4), Accumulate: true})
		checkProducts(t, 5, 37, 0, Tail{Bias: random(37, 4), Activation: ActGELU, Pre: make([]float32, 5*37)})
	})
}

func TestTails(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		for _, s := range [][3]int{{13, 37, 19}, {50, 70, 600}, {3, 5, 7}, {9, 35, 2500}} {
			bias := random(s[1], 4)
			checkProducts(t, s[0], s[1], s[2], Tail{Bias: bias})
			checkProducts(t, s[0], s[1], s[2], Tail{Accumulate: true})
			checkProducts(t, s[0], s[1], s[2], Tail{Bias: bias, Accumulate: true})
			for f := Identity; f <= ActSiLU; f++ {
				checkProducts(t, s[0], s[1], s[2], Tail{Activation: f})
				checkProducts(t, s[0], s[1], s[2], Tail{Bias: bias, Activation: f, Pre: make([]float32, s[0]*s[1])})
			}
		}
	})
}

func TestProductsOfRandomShapes(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		rapid.Check(t, func(r *rapid.T) {
			side := rapid.IntRange(0, 80)
			m, n, k := side.Draw(r, "m"), side.Draw(r, "n"), rapid.IntRange(0, 300).Draw(r, "k")
			tail := Tail{Accumulate: rapid.Bool().Draw(r, "accumulate")}
			if rapid.Bool().Draw(r, "bias") {
				tail.Bias = random(n, 5)
			}
			if !tail.Accumulate {
				tail.Activation = Activation(rapid.IntRange(0, int(ActSiLU)).Draw(r, "activation"))
			}
			checkProducts(r, m, n, k, tail)
		})
	})
}

func TestProductsAllocateNothing(t *testing.T) {
	const m, n, k = 300, 100, 256
	a, b, c := random(m*k, 1), random(k*n, 2), make([]float32, m*n)
	packed := Pack(nil, b, k, n)
	for _, f := range map[string]func(){
		"MatMul":       func() { MatMul(c, a, b, m, n, k, Tail{}) },
		"MatMulTB":     func() { MatMulTB(c, a, b, m, n, k, Tail{}) },
		"MatMulTA":     func() { MatMulTA(c, a, b, m, n, k, Tail{}) },
		"MatMulPacked": func() { MatMulPacked(c, a, packed, m, Tail{Activation: ActReLU}) },
		"Pack":         func() { Pack(packed, b, k, n) },
	} {
		f()
		if allocs := testing.AllocsPerRun(20, f); allocs != 0 {
			t.Errorf("a product allocates %v times", allocs)
		}
	}
}

func BenchmarkMatMul(b *testing.B) {
	for _, s := range [][3]int{{6400, 64, 64}, {25600, 64, 64}, {6400, 256, 64}, {128, 3416, 64}, {6400, 3416, 64}, {512, 512, 512}, {1024, 1024, 1024}, {32, 128, 32}} {
		m, n, k := s[0], s[1], s[2]
		for _, form := range forms[:3] {
			b.Run(fmt.Sprintf("%s/%dx%dx%d", form.name, m, n, k), func(b *testing.B) {
				x, y, c := random(m*k, 1), random(k*n, 2), make([]float32, m*n)
				for b.Loop() {
					form.fast(c, x, y, m, n, k, Tail{})
				}
				b.ReportMetric(2*float64(m)*float64(n)*float64(k)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
			})
		}
	}
}
