package tensor

import (
	"bellwether/tensor/internal/kernel"
	"bellwether/tensor/internal/pool"
)

// AddRows adds each row of x, [rows, cols], to sum, [cols]: the gradient of a bias.
func AddRows(sum, x []float32, rows, cols int) {
	need("AddRows", "sum", sum, cols)
	need("AddRows", "x", x, rows*cols)
	s := rowSums.take()
	s.x, s.rows, s.cols, s.parts = x, rows, cols, rowParts(rows, cols)
	s.partials = grow(s.partials, s.parts*cols)
	pool.Run(s.parts, s)
	for part := range s.parts {
		kernel.Add(sum[:cols], sum, s.partials[part*cols:])
	}
	s.x = nil
	rowSums.put(s)
}

// sumRows is one call of AddRows: its parts are runs of rows, whose sums are added in order.
type sumRows struct {
	x                 []float32
	rows, cols, parts int
	partials          []float32 // [parts, cols]; kept
}

var rowSums free[sumRows]

// Do sums one part of the rows: their product with a row of ones, which is a single one.
func (s *sumRows) Do(part int) {
	first, end := s.rows*part/s.parts, s.rows*(part+1)/s.parts
	sums := s.partials[part*s.cols : (part+1)*s.cols]
	if first == end {
		clear(sums)
		return
	}
	l := kernel.Strides{K: end - first, StepB: s.cols, RowC: s.cols}
	_, width := kernel.TileShape()
	for j := 0; j < s.cols; j += width {
		l.Tile(1, min(width, s.cols-j), ones[:], s.x[first*s.cols+j:], sums[j:], nil, 0)
	}
}

var ones = [1]float32{1}
