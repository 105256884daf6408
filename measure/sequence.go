package measure

import (
	"fmt"
	"math"

	"bellwether"
)

// Sequential is an asymptotic confidence sequence for a difference of two means: its interval may be
// looked at any number of times (Waudby-Smith et al. 2021). It is tightest at the planned size.
type Sequential struct {
	Planned float64 // people an arm at which the interval is tightest
	Level   float64 // 0: 0.95
}

// HalfWidth returns the half-width at n people an arm, where variance is the sum of the arms' variances:
// σ̂·√( (2(nρ²+1)/(n²ρ²))·ln(√(nρ²+1)/a) ), ρ² = (−2 ln a + ln(−2 ln a + 1))/n*.
func (s Sequential) HalfWidth(n, variance float64) float64 {
	level := s.Level
	if level == 0 {
		level = 0.95
	}
	a := 1 - level
	rho2 := (-2*math.Log(a) + math.Log(-2*math.Log(a)+1)) / s.Planned
	t := n*rho2 + 1
	return math.Sqrt(variance * 2 * t / (n * n * rho2) * math.Log(math.Sqrt(t)/a))
}

// Difference returns treated − holdout with an interval that holds at every look. Arms of unequal size
// count as the equal ones that have the same standard error.
func (s Sequential) Difference(y1, y0 []float64) bellwether.Estimate {
	a, b := describe(y1), describe(y0)
	e := bellwether.Estimate{Value: a.mean - b.mean, N: int64(a.n + b.n), Method: fmt.Sprintf("confidence sequence tuned to %g an arm", s.Planned)}
	if a.n < 2 || b.n < 2 || a.variance+b.variance == 0 {
		e.Withheld = "too few people, or nothing varies"
		return e
	}
	variance := a.variance + b.variance
	half := s.HalfWidth(variance/(a.square()+b.square()), variance)
	e.Interval, e.Level = []float64{e.Value - half, e.Value + half}, s.Level
	if s.Level == 0 {
		e.Level = 0.95
	}
	return e
}
