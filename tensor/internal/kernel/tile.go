package kernel

import "bellwether/tensor/internal/cpu"

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
	if cpu.Use == cpu.AVX512 {
		return 12, 32
	}
	return 4, 4
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
