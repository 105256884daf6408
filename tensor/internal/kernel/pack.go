package kernel

import (
	"bellwether/tensor/internal/asm"
	"bellwether/tensor/internal/cpu"
)

// PackRows copies cols values of each of the k rows of b, which are stride
// apart, to rows of width values, cols at least and the width of a tile at most;
// the values after cols become zero. dst has room for 16 values behind them.
func PackRows(dst, b []float32, k, cols, stride, width int) {
	switch {
	case k == 0 || cols == 0:
	case cpu.Use == cpu.AVX512:
		asm.PackRowsAVX512(&dst[0], &b[0], k, cols, stride, width)
	case cpu.Use == cpu.AVX2:
		asm.PackRowsAVX2(&dst[0], &b[0], k, cols, stride, width)
	case cpu.Use >= cpu.NEON:
		asm.PackRowsNEON(&dst[0], &b[0], k, cols, stride, width)
	default:
		for p := range k {
			row := dst[p*width:][:width]
			clear(row[copy(row, b[p*stride:][:cols]):])
		}
	}
}

// PackColumns is PackRows of the transpose: b has cols rows of k values, stride apart.
func PackColumns(dst, b []float32, k, cols, stride, width int) {
	if k == 0 {
		return
	}
	lanes := 4
	switch cpu.Use {
	case cpu.AVX512:
		lanes = 16
	case cpu.AVX2:
		lanes = 8
	}
	j := 0
	for ; cpu.Use != cpu.Portable && j < cols && j+lanes <= width; j += lanes {
		rows := min(lanes, cols-j)
		switch cpu.Use {
		case cpu.AVX512:
			asm.TransposeAVX512(&dst[j], &b[j*stride], k, rows, stride, width)
		case cpu.AVX2:
			asm.TransposeAVX2(&dst[j], &b[j*stride], k, rows, stride, width)
		default:
			asm.TransposeNEON(&dst[j], &b[j*stride], k, rows, stride, width)
		}
	}
	for ; j < cols; j++ {
		for p, v := range b[j*stride:][:k] {
			dst[p*width+j] = v
		}
	}
	for p := 0; p < k && j < width; p++ {
		clear(dst[p*width+j:][:width-j])
	}
}
