package learn

import (
	"fmt"
	"math"

	"bellwether"
	"bellwether/evaluate"
)

// Tolerance is δ: a replacement that retrains the recipe in service on fresher data must not be worse by more than this share of its own
// validation figure.
const Tolerance = 0.02

// confidence of the one-sided bounds that promotion rests on, before it is corrected for the number of candidates.
const confidence = 0.95

// question is what the difference between a challenger and a champion must show.
type question struct {
	metric     string
	candidates int     // among which the challenger was picked
	refreshed  bool    // the challenger is the champion's recipe, trained on fresher data
	figure     float64 // the challenger's own; δ is a share of it
}

// answer tells whether a difference challenger − champion, people as units, shows that the challenger may take the champion's place: its
// lower bound lies above 0; for a refreshed recipe above −δ, with a difference above 0. The bound is one-sided, and corrected for the number of
// candidates (Bonferroni): the best of many looks better than it is.
func (q question) answer(d bellwether.Estimate) (yes bool, text string) {
	sign := 1.0
	if evaluate.LowerIsBetter(q.metric) {
		sign = -1
	}
	gain := sign * d.Value
	text = fmt.Sprintf("%+.4f", d.Value)
	if d.Withheld != "" {
		return false, text + ", no verdict: " + d.Withheld
	}
	margin, ok := q.margin(d)
	if !ok {
		return false, text + ", without an interval"
	}
	least := gain - margin
	text += fmt.Sprintf(" (95 %% bound %+.4f of %d candidates)", sign*least, q.candidates)
	if q.refreshed {
		delta := Tolerance * math.Abs(q.figure)
		text += fmt.Sprintf(", the same recipe on fresher data, δ %.4f", delta)
		return gain > 0 && least > -delta, text
	}
	return least > 0, text
}

// margin is the distance of the one-sided bound from the estimate; ok is false where the estimate has no interval.
func (q question) margin(d bellwether.Estimate) (m float64, ok bool) {
	if len(d.Interval) != 2 || !(d.Level > 0 && d.Level < 1) {
		return 0, false
	}
	se := (d.Interval[1] - d.Interval[0]) / (2 * normal((1+d.Level)/2))
	m = se * normal(1-(1-confidence)/float64(max(q.candidates, 1)))
	return m, !math.IsNaN(m)
}

// normal is the quantile of the standard normal distribution.
func normal(p float64) float64 { return math.Sqrt2 * math.Erfinv(2*p-1) }
