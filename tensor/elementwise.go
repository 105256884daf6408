package tensor

import "bellwether/tensor/internal/kernel"

// Exp sets dst[i] = e^x[i] for each i of x.
func Exp(dst, x []float32) {
	need("Exp", "dst", dst, len(x))
	kernel.Exp(dst, x)
}

// Log sets dst[i] = ln x[i].
func Log(dst, x []float32) {
	need("Log", "dst", dst, len(x))
	kernel.Log(dst, x)
}

// Tanh sets dst[i] = tanh x[i].
func Tanh(dst, x []float32) {
	need("Tanh", "dst", dst, len(x))
	kernel.Tanh(dst, x)
}

// Sigmoid sets dst[i] = 1/(1+e^−x[i]).
func Sigmoid(dst, x []float32) {
	need("Sigmoid", "dst", dst, len(x))
	kernel.Sigmoid(dst, x)
}

// ReLU sets dst[i] = max(x[i], 0).
func ReLU(dst, x []float32) {
	need("ReLU", "dst", dst, len(x))
	kernel.ReLU(dst, x)
}

// GELU sets dst[i] = x[i]·Φ(x[i]), the exact form (PyTorch's default).
func GELU(dst, x []float32) {
	need("GELU", "dst", dst, len(x))
	kernel.GELU(dst, x)
}

// SiLU sets dst[i] = x[i]·sigmoid(x[i]).
func SiLU(dst, x []float32) {
	need("SiLU", "dst", dst, len(x))
	kernel.SiLU(dst, x)
}

// ReLUBackward sets dx = dy where y = ReLU(x) is positive, else 0. Either x or y may be given.
func ReLUBackward(dx, dy, y []float32) {
	need("ReLUBackward", "dx", dx, len(dy))
	need("ReLUBackward", "y", y, len(dy))
	kernel.ReLUBackward(dx, dy, y)
}

// SigmoidBackward sets dx = dy·y·(1−y) for y = Sigmoid(x).
func SigmoidBackward(dx, dy, y []float32) {
	need("SigmoidBackward", "dx", dx, len(dy))
	need("SigmoidBackward", "y", y, len(dy))
	kernel.SigmoidBackward(dx, dy, y)
}

// TanhBackward sets dx = dy·(1−y²) for y = Tanh(x).
func TanhBackward(dx, dy, y []float32) {
	need("TanhBackward", "dx", dx, len(dy))
	need("TanhBackward", "y", y, len(dy))
	kernel.TanhBackward(dx, dy, y)
}

// GELUBackward sets dx = dy·GELU′(x); x is GELU's argument.
func GELUBackward(dx, dy, x []float32) {
	need("GELUBackward", "dx", dx, len(dy))
	need("GELUBackward", "x", x, len(dy))
	kernel.GELUBackward(dx, dy, x)
}

// SiLUBackward sets dx = dy·SiLU′(x); x is SiLU's argument.
func SiLUBackward(dx, dy, x []float32) {
	need("SiLUBackward", "dx", dx, len(dy))
	need("SiLUBackward", "x", x, len(dy))
	kernel.SiLUBackward(dx, dy, x)
}
