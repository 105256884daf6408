package kernel

import (
	"math"

	"bellwether/tensor/internal/asm"
	"bellwether/tensor/internal/cpu"
	"bellwether/tensor/internal/reference"
)

// Dot returns Σ x·y over the length of x: reference.Dot.
func Dot(x, y []float32) float32 {
	switch {
	case len(x) == 0:
		return 0
	case cpu.Use == cpu.AVX512:
		return asm.DotAVX512(&x[0], &y[0], len(x))
	case cpu.Use == cpu.AVX2:
		return asm.DotAVX2(&x[0], &y[0], len(x))
	case cpu.Use >= cpu.NEON:
		return asm.DotNEON(&x[0], &y[0], len(x))
	}
	return reference.Dot(x, y)
}

// DotInt8 returns Σ x·y over the length of x: reference.DotInt8.
func DotInt8(x, y []int8) int32 {
	whole := len(x) &^ 31
	var sum int32
	switch {
	case whole == 0 || cpu.Use == cpu.Portable:
		whole = 0
	case cpu.Use == cpu.AVX512:
		sum = asm.DotInt8AVX512(&x[0], &y[0], whole)
	case cpu.Use == cpu.NEONDot:
		sum = asm.DotInt8Dot(&x[0], &y[0], whole)
	case cpu.Use == cpu.NEON:
		sum = asm.DotInt8NEON(&x[0], &y[0], whole)
	default:
		sum = asm.DotInt8AVX2(&x[0], &y[0], whole)
	}
	return sum + reference.DotInt8(x[whole:], y[whole:])
}

// Max returns the largest of x, −Inf for none.
func Max(x []float32) float32 {
	switch {
	case len(x) == 0:
	case cpu.Use == cpu.AVX512:
		return asm.MaxAVX512(&x[0], len(x))
	case cpu.Use == cpu.AVX2:
		return asm.MaxAVX2(&x[0], len(x))
	case cpu.Use >= cpu.NEON:
		return asm.MaxNEON(&x[0], len(x))
	}
	top := float32(math.Inf(-1))
	for _, v := range x {
		top = max(top, v)
	}
	return top
}

// ExpSum sets dst = e^(x − shift) over the length of x and returns its sum.
func ExpSum(dst, x []float32, shift float32) float32 {
	switch {
	case len(x) == 0:
		return 0
	case cpu.Use == cpu.AVX512:
		return asm.ExpSumAVX512(&dst[0], &x[0], shift, len(x))
	case cpu.Use == cpu.AVX2:
		return asm.ExpSumAVX2(&dst[0], &x[0], shift, len(x))
	case cpu.Use >= cpu.NEON:
		return asm.ExpSumNEON(&dst[0], &x[0], shift, len(x))
	}
	var sum float64
	for i, v := range x {
		e := math.Exp(float64(v - shift))
		sum += e
		dst[i] = float32(e)
	}
	return float32(sum)
}

// Sum returns Σ x in float64: reference.Sum in another order.
func Sum(x []float32) float64 {
	whole := len(x) &^ 31
	var sum float64
	switch {
	case whole == 0 || cpu.Use == cpu.Portable:
		whole = 0
	case cpu.Use == cpu.AVX512:
		sum = asm.SumAVX512(&x[0], whole)
	case cpu.Use >= cpu.NEON:
		sum = asm.SumNEON(&x[0], whole)
	default:
		sum = asm.SumAVX2(&x[0], whole)
	}
	return sum + reference.Sum(x[whole:])
}

// SumSquares returns Σ x² in float64: reference.SumSquares in another order.
func SumSquares(x []float32) float64 {
	whole := len(x) &^ 31
	var sum float64
	switch {
	case whole == 0 || cpu.Use == cpu.Portable:
		whole = 0
	case cpu.Use == cpu.AVX512:
		sum = asm.SumSquaresAVX512(&x[0], whole)
	case cpu.Use >= cpu.NEON:
		sum = asm.SumSquaresNEON(&x[0], whole)
	default:
		sum = asm.SumSquaresAVX2(&x[0], whole)
	}
	return sum + reference.SumSquares(x[whole:])
}

// Above returns the index of the first value above bar at or after from, or len(x).
func Above(x []float32, from int, bar float32) int {
	for from < len(x) {
		if whole := (len(x) - from) &^ 63; whole > 0 && cpu.Use != cpu.Portable {
			switch cpu.Use {
			case cpu.AVX512:
				from += asm.FirstAboveAVX512(&x[from], whole, bar)
			case cpu.AVX2:
				from += asm.FirstAboveAVX2(&x[from], whole, bar)
			default:
				from += asm.FirstAboveNEON(&x[from], whole, bar)
			}
		}
		end := min(from+64, len(x))
		for i, v := range x[from:end] {
			if v > bar {
				return from + i
			}
		}
		from = end
	}
	return from
}
