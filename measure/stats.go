package measure

import (
	"math"

	"bellwether"
)

// sample is the mean and the unbiased variance of n values.
type sample struct {
	n              float64
	mean, variance float64
}

func describe(y []float64) sample {
	s := sample{n: float64(len(y))}
	for _, v := range y {
		s.mean += v
	}
	s.mean /= max(s.n, 1)
	for _, v := range y {
		s.variance += (v - s.mean) * (v - s.mean)
	}
	s.variance /= max(s.n-1, 1)
	return s
}

// square is the squared standard error of the mean.
func (s sample) square() float64 { return s.variance / s.n }

// normalQuantile returns z with Φ(z) = p.
func normalQuantile(p float64) float64 { return math.Sqrt2 * math.Erfinv(2*p-1) }

// normalTail returns P(|Z| > |z|).
func normalTail(z float64) float64 { return math.Erfc(math.Abs(z) / math.Sqrt2) }

// studentQuantile returns the p-quantile of Student's t with df degrees of freedom, by the
// Cornish–Fisher expansion (Abramowitz & Stegun 26.7.5): within .003 from df = 5 on.
func studentQuantile(p, df float64) float64 {
	z := normalQuantile(p)
	z2 := z * z
	return z + z*((z2+1)/(4*df)+
		((5*z2+16)*z2+3)/(96*df*df)+
		(((3*z2+19)*z2+17)*z2-15)/(384*df*df*df)+
		((((79*z2+776)*z2+1482)*z2-1920)*z2-945)/(92160*df*df*df*df))
}

// wilson returns Wilson's interval of a share (Wilson 1927).
func wilson(successes, n, level float64) (low, high float64) {
	z := normalQuantile(0.5 + level/2)
	p, z2 := successes/n, z*z
	centre := (p + z2/(2*n)) / (1 + z2/n)
	half := z / (1 + z2/n) * math.Sqrt(p*(1-p)/n+z2/(4*n*n))
	return centre - half, centre + half
}

// quantile returns the value at rank q·(n−1) of sorted values, rounded up.
func quantile(sorted []float64, q float64) float64 {
	return sorted[int(math.Ceil(q*float64(len(sorted)-1)))]
}

// around returns value ± half as an estimate.
func around(value, half, level float64, n int, method string) bellwether.Estimate {
	return bellwether.Estimate{Value: value, Interval: []float64{value - half, value + half}, Level: level, N: int64(n), Method: method}
}

// estimate is the mean with its t interval; withheld when there are fewer than two values.
func (s sample) estimate(level float64, method string) bellwether.Estimate {
	if s.n < 2 {
		return bellwether.Estimate{Value: s.mean, N: int64(s.n), Method: method, Withheld: "fewer than two people"}
	}
	return around(s.mean, studentQuantile(0.5+level/2, s.n-1)*math.Sqrt(s.square()), level, int(s.n), method)
}
