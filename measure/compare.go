package measure

import (
	"math"

	"bellwether"
)

// Compare returns the effect on values y1 (treated) against y0 (holdout), one a person: Welch's
// interval for the difference and Fieller's for the ratio.
func Compare(y1, y0 []float64, level float64, method string) Effect {
	return compare(describe(y1), describe(y0), level, method)
}

func compare(a, b sample, level float64, method string) Effect {
	e := Effect{Treated: a.estimate(level, "mean"), Holdout: b.estimate(level, "mean")}
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

// ratio is Fieller's interval of a/b − 1 for independent means.
func ratio(a, b sample, level float64, method string) bellwether.Estimate {
	e := bellwether.Estimate{N: int64(a.n + b.n), Method: method}
	if a.n < 2 || b.n < 2 || b.mean == 0 {
		e.Withheld = "the holdout's mean is 0 or has too few people"
		return e
	}
	f := fieller{a: a.mean, b: b.mean, aa: a.square(), bb: b.square()}
	e.Value = f.a/f.b - 1
	low, high, ok := f.interval(level)
	if !ok {
		e.Withheld = "the holdout's mean is not clearly different from 0: the relative effect has no bounded interval"
		return e
	}
	e.Interval, e.Level = []float64{low - 1, high - 1}, level
	return e
}

// fieller is a ratio a/b of two estimates with their variances and covariance (Fieller 1954).
type fieller struct{ a, b, aa, bb, ab float64 }

// interval bounds the ratio; not ok where b is not clearly different from 0, so that there is no bound.
func (f fieller) interval(level float64) (low, high float64, ok bool) {
	z := normalQuantile(0.5 + level/2)
	// |a − r·b| ≤ z·√(aa − 2r·ab + r²·bb) is quadratic in r: p·r² − 2q·r + s ≤ 0.
	p, q, s := f.b*f.b-z*z*f.bb, f.a*f.b-z*z*f.ab, f.a*f.a-z*z*f.aa
	root := q*q - p*s
	if p <= 0 || root < 0 {
		return 0, 0, false
	}
	root = math.Sqrt(root)
	return (q - root) / p, (q + root) / p, true
}

// Adjust is [Compare] with the pre-period values x of the same people taken into account (CUPED): y − θ(x − x̄),
// θ = cov/var pooled within the arms. nil when x tells nothing.
func Adjust(y1, y0, x1, x0 []float64, level float64) *Adjusted {
	if len(x1) != len(y1) || len(x0) != len(y0) {
		return nil
	}
	var arms [2]gram
	for i, arm := range [2][2][]float64{{x1, y1}, {x0, y0}} {
		arms[i] = newGram(2)
		for k := range arm[0] {
			arms[i].add([]float64{arm[0][k], arm[1][k]})
		}
	}
	return adjust(&arms, [2]linear{plain(1), plain(1)}, [2]linear{plain(0), plain(0)}, level)
}

// adjust is Adjust of combinations of figures, y and x by arm.
func adjust(arms *[2]gram, y, x [2]linear, level float64) *Adjusted {
	theta, grand, correlation := cuped(arms, y, x)
	if theta == 0 && correlation == 0 {
		return nil
	}
	var out [2]sample
	for i := range arms {
		l := y[i].minus(theta, x[i])
		l.constant += theta * grand
		out[i] = arms[i].sample(l)
	}
	return &Adjusted{
		Absolute:    difference(out[0], out[1], level, "Welch with CUPED"),
		Relative:    ratio(out[0], out[1], level, "Fieller with CUPED"),
		Correlation: correlation,
	}
}

// cuped returns θ, the mean of x over all people, and the correlation of x with y; zeros when x tells nothing.
func cuped(arms *[2]gram, y, x [2]linear) (theta, grand, correlation float64) {
	var xx, xy, yy, n float64
	for i := range arms {
		if arms[i].n < 2 {
			return 0, 0, 0
		}
		xx += arms[i].product(x[i], x[i])
		xy += arms[i].product(x[i], y[i])
		yy += arms[i].product(y[i], y[i])
		grand += float64(arms[i].n) * arms[i].value(x[i])
		n += float64(arms[i].n)
	}
	if xx <= 0 || yy <= 0 {
		return 0, 0, 0
	}
	return xy / xx, grand / n, xy / math.Sqrt(xx*yy)
}
