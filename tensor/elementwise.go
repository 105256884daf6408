package tensor

import (
	"bellwether/tensor/internal/kernel"
	"bellwether/tensor/internal/pool"
)

// Exp sets dst[i] = e^x[i] for each i of x.
func Exp(dst, x []float32) {
	need("Exp", "dst", dst, len(x))
	eachPart(kernel.Exp, nil, dst, x, nil)
}

// Log sets dst[i] = ln x[i].
func Log(dst, x []float32) {
	need("Log", "dst", dst, len(x))
	eachPart(kernel.Log, nil, dst, x, nil)
}

// Tanh sets dst[i] = tanh x[i].
func Tanh(dst, x []float32) {
	need("Tanh", "dst", dst, len(x))
	eachPart(kernel.Tanh, nil, dst, x, nil)
}

// Sigmoid sets dst[i] = 1/(1+e^−x[i]).
func Sigmoid(dst, x []float32) {
	need("Sigmoid", "dst", dst, len(x))
	eachPart(kernel.Sigmoid, nil, dst, x, nil)
}

// ReLU sets dst[i] = max(x[i], 0).
func ReLU(dst, x []float32) {
	need("ReLU", "dst", dst, len(x))
	eachPart(kernel.ReLU, nil, dst, x, nil)
}

// GELU sets dst[i] = x[i]·Φ(x[i]), the exact form (PyTorch's default).
func GELU(dst, x []float32) {
	need("GELU", "dst", dst, len(x))
	eachPart(kernel.GELU, nil, dst, x, nil)
}

// SiLU sets dst[i] = x[i]·sigmoid(x[i]).
func SiLU(dst, x []float32) {
	need("SiLU", "dst", dst, len(x))
	eachPart(kernel.SiLU, nil, dst, x, nil)
}

// ReLUBackward sets dx = dy where y = ReLU(x) is positive, else 0. Either x or y may be given.
func ReLUBackward(dx, dy, y []float32) {
	need("ReLUBackward", "dx", dx, len(dy))
	need("ReLUBackward", "y", y, len(dy))
	eachPart(nil, kernel.ReLUBackward, dx, dy, y)
}

// SigmoidBackward sets dx = dy·y·(1−y) for y = Sigmoid(x).
func SigmoidBackward(dx, dy, y []float32) {
	need("SigmoidBackward", "dx", dx, len(dy))
	need("SigmoidBackward", "y", y, len(dy))
	eachPart(nil, kernel.SigmoidBackward, dx, dy, y)
}

// TanhBackward sets dx = dy·(1−y²) for y = Tanh(x).
func TanhBackward(dx, dy, y []float32) {
	need("TanhBackward", "dx", dx, len(dy))
	need("TanhBackward", "y", y, len(dy))
	eachPart(nil, kernel.TanhBackward, dx, dy, y)
}

// GELUBackward sets dx = dy·GELU′(x); x is GELU's argument.
func GELUBackward(dx, dy, x []float32) {
	need("GELUBackward", "dx", dx, len(dy))
	need("GELUBackward", "x", x, len(dy))
	eachPart(nil, kernel.GELUBackward, dx, dy, x)
}

// SiLUBackward sets dx = dy·SiLU′(x); x is SiLU's argument.
func SiLUBackward(dx, dy, x []float32) {
	need("SiLUBackward", "dx", dx, len(dy))
	need("SiLUBackward", "x", x, len(dy))
	eachPart(nil, kernel.SiLUBackward, dx, dy, x)
}

// elementwise is one call of unary, or of binary, on long slices: its parts are runs of values.
type elementwise struct {
	unary     func(dst, x []float32)
	binary    func(dst, x, y []float32)
	dst, x, y []float32
	parts     int
}

var elementwises free[elementwise]

// eachPart calls unary or binary, whichever is not nil, for parts of the values of x.
func eachPart(unary func(dst, x []float32), binary func(dst, x, y []float32), dst, x, y []float32) {
	parts := rowParts(ceilDiv(len(x), elementUnit), elementUnit)
	e := elementwises.take()
	*e = elementwise{unary: unary, binary: binary, dst: dst, x: x, y: y, parts: parts}
	pool.Run(parts, e)
	*e = elementwise{}
	elementwises.put(e)
}

const elementUnit = 1 << 10 // values; parts begin at multiples of it

// Do works on one part of the values.
func (e *elementwise) Do(part int) {
	from, to := share(len(e.x), elementUnit, part, e.parts)
	if e.unary != nil {
		e.unary(e.dst[from:to], e.x[from:to])
		return
	}
	e.binary(e.dst[from:to], e.x[from:to], e.y[from:to])
}
