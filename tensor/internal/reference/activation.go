package reference

import "math"

// Map sets dst[i] = f(x[i]), computed in float64.
func Map(dst, x []float32, f func(float64) float64) {
	for i, v := range x {
		dst[i] = float32(f(float64(v)))
	}
}

// Sigmoid is 1/(1+e⁻ˣ).
func Sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// ReLU is max(x, 0).
func ReLU(x float64) float64 { return math.Max(x, 0) }

// GELU is x·Φ(x) with the exact normal distribution function Φ, as in
// PyTorch's default (Hendrycks and Gimpel 2016, §2).
func GELU(x float64) float64 { return x * normal(x) }

// GELUDerivative is d GELU/dx = Φ(x) + x·φ(x).
func GELUDerivative(x float64) float64 {
	return normal(x) + x*math.Exp(-x*x/2)/math.Sqrt(2*math.Pi)
}

func normal(x float64) float64 { return 0.5 * math.Erfc(-x/math.Sqrt2) }

// SiLU is x·sigmoid(x), the gate of SwiGLU.
func SiLU(x float64) float64 { return x * Sigmoid(x) }

// SiLUDerivative is d SiLU/dx.
func SiLUDerivative(x float64) float64 {
	s := Sigmoid(x)
	return s * (1 + x*(1-s))
}

// LogSumExp returns log Σ e^x[i], shifted by the maximum so that it does not overflow.
func LogSumExp(x []float32) float64 {
	top := math.Inf(-1)
	for _, v := range x {
		top = math.Max(top, float64(v))
	}
	if math.IsInf(top, -1) {
		return top
	}
	var sum float64
	for _, v := range x {
		sum += math.Exp(float64(v) - top)
	}
	return top + math.Log(sum)
}

// Softmax sets each row of dst to e^x / Σ e^x; dst and x are [rows, cols].
func Softmax(dst, x []float32, rows, cols int) {
	for r := range rows {
		row := x[r*cols : (r+1)*cols]
		lse := LogSumExp(row)
		for j, v := range row {
			dst[r*cols+j] = float32(math.Exp(float64(v) - lse))
		}
	}
}

// SoftmaxBackward sets dx = y ⊙ (dy − Σ dy⊙y) row by row, y being the softmax.
func SoftmaxBackward(dx, dy, y []float32, rows, cols int) {
	for r := range rows {
		var dot float64
		for i := r * cols; i < (r+1)*cols; i++ {
			dot += float64(dy[i]) * float64(y[i])
		}
		for i := r * cols; i < (r+1)*cols; i++ {
			dx[i] = float32(float64(y[i]) * (float64(dy[i]) - dot))
		}
	}
}
