package kernel

import (
	"bellwether/tensor/internal/asm"
	"bellwether/tensor/internal/cpu"
)

// Tile sets c = a·b (+ bias) for a tile of TileShape or less: the inner loop of
// reference.MatMul and its transposed forms. bias is [cols] or nil.
func (s *Strides) Tile(rows, cols int, a, b, c, bias []float32, flags int) {
	switch cpu.Use {
	case cpu.AVX512:
		s.tileAVX512(rows, cols, a, b, c, bias, flags)
	default:
		s.tileGo(rows, cols, a, b, c, bias, flags)
	}
}

func (s *Strides) tileAVX512(rows, cols int, a, b, c, bias []float32, flags int) {
	var first *float32
	if bias != nil {
		first = &bias[0]
	}
	mask := uint32(1<<cols - 1)
	for i := 0; i < rows; {
		pa, pb, pc := &a[i*s.RowA], &b[0], &c[i*s.RowC]
		switch n := rows - i; {
		case n >= 12 && cols > 16:
			asm.Tile12x32AVX512(s.K, pa, s.RowA, s.StepA, pb, s.StepB, pc, s.RowC, first, mask, flags)
			i += 12
		case n >= 12:
			asm.Tile12x16AVX512(s.K, pa, s.RowA, s.StepA, pb, s.StepB, pc, s.RowC, first, mask, flags)
			i += 12
		case n >= 8 && cols > 16:
			asm.Tile8x32AVX512(s.K, pa, s.RowA, s.StepA, pb, s.StepB, pc, s.RowC, first, mask, flags)
			i += 8
		case n >= 8:
			asm.Tile8x16AVX512(s.K, pa, s.RowA, s.StepA, pb, s.StepB, pc, s.RowC, first, mask, flags)
			i += 8
		case n >= 4 && cols > 16:
			asm.Tile4x32AVX512(s.K, pa, s.RowA, s.StepA, pb, s.StepB, pc, s.RowC, first, mask, flags)
			i += 4
		case n >= 4:
			asm.Tile4x16AVX512(s.K, pa, s.RowA, s.StepA, pb, s.StepB, pc, s.RowC, first, mask, flags)
			i += 4
		case n >= 2 && cols > 16:
			asm.Tile2x32AVX512(s.K, pa, s.RowA, s.StepA, pb, s.StepB, pc, s.RowC, first, mask, flags)
			i += 2
		case n >= 2:
			asm.Tile2x16AVX512(s.K, pa, s.RowA, s.StepA, pb, s.StepB, pc, s.RowC, first, mask, flags)
			i += 2
		case cols > 16:
			asm.Tile1x32AVX512(s.K, pa, s.RowA, s.StepA, pb, s.StepB, pc, s.RowC, first, mask, flags)
			i++
		default:
			asm.Tile1x16AVX512(s.K, pa, s.RowA, s.StepA, pb, s.StepB, pc, s.RowC, first, mask, flags)
			i++
		}
	}
}
