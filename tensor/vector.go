package tensor

import (
	"math"

	"bellwether/tensor/internal/kernel"
	"bellwether/tensor/internal/reference"
)

// Dot returns Σ x[i]·y[i] over the length of x.
func Dot(x, y []float32) float32 {
	need("Dot", "y", y, len(x))
	return kernel.Dot(x, y)
}

// DotInt8 returns Σ x[i]·y[i] over the length of x, in 32-bit integers.
func DotInt8(x, y []int8) int32 {
	if len(y) < len(x) {
		panic(shapeError("DotInt8", "y", len(y), len(x)))
	}
	return kernel.DotInt8(x, y)
}

// Axpy adds alpha·x to y, over the length of x.
func Axpy(alpha float32, x, y []float32) {
	need("Axpy", "y", y, len(x))
	kernel.Axpy(alpha, x, y)
}

// Add sets dst = x + y, over the length of x.
func Add(dst, x, y []float32) {
	need("Add", "dst", dst, len(x))
	need("Add", "y", y, len(x))
	if len(x) < lightWork {
		kernel.Add(dst, x, y)
		return
	}
	eachPart(nil, kernel.Add, dst, x, y)
}

// Mul sets dst = x ⊙ y, over the length of x.
func Mul(dst, x, y []float32) {
	need("Mul", "dst", dst, len(x))
	need("Mul", "y", y, len(x))
	if len(x) < lightWork {
		kernel.Mul(dst, x, y)
		return
	}
	eachPart(nil, kernel.Mul, dst, x, y)
}

// Scale multiplies x by alpha in place.
func Scale(alpha float32, x []float32) { kernel.Scale(alpha, x) }

// Sum returns Σ x[i], added in float64 in a fixed order.
func Sum(x []float32) float64 { return kernel.Sum(x) }

// SumSquares returns Σ x[i]², added in float64 in a fixed order.
func SumSquares(x []float32) float64 { return kernel.SumSquares(x) }

// CheckFinite returns the index of the first NaN or infinity in x, or −1.
func CheckFinite(x []float32) int {
	const step = 4096
	for i := 0; i < len(x); i += step {
		part := x[i:min(i+step, len(x))]
		// Squares of float32 do not overflow in float64, so the sum is finite if they are.
		if sum := kernel.SumSquares(part); math.IsNaN(sum) || math.IsInf(sum, 0) {
			return i + reference.FirstNonFinite(part)
		}
	}
	return -1
}
