package kernel

import (
	"math"

	"bellwether/tensor/internal/asm"
	"bellwether/tensor/internal/cpu"
)

// The kernels here work on scores stored transposed, a query or token a column:
// s is [rows, cols] with its rows stride apart. cols is a multiple of 16 and
// rows is positive.

// ColumnsMax raises top[j] to the largest s[i,j] of its column.
func ColumnsMax(top, s []float32, rows, stride, cols int) {
	switch cpu.Use {
	case cpu.AVX512:
		asm.ColumnsMaxAVX512(&top[0], &s[0], rows, stride, cols)
	case cpu.AVX2:
		asm.ColumnsMaxAVX2(&top[0], &s[0], rows, stride, cols)
	case cpu.NEON, cpu.NEONDot:
		asm.ColumnsMaxNEON(&top[0], &s[0], rows, stride, cols)
	default:
		for i := range rows {
			for j, v := range s[i*stride:][:cols] {
				top[j] = max(top[j], v)
			}
		}
	}
}

// ColumnsExp sets s[i,j] and copy[i,j], whose rows are copyStride apart, to
// e^(scale·s[i,j] − shift[j]) and adds it to sum[j]: the heart of
// reference.Softmax. copy may be s.
func ColumnsExp(s, shift, sum, copy []float32, rows, stride, cols, copyStride int, scale float32) {
	switch cpu.Use {
	case cpu.AVX512:
		asm.ColumnsExpAVX512(&s[0], &shift[0], &sum[0], &copy[0], rows, stride, cols, copyStride, scale)
	case cpu.AVX2:
		asm.ColumnsExpAVX2(&s[0], &shift[0], &sum[0], &copy[0], rows, stride, cols, copyStride, scale)
	case cpu.NEON, cpu.NEONDot:
		asm.ColumnsExpNEON(&s[0], &shift[0], &sum[0], &copy[0], rows, stride, cols, copyStride, scale)
	default:
		for i := range rows {
			row := s[i*stride:][:cols]
			for j, v := range row {
				row[j] = float32(math.Exp(float64(scale*v - shift[j])))
				copy[i*copyStride+j] = row[j]
				sum[j] += row[j]
			}
		}
	}
}

// ColumnsGradient sets d[i,j] = scale·p[i,j]·(d[i,j] − dot[j]):
// reference.SoftmaxBackward down the columns. p has the stride of d.
func ColumnsGradient(d, p, dot []float32, rows, stride, cols int, scale float32) {
	switch cpu.Use {
	case cpu.AVX512:
		asm.ColumnsGradientAVX512(&d[0], &p[0], &dot[0], rows, stride, cols, scale)
	case cpu.AVX2:
		asm.ColumnsGradientAVX2(&d[0], &p[0], &dot[0], rows, stride, cols, scale)
	case cpu.NEON, cpu.NEONDot:
		asm.ColumnsGradientNEON(&d[0], &p[0], &dot[0], rows, stride, cols, scale)
	default:
		for i := range rows {
			row := d[i*stride:][:cols]
			for j, v := range row {
				row[j] = scale * p[i*stride+j] * (v - dot[j])
			}
		}
	}
}
