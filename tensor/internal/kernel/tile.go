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
	case cpu.AVX2, cpu.NEON, cpu.NEONDot:
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
	case cpu.Use >= cpu.NEON:
		asm.TileNEON(rows, s.K, &a[0], s.RowA, s.StepA, &b[0], s.StepB, &c[0], s.RowC, add, cols, flags)
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

// tileGo is Tile in Go: two rows by four columns at a time, or a value.
func (s *Strides) tileGo(rows, cols int, a, b, c, bias []float32, flags int) {
	i := 0
	for ; cols == 4 && i+2 <= rows; i += 2 {
		x, y := s.twoByFour(a[i*s.RowA:], a[(i+1)*s.RowA:], b)
		finish(c[i*s.RowC:][:cols], x[:], bias, flags)
		finish(c[(i+1)*s.RowC:][:cols], y[:], bias, flags)
	}
	for ; i < rows; i++ {
		var sums [4]float32
		left := a[i*s.RowA:]
		for j := range cols {
			for p := range s.K {
				sums[j] += left[p*s.StepA] * b[p*s.StepB+j]
			}
		}
		finish(c[i*s.RowC:][:cols], sums[:], bias, flags)
	}
}

func (s *Strides) twoByFour(a0, a1, b []float32) (sums0, sums1 [4]float32) {
	var x0, x1, x2, x3, y0, y1, y2, y3 float32
	atA, atB, stepA, stepB := 0, 0, s.StepA, s.StepB
	for range s.K {
		x, y, r := a0[atA], a1[atA], (*[4]float32)(b[atB:])
		x0 += x * r[0]
		y0 += y * r[0]
		x1 += x * r[1]
		y1 += y * r[1]
		x2 += x * r[2]
		y2 += y * r[2]
		x3 += x * r[3]
		y3 += y * r[3]
		atA += stepA
		atB += stepB
	}
	return [4]float32{x0, x1, x2, x3}, [4]float32{y0, y1, y2, y3}
}

func finish(c, sums, bias []float32, flags int) {
	for j := range c {
		v := sums[j]
		if bias != nil {
			v += bias[j]
		}
		if flags&TileAdd != 0 {
			v += c[j]
		}
		if flags&TileReLU != 0 {
			v = max(v, 0)
		}
		c[j] = v
	}
}
