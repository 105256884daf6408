package kernel

import (
	"bellwether/tensor/internal/asm"
	"bellwether/tensor/internal/cpu"
)

// Flags of Tile.
const (
	TileAdd  = 1 << iota // add to c instead of setting it
	TileReLU             // then take max(c, 0)
)

// Strides places the operands of a tile: a[i,p] is at i·RowA + p·StepA, b[p,j]
// at p·StepB + j, c[i,j] at i·RowC + j. Plain, transposed and packed matrices
// differ in these numbers alone.
type Strides struct{ K, RowA, StepA, StepB, RowC int }

// TileShape is the most rows and columns that Tile takes at the present level.
func TileShape() (rows, cols int) {
	switch cpu.Use {
	case cpu.AVX512:
		return 12, 32
	case cpu.AVX2:
		return 6, 16
	}
	return 4, 4
}

// Tile sets c = a·b (+ bias) for a tile of TileShape or less: the inner loop of
// reference.MatMul and its transposed forms. bias is [cols] or nil.
func (s *Strides) Tile(rows, cols int, a, b, c, bias []float32, flags int) {
	if cpu.Use == cpu.Portable {
		s.tileGo(rows, cols, a, b, c, bias, flags)
		return
	}
	var add *float32
	if bias != nil {
		add = &bias[0]
	}
	switch {
	case cpu.Use == cpu.AVX2 && cols <= 8:
		asm.Tile8AVX2(rows, s.K, &a[0], s.RowA, s.StepA, &b[0], s.StepB, &c[0], s.RowC, add, cols, flags)
	case cpu.Use == cpu.AVX2:
		asm.Tile16AVX2(rows, s.K, &a[0], s.RowA, s.StepA, &b[0], s.StepB, &c[0], s.RowC, add, cols, flags)
	case cols <= 16:
		asm.Tile16AVX512(rows, s.K, &a[0], s.RowA, s.StepA, &b[0], s.StepB, &c[0], s.RowC, add, cols, flags)
	default:
		asm.Tile32AVX512(rows, s.K, &a[0], s.RowA, s.StepA, &b[0], s.StepB, &c[0], s.RowC, add, cols, flags)
	}
}

// tileGo is Tile in Go, for up to four columns.
func (s *Strides) tileGo(rows, cols int, a, b, c, bias []float32, flags int) {
	var sums [4]float32
	for i := range rows {
		row := c[i*s.RowC:][:cols]
		left := a[i*s.RowA:]
		sums = [4]float32{}
		if cols == 4 {
			sums = s.fourSums(left, b)
		} else {
			for j := range row {
				for p := range s.K {
					sums[j] += left[p*s.StepA] * b[p*s.StepB+j]
				}
			}
		}
		for j := range row {
			v := sums[j]
			if bias != nil {
				v += bias[j]
			}
			if flags&TileAdd != 0 {
				v += row[j]
			}
			if flags&TileReLU != 0 {
				v = max(v, 0)
			}
			row[j] = v
		}
	}
}

func (s *Strides) fourSums(a, b []float32) [4]float32 {
	var s0, s1, s2, s3 float32
	for p := range s.K {
		x, y := a[p*s.StepA], b[p*s.StepB:][:4]
		s0 += x * y[0]
		s1 += x * y[1]
		s2 += x * y[2]
		s3 += x * y[3]
	}
	return [4]float32{s0, s1, s2, s3}
}
