package tensor

import "bellwether/tensor/internal/reference"

// Softmax sets each row of dst, [rows, cols], to e^x / Σ e^x. dst may be x.
func Softmax(dst, x []float32, rows, cols int) {
	need("Softmax", "dst", dst, rows*cols)
	need("Softmax", "x", x, rows*cols)
	reference.Softmax(dst, x, rows, cols)
}

// SoftmaxCausal is Softmax over columns 0…r of row r of a square matrix
// [n, n]; the columns after r become zero. dst may be x.
func SoftmaxCausal(dst, x []float32, n int) {
	need("SoftmaxCausal", "dst", dst, n*n)
	need("SoftmaxCausal", "x", x, n*n)
	reference.SoftmaxCausal(dst, x, n)
}

// SoftmaxBackward sets dx = y ⊙ (dy − Σ dy⊙y) for each row of y = Softmax(x). dx may be dy.
func SoftmaxBackward(dx, dy, y []float32, rows, cols int) {
	need("SoftmaxBackward", "dx", dx, rows*cols)
	need("SoftmaxBackward", "dy", dy, rows*cols)
	need("SoftmaxBackward", "y", y, rows*cols)
	reference.SoftmaxBackward(dx, dy, y, rows, cols)
}

// LogSumExp returns ln Σ e^x[i] without overflow; −Inf for an empty x.
func LogSumExp(x []float32) float32 { return float32(reference.LogSumExp(x)) }
