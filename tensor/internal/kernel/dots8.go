package kernel

import (
	"bellwether/tensor/internal/asm"
	"bellwether/tensor/internal/cpu"
)

// RowDotsInt8 sets dst[r] = scale·scales[r]·Σ x·b[r] for the rows of b, [rows,
// cols]: reference.DotInt8 of each row.
func RowDotsInt8(dst []float32, x, b []int8, scales []float32, scale float32, rows, cols int) {
	whole := rows &^ 3
	switch {
	case whole == 0 || cols == 0 || cols%32 != 0 || cpu.Use == cpu.Portable:
		whole = 0
	case cpu.Use == cpu.AVX512:
		asm.RowDotsInt8AVX512(&dst[0], &x[0], &b[0], &scales[0], scale, whole, cols)
	case cpu.Use == cpu.NEONDot:
		asm.RowDotsInt8Dot(&dst[0], &x[0], &b[0], &scales[0], scale, whole, cols)
	case cpu.Use == cpu.NEON:
		asm.RowDotsInt8NEON(&dst[0], &x[0], &b[0], &scales[0], scale, whole, cols)
	default:
		asm.RowDotsInt8AVX2(&dst[0], &x[0], &b[0], &scales[0], scale, whole, cols)
	}
	for r := whole; r < rows; r++ {
		dst[r] = float32(DotInt8(x[:cols], b[r*cols:(r+1)*cols])) * scale * scales[r]
	}
}
