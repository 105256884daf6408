package sequence

import "math"

// bucketStart is the number of seconds from which a wait is in a bucket; bucket 0 begins at 0.
func bucketStart(j int) float64 {
	if j == 0 {
		return 0
	}
	return math.Exp2(float64(j - 1))
}

// Within is the probability that a wait of which so many seconds have gone ends within so many more.
func (f *Forecast) Within(gone, seconds float64) float64 {
	before, after := f.hazard(gone), f.hazard(gone+seconds)
	if math.IsInf(before, 1) {
		return 1
	}
	return -math.Expm1(before - after)
}

// hazard is the hazard until a time: minus the logarithm of the probability that the wait is longer. It passes through its values at the
// ends of the buckets, and between them is a monotone cubic of the logarithm of time (Fritsch and Carlson 1980): hazards fall smoothly where
// some people never come back.
func (f *Forecast) hazard(seconds float64) float64 {
	if seconds <= 0 {
		return 0
	}
	at := make([]float64, len(f.Waits)+1) // at[j]: until bucket j begins
	left := 1.0
	for j, p := range f.Waits {
		if left -= p; left <= 1e-12 {
			left = 0
		}
		at[j+1] = -math.Log(left)
	}
	if seconds < 1 {
		return at[1] * seconds
	}
	place := math.Log2(seconds) + 1
	j := int(place)
	if j >= len(f.Waits) {
		return at[len(f.Waits)]
	}
	return hermite(at, j, place-float64(j))
}

// hermite is the monotone cubic between places j and j+1 of values a place apart.
func hermite(y []float64, j int, u float64) float64 {
	if u == 0 {
		return y[j]
	}
	if math.IsInf(y[j+1], 1) {
		return math.Inf(1)
	}
	slope := func(k int) float64 { // the harmonic mean of the secants beside k
		if k == 0 || k+1 >= len(y) || math.IsInf(y[k+1], 1) {
			return 0
		}
		a, b := y[k]-y[k-1], y[k+1]-y[k]
		if a <= 0 || b <= 0 {
			return 0
		}
		return 2 * a * b / (a + b)
	}
	v := 1 - u
	return (1+2*u)*v*v*y[j] + u*v*v*slope(j) + u*u*(3-2*u)*y[j+1] - u*u*v*slope(j+1)
}
