package kernel

import (
	"bellwether/tensor/internal/asm"
	"bellwether/tensor/internal/cpu"
	"bellwether/tensor/internal/reference"
)

// LayerNorm is reference.LayerNorm.
func LayerNorm(y, x, gain, bias, mean, rstd []float32, rows, cols int, eps float32) {
	switch {
	case rows == 0 || cols == 0:
	case cpu.Use == cpu.AVX512:
		asm.LayerNormAVX512(&y[0], &x[0], &gain[0], &bias[0], &mean[0], &rstd[0], rows, cols, eps)
	case cpu.Use == cpu.AVX2:
		asm.LayerNormAVX2(&y[0], &x[0], &gain[0], &bias[0], &mean[0], &rstd[0], rows, cols, eps)
	case cpu.Use >= cpu.NEON:
		asm.LayerNormNEON(&y[0], &x[0], &gain[0], &bias[0], &mean[0], &rstd[0], rows, cols, eps)
	default:
		reference.LayerNorm(y, x, gain, bias, mean, rstd, rows, cols, eps)
	}
}

// LayerNormBackward is reference.LayerNormBackward.
func LayerNormBackward(dx, dgain, dbias, dy, x, gain, mean, rstd []float32, rows, cols int) {
	switch {
	case rows == 0 || cols == 0:
	case cpu.Use == cpu.AVX512:
		asm.LayerNormBackwardAVX512(&dx[0], &dgain[0], &dbias[0], &dy[0], &x[0], &gain[0], &mean[0], &rstd[0], rows, cols)
	case cpu.Use == cpu.AVX2:
		asm.LayerNormBackwardAVX2(&dx[0], &dgain[0], &dbias[0], &dy[0], &x[0], &gain[0], &mean[0], &rstd[0], rows, cols)
	case cpu.Use >= cpu.NEON:
		asm.LayerNormBackwardNEON(&dx[0], &dgain[0], &dbias[0], &dy[0], &x[0], &gain[0], &mean[0], &rstd[0], rows, cols)
	default:
		reference.LayerNormBackward(dx, dgain, dbias, dy, x, gain, mean, rstd, rows, cols)
	}
}

// RMSNorm is reference.RMSNorm.
func RMSNorm(y, x, gain, rstd []float32, rows, cols int, eps float32) {
	switch {
	case rows == 0 || cols == 0:
	case cpu.Use == cpu.AVX512:
		asm.RMSNormAVX512(&y[0], &x[0], &gain[0], &rstd[0], rows, cols, eps)
	case cpu.Use == cpu.AVX2:
		asm.RMSNormAVX2(&y[0], &x[0], &gain[0], &rstd[0], rows, cols, eps)
	case cpu.Use >= cpu.NEON:
		asm.RMSNormNEON(&y[0], &x[0], &gain[0], &rstd[0], rows, cols, eps)
	default:
		reference.RMSNorm(y, x, gain, rstd, rows, cols, eps)
	}
}

// RMSNormBackward is reference.RMSNormBackward.
func RMSNormBackward(dx, dgain, dy, x, gain, rstd []float32, rows, cols int) {
	switch {
	case rows == 0 || cols == 0:
	case cpu.Use == cpu.AVX512:
		asm.RMSNormBackwardAVX512(&dx[0], &dgain[0], &dy[0], &x[0], &gain[0], &rstd[0], rows, cols)
	case cpu.Use == cpu.AVX2:
		asm.RMSNormBackwardAVX2(&dx[0], &dgain[0], &dy[0], &x[0], &gain[0], &rstd[0], rows, cols)
	case cpu.Use >= cpu.NEON:
		asm.RMSNormBackwardNEON(&dx[0], &dgain[0], &dy[0], &x[0], &gain[0], &rstd[0], rows, cols)
	default:
		reference.RMSNormBackward(dx, dgain, dy, x, gain, rstd, rows, cols)
	}
}
