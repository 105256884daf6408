package tensor

import (
	"math"

	"bellwether/tensor/internal/reference"
)

// Exp sets dst[i] = e^x[i] for each i of x.
func Exp(dst, x []float32) { apply("Exp", dst, x, math.Exp) }

// Log sets dst[i] = ln x[i].
func Log(dst, x []float32) { apply("Log", dst, x, math.Log) }

// Tanh sets dst[i] = tanh x[i].
func Tanh(dst, x []float32) { apply("Tanh", dst, x, math.Tanh) }

// Sigmoid sets dst[i] = 1/(1+e^−x[i]).
func Sigmoid(dst, x []float32) { apply("Sigmoid", dst, x, reference.Sigmoid) }

// ReLU sets dst[i] = max(x[i], 0).
func ReLU(dst, x []float32) { apply("ReLU", dst, x, reference.ReLU) }

// GELU sets dst[i] = x[i]·Φ(x[i]), the exact form (PyTorch's default).
func GELU(dst, x []float32) { apply("GELU", dst, x, reference.GELU) }

// SiLU sets dst[i] = x[i]·sigmoid(x[i]).
func SiLU(dst, x []float32) { apply("SiLU", dst, x, reference.SiLU) }

// ReLUBackward sets dx = dy where y = ReLU(x) is positive, else 0. Either x or y may be given.
func ReLUBackward(dx, dy, y []float32) {
	need("ReLUBackward", "dx", dx, len(dy))
	need("ReLUBackward", "y", y, len(dy))
	for i, g := range dy {
		if y[i] > 0 {
			dx[i] = g
		} else {
			dx[i] = 0
		}
	}
}

// SigmoidBackward sets dx = dy·y·(1−y) for y = Sigmoid(x).
func SigmoidBackward(dx, dy, y []float32) {
	need("SigmoidBackward", "dx", dx, len(dy))
	need("SigmoidBackward", "y", y, len(dy))
	for i, g := range dy {
		dx[i] = g * y[i] * (1 - y[i])
	}
}

// TanhBackward sets dx = dy·(1−y²) for y = Tanh(x).
func TanhBackward(dx, dy, y []float32) {
	need("TanhBackward", "dx", dx, len(dy))
	need("TanhBackward", "y", y, len(dy))
	for i, g := range dy {
		dx[i] = g * (1 - y[i]*y[i])
	}
}

// GELUBackward sets dx = dy·GELU′(x); x is GELU's argument.
func GELUBackward(dx, dy, x []float32) { chain("GELUBackward", dx, dy, x, reference.GELUDerivative) }

// SiLUBackward sets dx = dy·SiLU′(x); x is SiLU's argument.
func SiLUBackward(dx, dy, x []float32) { chain("SiLUBackward", dx, dy, x, reference.SiLUDerivative) }

func apply(kernel string, dst, x []float32, f func(float64) float64) {
	need(kernel, "dst", dst, len(x))
	reference.Map(dst, x, f)
}

func chain(kernel string, dx, dy, x []float32, derivative func(float64) float64) {
	need(kernel, "dx", dx, len(dy))
	need(kernel, "x", x, len(dy))
	for i, g := range dy {
		dx[i] = g * float32(derivative(float64(x[i])))
	}
}
