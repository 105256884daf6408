package kernel

import (
	"math"

	"bellwether/tensor/internal/asm"
	"bellwether/tensor/internal/cpu"
	"bellwether/tensor/internal/reference"
)

// Adam is reference.Adam.
func Adam(s *reference.AdamStep, value, grad, mean, square []float32) {
	n := len(grad)
	switch {
	case n == 0:
	case cpu.Use == cpu.Portable:
		reference.Adam(*s, value, grad, mean, square)
	case mean == nil && cpu.Use == cpu.AVX512:
		asm.AdamNoMeanAVX512(&value[0], &grad[0], &square[0], n, s.Beta2, 1-s.Beta2, s.Decay, s.Rate, s.Root, s.Epsilon)
	case mean == nil:
		asm.AdamNoMeanAVX2(&value[0], &grad[0], &square[0], n, s.Beta2, 1-s.Beta2, s.Decay, s.Rate, s.Root, s.Epsilon)
	case cpu.Use == cpu.AVX512:
		asm.AdamAVX512(&value[0], &grad[0], &mean[0], &square[0], n, 1-s.Beta1, s.Beta2, 1-s.Beta2, s.Decay, s.Rate, s.Root, s.Epsilon)
	default:
		asm.AdamAVX2(&value[0], &grad[0], &mean[0], &square[0], n, 1-s.Beta1, s.Beta2, 1-s.Beta2, s.Decay, s.Rate, s.Root, s.Epsilon)
	}
}

// AdamRow is reference.AdamRow.
func AdamRow(s *reference.AdamStep, value, grad, mean []float32, square *float32) {
	if cpu.Use == cpu.Portable || len(grad) == 0 {
		reference.AdamRow(*s, value, grad, mean, square)
		return
	}
	*square = s.Beta2**square + (1-s.Beta2)*meanSquare(grad)
	rate := s.Rate / (s.Root*sqrt(*square) + s.Epsilon)
	switch {
	case mean == nil:
		Axpby(-rate, grad, s.Decay, value)
	case cpu.Use == cpu.AVX512:
		asm.AdamRowAVX512(&value[0], &grad[0], &mean[0], len(grad), 1-s.Beta1, s.Decay, rate)
	default:
		asm.AdamRowAVX2(&value[0], &grad[0], &mean[0], len(grad), 1-s.Beta1, s.Decay, rate)
	}
}

// AdaGrad is reference.AdaGrad.
func AdaGrad(rate, epsilon float32, value, grad, sums []float32) {
	switch {
	case len(grad) == 0:
	case cpu.Use == cpu.AVX512:
		asm.AdaGradAVX512(&value[0], &grad[0], &sums[0], len(grad), rate, epsilon)
	case cpu.Use == cpu.AVX2:
		asm.AdaGradAVX2(&value[0], &grad[0], &sums[0], len(grad), rate, epsilon)
	default:
		reference.AdaGrad(rate, epsilon, value, grad, sums)
	}
}

// AdaGradRow is reference.AdaGradRow.
func AdaGradRow(rate, epsilon float32, value, grad []float32, sum *float32) {
	*sum += meanSquare(grad)
	Axpy(-rate/(sqrt(*sum)+epsilon), grad, value)
}

// Axpby sets y = alpha·x + beta·y over the length of x.
func Axpby(alpha float32, x []float32, beta float32, y []float32) {
	switch {
	case len(x) == 0:
	case cpu.Use == cpu.AVX512:
		asm.AxpbyAVX512(alpha, &x[0], beta, &y[0], len(x))
	case cpu.Use == cpu.AVX2:
		asm.AxpbyAVX2(alpha, &x[0], beta, &y[0], len(x))
	default:
		for i, v := range x {
			y[i] = alpha*v + beta*y[i]
		}
	}
}

// Prefetch asks for a row that is worked on a little later.
func Prefetch(x []float32) {
	if cpu.Use != cpu.Portable && len(x) > 0 {
		asm.Prefetch(&x[0], len(x))
	}
}

func meanSquare(x []float32) float32 { return float32(SumSquares(x) / float64(max(len(x), 1))) }

func sqrt(x float32) float32 { return float32(math.Sqrt(float64(x))) }
