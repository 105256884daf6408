// Package reference holds the plain form of every kernel of package tensor: a
// few lines each, one loop for each index of the formula, sums in float64. It
// is what the fast paths are tested against and the first thing to read.
package reference

import "math"

// MatMul sets c = a·b; c is [m, n], a is [m, k], b is [k, n], all row-major.
func MatMul(c, a, b []float32, m, n, k int) {
	for i := range m {
		for j := range n {
			var sum float64
			for p := range k {
				sum += float64(a[i*k+p]) * float64(b[p*n+j])
			}
			c[i*n+j] = float32(sum)
		}
	}
}

// MatMulTB sets c = a·bᵀ; c is [m, n], a is [m, k], b is [n, k].
func MatMulTB(c, a, b []float32, m, n, k int) {
	for i := range m {
		for j := range n {
			var sum float64
			for p := range k {
				sum += float64(a[i*k+p]) * float64(b[j*k+p])
			}
			c[i*n+j] = float32(sum)
		}
	}
}

// MatMulTA sets c = aᵀ·b; c is [m, n], a is [k, m], b is [k, n].
func MatMulTA(c, a, b []float32, m, n, k int) {
	for i := range m {
		for j := range n {
			var sum float64
			for p := range k {
				sum += float64(a[p*m+i]) * float64(b[p*n+j])
			}
			c[i*n+j] = float32(sum)
		}
	}
}

// Dot returns Σ x[i]·y[i].
func Dot(x, y []float32) float32 {
	var sum float64
	for i := range x {
		sum += float64(x[i]) * float64(y[i])
	}
	return float32(sum)
}

// DotInt8 returns Σ x[i]·y[i] in 32-bit integers.
func DotInt8(x, y []int8) int32 {
	var sum int32
	for i := range x {
		sum += int32(x[i]) * int32(y[i])
	}
	return sum
}

// Sum returns Σ x[i].
func Sum(x []float32) float64 {
	var sum float64
	for _, v := range x {
		sum += float64(v)
	}
	return sum
}

// SumSquares returns Σ x[i]².
func SumSquares(x []float32) float64 {
	var sum float64
	for _, v := range x {
		sum += float64(v) * float64(v)
	}
	return sum
}

// FirstNonFinite returns the index of the first NaN or infinity in x, or -1.
func FirstNonFinite(x []float32) int {
	for i, v := range x {
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			return i
		}
	}
	return -1
}
