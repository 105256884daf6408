//go:build !amd64 || purego

package kernel

// Tile sets c = a·b (+ bias) for a tile of TileShape or less: the inner loop of
// reference.MatMul and its transposed forms. bias is [cols] or nil.
func (s *Strides) Tile(rows, cols int, a, b, c, bias []float32, flags int) {
	s.tileGo(rows, cols, a, b, c, bias, flags)
}
