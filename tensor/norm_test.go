package tensor

import (
	"fmt"
	"testing"

	"bellwether/tensor/internal/reference"
)

func TestNorms(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		for _, s := range [][2]int{{1, 1}, {3, 5}, {7, 16}, {4, 31}, {33, 64}, {5, 100}, {3000, 64}, {0, 4}} {
			checkNorms(t, s[0], s[1])
		}
	})
}

func checkNorms(t *testing.T, rows, cols int) {
	t.Helper()
	n, what := rows*cols, fmt.Sprintf("%d×%d", rows, cols)
	x, dy, gain, bias := random(n, 1), random(n, 2), random(cols, 3), random(cols, 4)
	for i := range x {
		x[i] = 3*x[i] + 2
	}
	unit := float64(rows)/100 + 10 // of sums over the rows

	wantY, wantMean, wantRstd := make([]float32, n), make([]float32, rows), make([]float32, rows)
	gotY, gotMean, gotRstd := append(random(n, 5), 77), random(rows, 6), random(rows, 7)
	reference.LayerNorm(wantY, x, gain, bias, wantMean, wantRstd, rows, cols, 1e-5)
	LayerNorm(gotY, x, gain, bias, gotMean, gotRstd, rows, cols, 1e-5)
	if cols > 1 { // the variance of one value is rounding alone
		near(t, "LayerNorm "+what, gotY, append(wantY, 77), 1, 1e-5)
		near(t, "rstd "+what, gotRstd, wantRstd, 0.1, 1e-5)
	}
	near(t, "mean "+what, gotMean, wantMean, 1, 1e-6)

	want, got := [3][]float32{make([]float32, n), random(cols, 8), random(cols, 9)}, [3][]float32{append([]float32(nil), dy...), random(cols, 8), random(cols, 9)}
	reference.LayerNormBackward(want[0], want[1], want[2], dy, x, gain, wantMean, wantRstd, rows, cols)
	LayerNormBackward(got[0], got[1], got[2], got[0], x, gain, wantMean, wantRstd, rows, cols) // dx may be dy
	if cols > 1 {
		near(t, "LayerNormBackward dx "+what, got[0], want[0], 1, 2e-5)
		near(t, "LayerNormBackward dgain "+what, got[1], want[1], unit, 1e-5)
	}
	near(t, "LayerNormBackward dbias "+what, got[2], want[2], unit, 1e-5)

	reference.RMSNorm(wantY, x, gain, wantRstd, rows, cols, 1e-5)
	copy(gotY, x)
	RMSNorm(gotY, gotY, gain, gotRstd, rows, cols, 1e-5) // y may be x
	near(t, "RMSNorm "+what, gotY[:n], wantY, 1, 1e-5)
	near(t, "RMSNorm rstd "+what, gotRstd, wantRstd, 0, 1e-5)
	want[1], got[0], got[1] = random(cols, 8), random(n, 5), random(cols, 8)
	reference.RMSNormBackward(want[0], want[1], dy, x, gain, wantRstd, rows, cols)
	RMSNormBackward(got[0], got[1], dy, x, gain, wantRstd, rows, cols)
	near(t, "RMSNormBackward dx "+what, got[0], want[0], 1, 2e-5)
	near(t, "RMSNormBackward dgain "+what, got[1], want[1], unit, 1e-5)
}

func TestSoftmax(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		for _, s := range [][2]int{{1, 1}, {3, 5}, {7, 16}, {4, 131}, {1200, 64}} {
			rows, cols := s[0], s[1]
			x, dy := random(rows*cols, 1), random(rows*cols, 2)
			Scale(20, x)
			want, got := make([]float32, rows*cols), make([]float32, rows*cols)
			reference.Softmax(want, x, rows, cols)
			Softmax(got, x, rows, cols)
			near(t, "Softmax", got, want, 1e-3, 2e-5)
			dwant, dgot := make([]float32, rows*cols), make([]float32, rows*cols)
			reference.SoftmaxBackward(dwant, dy, want, rows, cols)
			SoftmaxBackward(dgot, dy, want, rows, cols)
			near(t, "SoftmaxBackward", dgot, dwant, 1, 2e-6)
		}
	})
}

func BenchmarkNorm(b *testing.B) {
	const rows, cols = 6400, 64
	x, y, gain, bias := random(rows*cols, 1), make([]float32, rows*cols), random(cols, 2), random(cols, 3)
	mean, rstd := make([]float32, rows), make([]float32, rows)
	b.Run("LayerNorm/6400x64", func(b *testing.B) {
		b.SetBytes(4 * rows * cols)
		for b.Loop() {
			LayerNorm(y, x, gain, bias, mean, rstd, rows, cols, 1e-5)
		}
	})
	b.Run("LayerNormBackward/6400x64", func(b *testing.B) {
		b.SetBytes(4 * rows * cols)
		dx, dgain, dbias := make([]float32, rows*cols), make([]float32, cols), make([]float32, cols)
		for b.Loop() {
			LayerNormBackward(dx, dgain, dbias, y, x, gain, mean, rstd, rows, cols)
		}
	})
	b.Run("Softmax/6400x64", func(b *testing.B) {
		b.SetBytes(4 * rows * cols)
		for b.Loop() {
			Softmax(y, x, rows, cols)
		}
	})
}
