package tensor

import (
	"math"
	"testing"

	"bellwether/tensor/internal/reference"
)

// edges are arguments at which an approximation can break.
func edges() []float32 {
	x := []float32{
		0, 1, -1, 1e-3, -1e-3, 1e-8, 0.625, -0.625, 0.62, 0.34657, 0.3466, 5, -5, 10, -10, 20, -20, 40, -40,
		86, -86, 87.2, -87.2, 88.5, 88.7, float32(math.Inf(1)), float32(math.Inf(-1)),
	}
	for v := float32(-12); v < 12; v += 0.0377 {
		x = append(x, v)
	}
	return x
}

var functions = []struct {
	name      string
	fast      func(dst, x []float32)
	reference func(float64) float64
	tolerance float64 // relative
}{
	{"Exp", Exp, math.Exp, 4e-7},
	{"Tanh", Tanh, math.Tanh, 4e-7},
	{"Sigmoid", Sigmoid, reference.Sigmoid, 4e-7},
	{"GELU", GELU, reference.GELU, 1e-6},
	{"SiLU", SiLU, reference.SiLU, 5e-7},
	{"ReLU", ReLU, reference.ReLU, 0},
}

func TestFunctions(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		for _, f := range functions {
			x := edges()
			got := make([]float32, len(x))
			f.fast(got, x)
			for i, v := range x {
				want := f.reference(float64(v))
				if math.Abs(want) < 1.5e-38 { // below float32's normal range
					if math.Abs(float64(got[i])) > 1.5e-38 {
						t.Errorf("%s(%v) = %v, want about 0", f.name, v, got[i])
					}
					continue
				}
				if off := math.Abs(float64(got[i]) - want); float64(got[i]) != want && !(off <= f.tolerance*math.Abs(want)) && !(math.IsNaN(want) && got[i] != got[i]) {
					t.Errorf("%s(%v) = %v, want %v (off by %.2g)", f.name, v, got[i], want, off/math.Abs(want))
				}
			}
			checkLengths(t, f.name, f.fast)
			nan := []float32{float32(math.NaN())}
			if f.fast(nan, nan); f.name != "ReLU" && nan[0] == nan[0] {
				t.Errorf("%s(NaN) = %v", f.name, nan[0])
			}
		}
	})
}

// checkLengths sees that a part of a slice gives what the whole gives, whatever
// its length, and that nothing is written behind it.
func checkLengths(t *testing.T, name string, f func(dst, x []float32)) {
	t.Helper()
	x := random(67, 9)
	whole := make([]float32, len(x))
	f(whole, x)
	for n := range len(x) {
		got := make([]float32, len(x))
		f(got, x[:n])
		for i := range got {
			if i < n && got[i] != whole[i] || i >= n && got[i] != 0 {
				t.Fatalf("%s of %d values: value %d is %v, want %v", name, n, i, got[i], whole[i])
			}
		}
	}
}

func TestLog(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		x := []float32{0, 1, 2, 0.5, 1e-30, 1e-40, 1e30, 0.75, 0.749, 1.5, 1.4999, 1.0001, 0.9999, float32(math.Inf(1)), -1, float32(math.NaN())}
		for v := float32(0.01); v < 30; v *= 1.013 {
			x = append(x, v)
		}
		got := make([]float32, len(x))
		Log(got, x)
		for i, v := range x {
			want := math.Log(float64(v))
			if off := math.Abs(float64(got[i]) - want); float64(got[i]) != want && !(off <= 2e-7*math.Abs(want)) && !(math.IsNaN(want) && got[i] != got[i]) {
				t.Errorf("Log(%v) = %v, want %v", v, got[i], want)
			}
		}
		checkLengths(t, "Log", func(dst, x []float32) {
			y := make([]float32, len(x))
			for i := range x {
				y[i] = x[i]*x[i] + 1e-3
			}
			Log(dst, y)
		})
	})
}

func TestFunctionsBackward(t *testing.T) {
	tests := []struct {
		name       string
		fast       func(dx, dy, x []float32)
		derivative func(v float64) float64
	}{
		{"ReLU", ReLUBackward, func(v float64) float64 { return map[bool]float64{true: 1}[v > 0] }},
		{"Sigmoid", SigmoidBackward, func(y float64) float64 { return y * (1 - y) }},
		{"Tanh", TanhBackward, func(y float64) float64 { return 1 - y*y }},
		{"GELU", GELUBackward, reference.GELUDerivative},
		{"SiLU", SiLUBackward, reference.SiLUDerivative},
	}
	eachLevel(t, func(t *testing.T) {
		for _, f := range tests {
			x := edges()
			x = x[:copy(x, x[27:])]
			dy, got := random(len(x), 3), make([]float32, len(x))
			f.fast(got, dy, x)
			for i, v := range x {
				d := f.derivative(float64(v))
				want := d * float64(dy[i])
				if math.Abs(float64(got[i])-want) > 1e-6*max(math.Abs(want), 0.1*math.Abs(float64(dy[i]))) {
					t.Errorf("%sBackward at %v: %v, want %v", f.name, v, got[i], want)
				}
			}
			checkLengths(t, f.name+"Backward", func(dst, x []float32) { f.fast(dst, x, random(len(x), 4)) })
		}
	})
}

func TestLongSlicesAreWorkedOnInParts(t *testing.T) {
	const n = 3<<17 + 5
	x, y, got := random(n, 1), random(n, 2), make([]float32, n+1)
	want := func(i int) float32 { return x[i] + y[i] }
	check := func(name string) {
		t.Helper()
		for i := range x {
			if got[i] != want(i) {
				t.Fatalf("%s: value %d is %v, want %v", name, i, got[i], want(i))
			}
		}
		if got[n] != 0 {
			t.Fatalf("%s wrote behind its end", name)
		}
	}
	Add(got, x, y)
	check("Add")
	want = func(i int) float32 { return max(x[i], 0) }
	ReLU(got, x)
	check("ReLU")
	Mul(got, x, y)
	want = func(i int) float32 { return x[i] * y[i] }
	check("Mul")
	if allocs := testing.AllocsPerRun(10, func() { GELU(got, x); GELUBackward(got, x, y) }); allocs != 0 {
		t.Errorf("a call allocates %v times", allocs)
	}
}

func TestArithmetic(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		for _, n := range []int{0, 1, 7, 15, 16, 17, 100} {
			x, y := random(n, 1), random(n, 2)
			sum, product, scaled, added := make([]float32, n), make([]float32, n), make([]float32, n), make([]float32, n)
			for i := range x {
				sum[i], product[i], scaled[i], added[i] = x[i]+y[i], x[i]*y[i], 3*x[i], y[i]+3*x[i]
			}
			got := make([]float32, n)
			Add(got, x, y)
			near(t, "Add", got, sum, 0, 0)
			Mul(got, x, y)
			near(t, "Mul", got, product, 0, 0)
			copy(got, x)
			Scale(3, got)
			near(t, "Scale", got, scaled, 0, 0)
			copy(got, y)
			Axpy(3, x, got)
			near(t, "Axpy", got, added, 1, 2e-7)
		}
	})
}

func BenchmarkFunctions(b *testing.B) {
	x, y := random(4096, 1), make([]float32, 4096)
	for _, f := range functions {
		b.Run(f.name, func(b *testing.B) {
			b.SetBytes(int64(4 * len(x)))
			for b.Loop() {
				f.fast(y, x)
			}
		})
	}
}
