package measure

import (
	"math"

	"bellwether"
)

// Compare returns the effect on values y1 (treated) against y0 (holdout), one a person: Welch's
// interval for the difference and Fieller's for the ratio.
func Compare(y1, y0 []float64, level float64, method string) Effect {
	a, b := describe(y1), describe(y0)
	e := Effect{Treated: meanEstimate(y1, level, "mean"), Holdout: meanEstimate(y0, level, "mean")}
	e.Absolute = difference(a, b, level, method)
	e.Relative = ratio(a, b, level, "Fieller")
	return e
}

// difference is Welch's interval of a − b.
func difference(a, b sample, level float64, method string) bellwether.Estimate {
	e := bellwether.Estimate{Value: a.mean - b.mean, N: int64(a.n + b.n), Method: method}
	if a.n < 2 || b.n < 2 {
		e.Withheld = "an arm has fewer than two people"
		return e
	}
	va, vb := a.square(), b.square()
	if va+vb == 0 {
		e.Withheld = "nothing varies in either arm"
		return e
	}
	df := (va + vb) * (va + vb) / (va*va/(a.n-1) + vb*vb/(b.n-1)) // Welch–Satterthwaite
	half := studentQuantile(0.5+level/2, df) * math.Sqrt(va+vb)
	return around(e.Value, half, level, int(a.n+b.n), method)
}

// ratio is Fieller's interval of a/b − 1 (Fieller 1954) for independent means. Where the holdout's mean
// is not clearly different from 0 the interval is unbounded and the verdict is withheld.
func ratio(a, b sample, level float64, method string) bellwether.Estimate {
	e := bellwether.Estimate{N: int64(a.n + b.n), Method: method}
	if a.n < 2 || b.n < 2 || b.mean == 0 {
		e.Withheld = "the holdout's mean is 0 or has too few people"
		return e
	}
	e.Value = a.mean/b.mean - 1
	z := normalQuantile(0.5 + level/2)
	va, vb := a.square(), b.square()
	// |a − r·b| ≤ z·√(va + r²·vb) is quadratic in r: p·r² − 2q·r + s ≤ 0.
	p, q, s := b.mean*b.mean-z*z*vb, a.mean*b.mean, a.mean*a.mean-z*z*va
	root := q*q - p*s
	if p <= 0 || root < 0 {
		e.Withheld = "the holdout's mean is not clearly different from 0: the relative effect has no bounded interval"
		return e
	}
	root = math.Sqrt(root)
	e.Interval, e.Level = []float64{(q-root)/p - 1, (q+root)/p - 1}, level
	return e
}

// Adjust is [Compare] with the pre-period values x of the same people taken into account (CUPED): y − θ(x − x̄),
// θ = cov/var pooled within the arms. nil when x tells nothing.
func Adjust(y1, y0, x1, x0 []float64, level float64) *Adjusted {
	if len(x1) != len(y1) || len(x0) != len(y0) || len(y1) < 2 || len(y0) < 2 {
		return nil
	}
	var xx, xy, yy float64
	for _, arm := range [2][2][]float64{{x1, y1}, {x0, y0}} {
		x, y := arm[0], arm[1]
		mx, my := describe(x).mean, describe(y).mean
		for i := range x {
			xx += (x[i] - mx) * (x[i] - mx)
			xy += (x[i] - mx) * (y[i] - my)
			yy += (y[i] - my) * (y[i] - my)
		}
	}
	if xx == 0 || yy == 0 {
		return nil
	}
	theta := xy / xx
	n1, n0 := float64(len(x1)), float64(len(x0))
	grand := (n1*describe(x1).mean + n0*describe(x0).mean) / (n1 + n0)
	a, b := describe(residual(y1, x1, theta, grand)), describe(residual(y0, x0, theta, grand))
	return &Adjusted{
		Absolute:    difference(a, b, level, "Welch with CUPED"),
		Relative:    ratio(a, b, level, "Fieller with CUPED"),
		Correlation: xy / math.Sqrt(xx*yy),
	}
}

func residual(y, x []float64, theta, centre float64) []float64 {
	out := make([]float64, len(y))
	for i := range y {
		out[i] = y[i] - theta*(x[i]-centre)
	}
	return out
}
