package market

import "math"

// The functions below give the same bits on every processor. Package math has assembly for some, and the
// compiler may fuse x*y + z where float64(x*y) + z forbids it.

const (
	ln2High = 6.93147180369123816490e-01
	ln2Low  = 1.90821492927058770002e-10
)

// exp is e^x within about 1e-15, relative; x is held within ±700.
func exp(x float64) float64 {
	x = min(max(x, -700), 700)
	k := math.Floor(float64(x*(1/math.Ln2)) + .5)
	r := x - float64(k*ln2High)
	r -= float64(k * ln2Low)
	sum := 1.0
	for n := 13; n > 0; n-- {
		sum = 1 + float64(sum*r)/float64(n)
	}
	return float64(sum * math.Float64frombits(uint64(int64(k)+1023)<<52))
}

// ln is the natural logarithm of a positive, normal x within about 1e-15.
func ln(x float64) float64 {
	m, e := math.Frexp(x)
	if m < math.Sqrt2/2 {
		m, e = m*2, e-1
	}
	s := (m - 1) / (m + 1)
	s2, sum := s*s, 0.0
	for n := 21; n > 0; n -= 2 {
		sum = 1/float64(n) + float64(sum*s2)
	}
	return float64(2*s*sum) + float64(float64(e)*math.Ln2)
}

// sine is sin(2πt).
func sine(t float64) float64 {
	x := 2 * math.Pi * (t - math.Floor(t+.5))
	x2, sum := x*x, 1.0
	for n := 26.0; n > 0; n -= 2 {
		sum = 1 - float64(sum*x2)/(n*(n+1))
	}
	return x * sum
}

func sigmoid(x float64) float64 { return 1 / (1 + exp(-x)) }

// horner evaluates a polynomial, highest power first.
func horner(x float64, coefficients ...float64) float64 {
	sum := 0.0
	for _, c := range coefficients {
		sum = float64(sum*x) + c
	}
	return sum
}

// quantile is the inverse of the standard normal distribution function (Wichura 1988, algorithm AS 241, PPND16).
func quantile(p float64) float64 {
	q := p - .5
	if math.Abs(q) <= .425 {
		r := .180625 - float64(q*q)
		return q * horner(r, 2509.0809287301226727, 33430.575583588128105, 67265.770927008700853, 45921.953931549871457,
			13731.693765509461125, 1971.5909503065514427, 133.14166789178437745, 3.387132872796366608) /
			horner(r, 5226.495278852545925, 28729.085735721942674, 39307.89580009271061, 21213.794301586595867,
				5394.1960214247511077, 687.1870074920579083, 42.313330701600911252, 1)
	}
	tail := min(p, 1-p)
	r := math.Sqrt(-ln(tail))
	if r <= 5 {
		r -= 1.6
		r = horner(r, 7.7454501427834140764e-4, .0227238449892691845833, .24178072517745061177, 1.27045825245236838258,
			3.64784832476320460504, 5.7694972214606914055, 4.6303378461565452959, 1.42343711074968357734) /
			horner(r, 1.05075007164441684324e-9, 5.475938084995344946e-4, .0151986665636164571966, .14810397642748007459,
				.68976733498510000455, 1.6763848301838038494, 2.05319162663775882187, 1)
	} else {
		r -= 5
		r = horner(r, 2.01033439929228813265e-7, 2.71155556874348757815e-5, .0012426609473880784386, .026532189526576123093,
			.29656057182850489123, 1.7848265399172913358, 5.4637849111641143699, 6.6579046435011037772) /
			horner(r, 2.04426310338993978564e-15, 1.4215117583164458887e-7, 1.8463183175100546818e-5, 7.868691311456132591e-4,
				.0148753612908506148525, .13692988092273580531, .59983220655588793769, 1)
	}
	return math.Copysign(r, q)
}
