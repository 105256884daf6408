package tensor

import (
	"math"

	"bellwether/tensor/internal/kernel"
	"bellwether/tensor/internal/pool"
)

// Softmax sets each row of dst, [rows, cols], to e^x / Σ e^x. dst may be x.
func Softmax(dst, x []float32, rows, cols int) {
	need("Softmax", "dst", dst, rows*cols)
	need("Softmax", "x", x, rows*cols)
	s := softmaxes.take()
	*s = softmax{dst: dst, x: x, rows: rows, cols: cols}
	s.run()
}

// SoftmaxBackward sets dx = y ⊙ (dy − Σ dy⊙y) for each row of y = Softmax(x). dx may be dy.
func SoftmaxBackward(dx, dy, y []float32, rows, cols int) {
	need("SoftmaxBackward", "dx", dx, rows*cols)
	need("SoftmaxBackward", "dy", dy, rows*cols)
	need("SoftmaxBackward", "y", y, rows*cols)
	s := softmaxes.take()
	*s = softmax{dst: dx, x: dy, y: y, rows: rows, cols: cols}
	s.run()
}

// LogSumExp returns ln Σ e^x[i] without overflow; −Inf for an empty x.
func LogSumExp(x []float32) float32 {
	top := kernel.Max(x)
	if math.IsInf(float64(top), -1) {
		return top
	}
	var sum float64
	var part [256]float32
	for len(x) > 0 {
		n := min(len(x), len(part))
		sum += float64(kernel.ExpSum(part[:], x[:n], top))
		x = x[n:]
	}
	return float32(float64(top) + math.Log(sum))
}

// softmax is one call: its parts are runs of rows. y is nil in the forward pass.
type softmax struct {
	dst, x, y         []float32
	rows, cols, parts int
}

var softmaxes free[softmax]

func (s *softmax) run() {
	s.parts = rowParts(s.rows, s.cols)
	pool.Run(s.parts, s)
	*s = softmax{}
	softmaxes.put(s)
}

// Do works on one part of the rows.
func (s *softmax) Do(part int) {
	for r := s.rows * part / s.parts; r < s.rows*(part+1)/s.parts; r++ {
		dst, x := s.dst[r*s.cols:(r+1)*s.cols], s.x[r*s.cols:(r+1)*s.cols]
		if s.y == nil {
			softmaxRow(dst, x)
			continue
		}
		y := s.y[r*s.cols : (r+1)*s.cols]
		kernel.ShiftMul(dst, x, y, kernel.Dot(x, y))
	}
}

func softmaxRow(dst, x []float32) {
	sum := kernel.ExpSum(dst, x, kernel.Max(x))
	kernel.Scale(1/sum, dst)
}
