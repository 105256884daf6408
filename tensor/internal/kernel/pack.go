package kernel

// PackRows copies cols values of each of the k rows of b, which are stride
// apart, to rows of width values; the values after them become zero.
func PackRows(dst, b []float32, k, cols, stride, width int) {
	for p := range k {
		row := dst[p*width:][:width]
		clear(row[copy(row, b[p*stride:][:cols]):])
	}
}

// PackColumns is PackRows of the transpose: b has cols rows of k values, stride apart.
func PackColumns(dst, b []float32, k, cols, stride, width int) {
	for j := range cols {
		for p, v := range b[j*stride:][:k] {
			dst[p*width+j] = v
		}
	}
	for p := range k {
		clear(dst[p*width+cols:][:width-cols])
	}
}
