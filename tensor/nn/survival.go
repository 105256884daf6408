package nn

import "math"

// Hazard returns scale·Σ of the negative log likelihood of discrete waiting
// times. x is [rows, buckets]: σ(x[r][j]) is the probability that what has not
// happened before bucket j happens in it. waits[r] is the bucket in which it
// happened; ^b (negative) says that it had not happened by the end of bucket b,
// when the row was last seen. dx is set to the gradient; it may be nil.
// (Singer and Willett 1993; Kvamme and Borgan 2021.)
func Hazard(dx, x []float32, waits []int32, buckets int, scale float32) float64 {
	var loss float64
	for r, wait := range waits {
		row := x[r*buckets : (r+1)*buckets]
		last, happened := int(wait), wait >= 0
		if !happened {
			last = int(^wait)
		}
		for j, v := range row {
			target := float32(0)
			if happened && j == last {
				target = 1
			}
			if j <= last {
				loss += softplus(float64(v)) - float64(target)*float64(v)
			}
			if dx == nil {
				continue
			}
			dx[r*buckets+j] = 0
			if j <= last {
				dx[r*buckets+j] = scale * (sigmoid(v) - target)
			}
		}
	}
	return loss * float64(scale)
}

// ZILN returns scale·Σ of the negative log likelihood of values that are zero
// for many and lognormal for the rest (Wang, Liu and Miao 2019). x is [rows, 3]:
// the logit of being above zero, the mean μ of the logarithm, and s with
// softplus(s) its standard deviation, held above .001. dx is set to the
// gradient; it may be nil.
func ZILN(dx, x, values []float32, scale float32) float64 {
	var loss float64
	for r, value := range values {
		logit, mu, s := x[3*r], float64(x[3*r+1]), float64(x[3*r+2])
		loss += softplus(float64(logit))
		var down [3]float32
		down[0] = sigmoid(logit)
		if value > 0 {
			down[0]--
			sigma, log := max(softplus(s), minDeviation), math.Log(float64(value))
			z := (log - mu) / sigma
			loss += -float64(logit) + log + math.Log(sigma) + z*z/2 + math.Log(2*math.Pi)/2
			down[1] = float32(-z / sigma)
			if sigma > minDeviation {
				down[2] = float32((1 - z*z) / sigma / (1 + math.Exp(-s)))
			}
		}
		if dx != nil {
			for i, g := range down {
				dx[3*r+i] = scale * g
			}
		}
	}
	return loss * float64(scale)
}

const minDeviation = 1e-3

// ZILNMean returns the expected value σ(logit)·e^(μ + softplus(s)²/2) of a row of ZILN's x.
func ZILNMean(x []float32) float64 {
	sigma := max(softplus(float64(x[2])), minDeviation)
	return float64(sigmoid(x[0])) * math.Exp(float64(x[1])+sigma*sigma/2)
}
