package tensor

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"bellwether/tensor/internal/reference"

	"pgregory.net/rapid"
)

func TestReductions(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		for n := range 200 {
			x, y := random(n, 1), random(n, 2)
			unit := math.Sqrt(float64(n)) + 1
			near(t, "Dot", []float32{Dot(x, y)}, []float32{reference.Dot(x, y)}, unit, 1e-6)
			if got, want := Sum(x), reference.Sum(x); math.Abs(got-want) > 1e-12*unit {
				t.Errorf("Sum of %d values is %v, want %v", n, got, want)
			}
			if got, want := SumSquares(x), reference.SumSquares(x); math.Abs(got-want) > 1e-12*unit {
				t.Errorf("SumSquares of %d values is %v, want %v", n, got, want)
			}
			if n > 0 {
				near(t, "LogSumExp", []float32{LogSumExp(x)}, []float32{float32(reference.LogSumExp(x))}, 1, 1e-6)
			}
		}
		if got := LogSumExp(nil); !math.IsInf(float64(got), -1) {
			t.Errorf("LogSumExp of nothing is %v", got)
		}
		long := random(1000, 3)
		near(t, "LogSumExp", []float32{LogSumExp(long)}, []float32{float32(reference.LogSumExp(long))}, 1, 1e-6)
	})
}

func TestDotInt8(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(1, 2))
		for n := range 200 {
			x, y := make([]int8, n), make([]int8, n)
			for i := range x {
				x[i], y[i] = int8(rng.IntN(256)-128), int8(rng.IntN(256)-128)
				if n%5 == 0 {
					x[i], y[i] = -128, -128 // the largest product
				}
			}
			if got, want := DotInt8(x, y), reference.DotInt8(x, y); got != want {
				t.Fatalf("DotInt8 of %d values is %d, want %d", n, got, want)
			}
		}
	})
}

func TestCheckFinite(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		x := random(10_000, 1)
		x[17] = math.MaxFloat32
		if i := CheckFinite(x); i != -1 {
			t.Errorf("finite values: %d", i)
		}
		for _, at := range []int{0, 5000, 9999} {
			for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
				y := slices.Clone(x)
				y[at] = float32(bad)
				if i := CheckFinite(y); i != at {
					t.Errorf("%v at %d: found at %d", bad, at, i)
				}
			}
		}
	})
}

func TestAddRows(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		for _, shape := range [][2]int{{7, 37}, {0, 5}, {1, 1}, {3000, 65}} {
			rows, cols := shape[0], shape[1]
			x := random(rows*cols, 1)
			start := random(cols, 2)
			sums := make([]float64, cols)
			for i, v := range start {
				sums[i] = float64(v)
			}
			for i, v := range x {
				sums[i%cols] += float64(v)
			}
			want := make([]float32, cols)
			for i, v := range sums {
				want[i] = float32(v)
			}
			AddRows(start, x, rows, cols)
			near(t, "AddRows", start, want, float64(rows), 1e-6)
		}
	})
}

func TestTopK(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		rapid.Check(t, func(r *rapid.T) {
			values := []float32{0, 1, 2, 3, -1, 0.5, float32(math.NaN()), float32(math.Inf(-1)), float32(math.Inf(1))}
			scores := rapid.SliceOfN(rapid.SampledFrom(values), 0, 300).Draw(r, "scores")
			k := rapid.IntRange(0, 40).Draw(r, "k")
			got, want := TopK(scores, k, make([]int32, 40)), reference.TopK(scores, k)
			if !slices.Equal(got, want) {
				r.Fatalf("%v, want %v", got, want)
			}
		})
		scores := random(100_000, 1)
		if got, want := TopK(scores, 100, make([]int32, 100)), reference.TopK(scores, 100); !slices.Equal(got, want) {
			t.Errorf("%v, want %v", got, want)
		}
	})
}

func BenchmarkTopK(b *testing.B) {
	scores, out := random(1_000_000, 1), make([]int32, 100)
	b.SetBytes(int64(4 * len(scores)))
	for b.Loop() {
		TopK(scores, 100, out)
	}
}

func BenchmarkRowProduct(b *testing.B) {
	const n, k = 3416, 64
	a, items, c := random(k, 1), random(n*k, 2), make([]float32, n)
	b.SetBytes(4 * n * k)
	for b.Loop() {
		MatMulTB(c, a, items, 1, n, k, Tail{})
	}
}
