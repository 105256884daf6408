package kernel

import (
	"math"

	"bellwether/tensor/internal/asm"
	"bellwether/tensor/internal/cpu"
	"bellwether/tensor/internal/reference"
)

// Log sets dst = ln x over the length of x.
func Log(dst, x []float32) {
	switch {
	case len(x) == 0:
	case cpu.Use == cpu.AVX512:
		asm.LogAVX512(&dst[0], &x[0], len(x))
	case cpu.Use >= cpu.NEON:
		asm.LogNEON(&dst[0], &x[0], len(x))
	default:
		reference.Map(dst, x, math.Log)
	}
}

// Exp sets dst = eˣ over the length of x.
func Exp(dst, x []float32) {
	switch {
	case len(x) == 0:
	case cpu.Use == cpu.AVX512:
		asm.ExpAVX512(&dst[0], &x[0], len(x))
	case cpu.Use == cpu.AVX2:
		asm.ExpAVX2(&dst[0], &x[0], len(x))
	case cpu.Use >= cpu.NEON:
		asm.ExpNEON(&dst[0], &x[0], len(x))
	default:
		reference.Map(dst, x, math.Exp)
	}
}

// Tanh sets dst = tanh x over the length of x.
func Tanh(dst, x []float32) {
	switch {
	case len(x) == 0:
	case cpu.Use == cpu.AVX512:
		asm.TanhAVX512(&dst[0], &x[0], len(x))
	case cpu.Use == cpu.AVX2:
		asm.TanhAVX2(&dst[0], &x[0], len(x))
	case cpu.Use >= cpu.NEON:
		asm.TanhNEON(&dst[0], &x[0], len(x))
	default:
		reference.Map(dst, x, math.Tanh)
	}
}

// Sigmoid sets dst = 1/(1+e⁻ˣ) over the length of x.
func Sigmoid(dst, x []float32) {
	switch {
	case len(x) == 0:
	case cpu.Use == cpu.AVX512:
		asm.SigmoidAVX512(&dst[0], &x[0], len(x))
	case cpu.Use == cpu.AVX2:
		asm.SigmoidAVX2(&dst[0], &x[0], len(x))
	case cpu.Use >= cpu.NEON:
		asm.SigmoidNEON(&dst[0], &x[0], len(x))
	default:
		reference.Map(dst, x, reference.Sigmoid)
	}
}

// GELU sets dst = x·Φ(x) over the length of x.
func GELU(dst, x []float32) {
	switch {
	case len(x) == 0:
	case cpu.Use == cpu.AVX512:
		asm.GELUAVX512(&dst[0], &x[0], len(x))
	case cpu.Use == cpu.AVX2:
		asm.GELUAVX2(&dst[0], &x[0], len(x))
	case cpu.Use >= cpu.NEON:
		asm.GELUNEON(&dst[0], &x[0], len(x))
	default:
		reference.Map(dst, x, reference.GELU)
	}
}

// SiLU sets dst = x/(1+e⁻ˣ) over the length of x.
func SiLU(dst, x []float32) {
	switch {
	case len(x) == 0:
	case cpu.Use == cpu.AVX512:
		asm.SiLUAVX512(&dst[0], &x[0], len(x))
	case cpu.Use == cpu.AVX2:
		asm.SiLUAVX2(&dst[0], &x[0], len(x))
	case cpu.Use >= cpu.NEON:
		asm.SiLUNEON(&dst[0], &x[0], len(x))
	default:
		reference.Map(dst, x, reference.SiLU)
	}
}

// ReLU sets dst = max(x, 0) over the length of x.
func ReLU(dst, x []float32) {
	switch {
	case len(x) == 0:
	case cpu.Use == cpu.AVX512:
		asm.ReLUAVX512(&dst[0], &x[0], len(x))
	case cpu.Use == cpu.AVX2:
		asm.ReLUAVX2(&dst[0], &x[0], len(x))
	case cpu.Use >= cpu.NEON:
		asm.ReLUNEON(&dst[0], &x[0], len(x))
	default:
		reference.Map(dst, x, reference.ReLU)
	}
}
