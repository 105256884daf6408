package tensor

import (
	"math"

	"bellwether/tensor/internal/kernel"
)

// ScanRows sets dst[r] = Σ x·table[r] for the rows of table, [rows, cols]: the
// scores of all items for one person. It is MatMulTB of one row that never
// forks, for servers whose processors have other requests to answer.
func ScanRows(dst, x, table []float32, rows, cols int) {
	need("ScanRows", "dst", dst, rows)
	need("ScanRows", "x", x, cols)
	need("ScanRows", "table", table, rows*cols)
	kernel.RowDots(dst, x, table, rows, cols)
}

// Bytes is a matrix in 8 bits a value: value [r, c] is about Scales[r] times
// Values[r·Stride + c], off by half of Scales[r] at most. It takes a quarter of
// the memory of float32 and of the time to scan it.
type Bytes struct {
	Rows, Cols int
	Stride     int       // Cols rounded up to whole vectors; what is between is 0
	Values     []int8    // [rows, stride]
	Scales     []float32 // [rows], the largest size of a value in the row by 127
}

// ToBytes rounds x, [rows, cols], to bytes in the memory of b if that is enough;
// b may be nil.
func ToBytes(b *Bytes, x []float32, rows, cols int) *Bytes {
	need("ToBytes", "x", x, rows*cols)
	if b == nil {
		b = new(Bytes)
	}
	const vector = 32
	b.Rows, b.Cols, b.Stride = rows, cols, ceilDiv(cols, vector)*vector
	b.Values, b.Scales = grow(b.Values, rows*b.Stride), grow(b.Scales, rows)
	for r := range rows {
		b.Scales[r] = roundRow(b.Values[r*b.Stride:(r+1)*b.Stride], x[r*cols:(r+1)*cols])
	}
	return b
}

// roundRow sets dst to x by the scale that it returns, and the rest of dst to 0.
func roundRow(dst []int8, x []float32) float32 {
	var size float32
	for _, v := range x {
		size = max(size, v, -v)
	}
	clear(dst)
	if size == 0 {
		return 0
	}
	unit := 127 / float64(size)
	for i, v := range x {
		dst[i] = int8(math.RoundToEven(float64(v) * unit))
	}
	return size / 127
}

// ScanBytes is ScanRows over a table in bytes, x being one row in bytes: sums of
// products are exact, and then scaled.
func ScanBytes(dst []float32, x, table *Bytes) {
	need("ScanBytes", "dst", dst, table.Rows)
	if x.Rows != 1 || x.Cols != table.Cols {
		panic("tensor: ScanBytes: x must be one row as long as those of the table")
	}
	kernel.RowDotsInt8(dst, x.Values, table.Values, table.Scales, x.Scales[0], table.Rows, table.Stride)
}
