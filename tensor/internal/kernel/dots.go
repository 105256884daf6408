package kernel

import (
	"bellwether/tensor/internal/asm"
	"bellwether/tensor/internal/cpu"
)

// RowDots sets dst[r] = Σ x·b[r] for the rows of b, [rows, cols]: reference.MatMulTB of one row.
func RowDots(dst, x, b []float32, rows, cols int) {
	whole := rows &^ 3
	switch {
	case whole == 0 || cols == 0 || cpu.Use == cpu.Portable:
		whole = 0
	case cpu.Use == cpu.AVX512:
		asm.RowDotsAVX512(&dst[0], &x[0], &b[0], whole, cols)
	case cpu.Use >= cpu.NEON:
		asm.RowDotsNEON(&dst[0], &x[0], &b[0], whole, cols)
	default:
		asm.RowDotsAVX2(&dst[0], &x[0], &b[0], whole, cols)
	}
	for r := whole; r < rows; r++ {
		dst[r] = Dot(x[:cols], b[r*cols:(r+1)*cols])
	}
}
