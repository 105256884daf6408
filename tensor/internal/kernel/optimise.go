package kernel

import (
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
	case mean == nil && cpu.Use >= cpu.NEON:
		asm.AdamNoMeanNEON(&value[0], &grad[0], &square[0], n, s.Beta2, 1-s.Beta2, s.Decay, s.Rate, s.Root, s.Epsilon)
	case mean == nil:
		asm.AdamNoMeanAVX2(&value[0], &grad[0], &square[0], n, s.Beta2, 1-s.Beta2, s.Decay, s.Rate, s.Root, s.Epsilon)
	case cpu.Use == cpu.AVX512:
		asm.AdamAVX512(&value[0], &grad[0], &mean[0], &square[0], n, 1-s.Beta1, s.Beta2, 1-s.Beta2, s.Decay, s.Rate, s.Root, s.Epsilon)
	case cpu.Use >= cpu.NEON:
		asm.AdamNEON(&value[0], &grad[0], &mean[0], &square[0], n, 1-s.Beta1, s.Beta2, 1-s.Beta2, s.Decay, s.Rate, s.Root, s.Epsilon)
	default:
		asm.AdamAVX2(&value[0], &grad[0], &mean[0], &square[0], n, 1-s.Beta1, s.Beta2, 1-s.Beta2, s.Decay, s.Rate, s.Root, s.Epsilon)
	}
}

// AdamRow is reference.AdamRow.
func AdamRow(s *reference.AdamStep, value, grad, mean []float32, square *float32) {
	n := len(grad)
	newSquare := (1 - s.Beta2) / float32(n)
	switch {
	case n == 0:
	case cpu.Use == cpu.Portable:
		reference.AdamRow(*s, value, grad, mean, square)
	case mean == nil && cpu.Use == cpu.AVX512:
		asm.AdamRowNoMeanAVX512(&value[0], &grad[0], square, n, s.Beta2, newSquare, s.Decay, s.Rate, s.Root, s.Epsilon)
	case mean == nil && cpu.Use >= cpu.NEON:
		asm.AdamRowNoMeanNEON(&value[0], &grad[0], square, n, s.Beta2, newSquare, s.Decay, s.Rate, s.Root, s.Epsilon)
	case mean == nil:
		asm.AdamRowNoMeanAVX2(&value[0], &grad[0], square, n, s.Beta2, newSquare, s.Decay, s.Rate, s.Root, s.Epsilon)
	case cpu.Use == cpu.AVX512:
		asm.AdamRowAVX512(&value[0], &grad[0], &mean[0], square, n, 1-s.Beta1, s.Beta2, newSquare, s.Decay, s.Rate, s.Root, s.Epsilon)
	case cpu.Use >= cpu.NEON:
		asm.AdamRowNEON(&value[0], &grad[0], &mean[0], square, n, 1-s.Beta1, s.Beta2, newSquare, s.Decay, s.Rate, s.Root, s.Epsilon)
	default:
		asm.AdamRowAVX2(&value[0], &grad[0], &mean[0], square, n, 1-s.Beta1, s.Beta2, newSquare, s.Decay, s.Rate, s.Root, s.Epsilon)
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
	case cpu.Use >= cpu.NEON:
		asm.AdaGradNEON(&value[0], &grad[0], &sums[0], len(grad), rate, epsilon)
	default:
		reference.AdaGrad(rate, epsilon, value, grad, sums)
	}
}

// AdaGradRow is reference.AdaGradRow: AdamRow that forgets nothing.
func AdaGradRow(rate, epsilon float32, value, grad []float32, sum *float32) {
	n := len(grad)
	switch {
	case n == 0:
	case cpu.Use == cpu.AVX512:
		asm.AdamRowNoMeanAVX512(&value[0], &grad[0], sum, n, 1, 1/float32(n), 1, rate, 1, epsilon)
	case cpu.Use == cpu.AVX2:
		asm.AdamRowNoMeanAVX2(&value[0], &grad[0], sum, n, 1, 1/float32(n), 1, rate, 1, epsilon)
	case cpu.Use >= cpu.NEON:
		asm.AdamRowNoMeanNEON(&value[0], &grad[0], sum, n, 1, 1/float32(n), 1, rate, 1, epsilon)
	default:
		reference.AdaGradRow(rate, epsilon, value, grad, sum)
	}
}

// Prefetch asks for a row that is worked on a little later.
func Prefetch(x []float32) {
	if cpu.Use != cpu.Portable && len(x) > 0 {
		asm.Prefetch(&x[0], len(x))
	}
}
