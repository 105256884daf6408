package measure

import (
	"cmp"
	"fmt"
	"math"

	"bellwether"
)

// DefaultReference is the size at which a confidence sequence is tightest where no plan says another.
const DefaultReference = 5000

// Sequential is an asymptotic confidence sequence for a difference of two means: its interval may be
// looked at any number of times (Waudby-Smith et al. 2021), as long as Planned stays what it was before the first
// look: setting it to the current size at each look makes false alarms certain in the end.
type Sequential struct {
	Planned float64 // people an arm at which the interval is tightest; 0: DefaultReference
	Level   float64 // 0: 0.95
}

// HalfWidth returns the half-width at n people an arm, where variance is the sum of the arms' variances:
// σ̂·√( (2(nρ²+1)/(n²ρ²))·ln(√(nρ²+1)/a) ), ρ² = (−2 ln a + ln(−2 ln a + 1))/n*.
func (s Sequential) HalfWidth(n, variance float64) float64 {
	a := 1 - cmp.Or(s.Level, 0.95)
	rho2 := (-2*math.Log(a) + math.Log(-2*math.Log(a)+1)) / cmp.Or(s.Planned, DefaultReference)
	t := n*rho2 + 1
	return math.Sqrt(variance * 2 * t / (n * n * rho2) * math.Log(math.Sqrt(t)/a))
}

// Difference returns treated − holdout with an interval that holds at every look. Arms of unequal size
// count as the equal ones that have the same standard error.
func (s Sequential) Difference(y1, y0 []float64) bellwether.Estimate {
	return s.difference(describe(y1), describe(y0))
}

func (s Sequential) difference(a, b sample) bellwether.Estimate {
	s.Planned, s.Level = cmp.Or(s.Planned, DefaultReference), cmp.Or(s.Level, 0.95)
	e := bellwether.Estimate{Value: a.mean - b.mean, N: int64(a.n + b.n), Method: fmt.Sprintf("confidence sequence, tightest at %.0f people an arm", s.Planned)}
	if a.n < 2 || b.n < 2 || a.variance+b.variance == 0 {
		e.Withheld = "too few people, or nothing varies"
		return e
	}
	variance := a.variance + b.variance
	half := s.HalfWidth(variance/(a.square()+b.square()), variance)
	e.Interval, e.Level = []float64{e.Value - half, e.Value + half}, s.Level
	return e
}
