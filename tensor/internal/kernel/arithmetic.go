package kernel

import (
	"bellwether/tensor/internal/asm"
	"bellwether/tensor/internal/cpu"
	"bellwether/tensor/internal/reference"
)

// Add sets dst = x + y over the length of x.
func Add(dst, x, y []float32) {
	switch {
	case len(x) == 0:
	case cpu.Use == cpu.AVX512:
		asm.AddAVX512(&dst[0], &x[0], &y[0], len(x))
	case cpu.Use == cpu.AVX2:
		asm.AddAVX2(&dst[0], &x[0], &y[0], len(x))
	case cpu.Use >= cpu.NEON:
		asm.AddNEON(&dst[0], &x[0], &y[0], len(x))
	default:
		for i := range x {
			dst[i] = x[i] + y[i]
		}
	}
}

// Mul sets dst = x ⊙ y over the length of x.
func Mul(dst, x, y []float32) {
	switch {
	case len(x) == 0:
	case cpu.Use == cpu.AVX512:
		asm.MulAVX512(&dst[0], &x[0], &y[0], len(x))
	case cpu.Use == cpu.AVX2:
		asm.MulAVX2(&dst[0], &x[0], &y[0], len(x))
	case cpu.Use >= cpu.NEON:
		asm.MulNEON(&dst[0], &x[0], &y[0], len(x))
	default:
		for i := range x {
			dst[i] = x[i] * y[i]
		}
	}
}

// ReLUBackward sets dx = dy where y > 0, else 0.
func ReLUBackward(dx, dy, y []float32) {
	switch {
	case len(dy) == 0:
	case cpu.Use == cpu.AVX512:
		asm.ReLUBackwardAVX512(&dx[0], &dy[0], &y[0], len(dy))
	case cpu.Use == cpu.AVX2:
		asm.ReLUBackwardAVX2(&dx[0], &dy[0], &y[0], len(dy))
	case cpu.Use >= cpu.NEON:
		asm.ReLUBackwardNEON(&dx[0], &dy[0], &y[0], len(dy))
	default:
		for i := range dy {
			if y[i] > 0 {
				dx[i] = dy[i]
			} else {
				dx[i] = 0
			}
		}
	}
}

// SigmoidBackward sets dx = dy·y·(1−y).
func SigmoidBackward(dx, dy, y []float32) {
	switch {
	case len(dy) == 0:
	case cpu.Use == cpu.AVX512:
		asm.SigmoidBackwardAVX512(&dx[0], &dy[0], &y[0], len(dy))
	case cpu.Use == cpu.AVX2:
		asm.SigmoidBackwardAVX2(&dx[0], &dy[0], &y[0], len(dy))
	case cpu.Use >= cpu.NEON:
		asm.SigmoidBackwardNEON(&dx[0], &dy[0], &y[0], len(dy))
	default:
		for i := range dy {
			dx[i] = dy[i] * y[i] * (1 - y[i])
		}
	}
}

// TanhBackward sets dx = dy·(1−y²).
func TanhBackward(dx, dy, y []float32) {
	switch {
	case len(dy) == 0:
	case cpu.Use == cpu.AVX512:
		asm.TanhBackwardAVX512(&dx[0], &dy[0], &y[0], len(dy))
	case cpu.Use == cpu.AVX2:
		asm.TanhBackwardAVX2(&dx[0], &dy[0], &y[0], len(dy))
	case cpu.Use >= cpu.NEON:
		asm.TanhBackwardNEON(&dx[0], &dy[0], &y[0], len(dy))
	default:
		for i := range dy {
			dx[i] = dy[i] * (1 - y[i]*y[i])
		}
	}
}

// GELUBackward sets dx = dy·GELU′(x).
func GELUBackward(dx, dy, x []float32) {
	switch {
	case len(dy) == 0:
	case cpu.Use == cpu.AVX512:
		asm.GELUBackwardAVX512(&dx[0], &dy[0], &x[0], len(dy))
	case cpu.Use == cpu.AVX2:
		asm.GELUBackwardAVX2(&dx[0], &dy[0], &x[0], len(dy))
	case cpu.Use >= cpu.NEON:
		asm.GELUBackwardNEON(&dx[0], &dy[0], &x[0], len(dy))
	default:
		for i := range dy {
			dx[i] = dy[i] * float32(reference.GELUDerivative(float64(x[i])))
		}
	}
}

// SiLUBackward sets dx = dy·SiLU′(x).
func SiLUBackward(dx, dy, x []float32) {
	switch {
	case len(dy) == 0:
	case cpu.Use == cpu.AVX512:
		asm.SiLUBackwardAVX512(&dx[0], &dy[0], &x[0], len(dy))
	case cpu.Use == cpu.AVX2:
		asm.SiLUBackwardAVX2(&dx[0], &dy[0], &x[0], len(dy))
	case cpu.Use >= cpu.NEON:
		asm.SiLUBackwardNEON(&dx[0], &dy[0], &x[0], len(dy))
	default:
		for i := range dy {
			dx[i] = dy[i] * float32(reference.SiLUDerivative(float64(x[i])))
		}
	}
}

// Axpy adds alpha·x to y over the length of x.
func Axpy(alpha float32, x, y []float32) {
	switch {
	case len(x) == 0:
	case cpu.Use == cpu.AVX512:
		asm.AxpyAVX512(alpha, &x[0], &y[0], len(x))
	case cpu.Use == cpu.AVX2:
		asm.AxpyAVX2(alpha, &x[0], &y[0], len(x))
	case cpu.Use >= cpu.NEON:
		asm.AxpyNEON(alpha, &x[0], &y[0], len(x))
	default:
		for i, v := range x {
			y[i] += alpha * v
		}
	}
}

// Scale multiplies x by alpha.
func Scale(alpha float32, x []float32) {
	switch {
	case len(x) == 0:
	case cpu.Use == cpu.AVX512:
		asm.ScaleAVX512(alpha, &x[0], len(x))
	case cpu.Use == cpu.AVX2:
		asm.ScaleAVX2(alpha, &x[0], len(x))
	case cpu.Use >= cpu.NEON:
		asm.ScaleNEON(alpha, &x[0], len(x))
	default:
		for i := range x {
			x[i] *= alpha
		}
	}
}

// ShiftMul sets dst = y·(x − shift) over the length of x.
func ShiftMul(dst, x, y []float32, shift float32) {
	switch {
	case len(x) == 0:
	case cpu.Use == cpu.AVX512:
		asm.ShiftMulAVX512(&dst[0], &x[0], &y[0], shift, len(x))
	case cpu.Use == cpu.AVX2:
		asm.ShiftMulAVX2(&dst[0], &x[0], &y[0], shift, len(x))
	case cpu.Use >= cpu.NEON:
		asm.ShiftMulNEON(&dst[0], &x[0], &y[0], shift, len(x))
	default:
		for i := range x {
			dst[i] = y[i] * (x[i] - shift)
		}
	}
}
