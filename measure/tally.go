package measure

import (
	"math"
	"math/rand/v2"
	"slices"

	"bellwether"
)

// positionSums are one position's sums over decisions: what all estimators are made of.
type positionSums struct{ n, w, wr, wq, dm float64 }

// sums are the sums over some decisions.
type sums struct {
	n, reward float64
	at        []positionSums
}

func (s *sums) grow(positions int) {
	for len(s.at) < positions {
		s.at = append(s.at, positionSums{})
	}
}

func (s *sums) merge(other *sums) {
	s.n += other.n
	s.reward += other.reward
	s.grow(len(other.at))
	for k, p := range other.at {
		q := &s.at[k]
		q.n, q.w, q.wr, q.wq, q.dm = q.n+p.n, q.w+p.w, q.wr+p.wr, q.wq+p.wq, q.dm+p.dm
	}
}

// The estimators, in the order of [estimates].
const (
	logged = iota
	dm
	ips
	snips
	dr
	sndr
	gain
	estimators
)

type estimates [estimators]float64

var methods = [estimators]string{
	"mean of the log", "direct method", "inverse propensity", "self-normalised inverse propensity",
	"doubly robust", "self-normalised doubly robust", "self-normalised doubly robust − mean of the log",
}

// values returns each estimator's value a decision.
func (s *sums) values() estimates {
	var e estimates
	e[logged] = s.reward / s.n
	for _, p := range s.at {
		e[dm] += p.dm / s.n
		e[ips] += p.wr / s.n
		e[dr] += (p.dm + p.wr - p.wq) / s.n
		e[snips] += p.n / s.n * over(p.wr, p.w)
		e[sndr] += p.dm/s.n + p.n/s.n*over(p.wr-p.wq, p.w)
	}
	e[gain] = e[sndr] - e[logged]
	return e
}

func over(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

// influence returns how much one person's decisions c move each estimator: the sum of
// their influence functions, over n.
func (s *sums) influence(v estimates, c *sums) estimates {
	var e estimates
	share := c.n / s.n
	e[logged] = c.reward/s.n - v[logged]*share
	for k, p := range c.at {
		t := s.at[k]
		e[dm] += p.dm / s.n
		e[ips] += p.wr / s.n
		e[dr] += (p.dm + p.wr - p.wq) / s.n
		e[snips] += t.n / s.n * over(p.wr-over(t.wr, t.w)*p.w, t.w)
		e[sndr] += t.n / s.n * over(p.wr-p.wq-over(t.wr-t.wq, t.w)*p.w, t.w)
	}
	e[ips] -= v[ips] * share
	e[dr] -= v[dr] * share
	e[dm] -= v[dm] * share
	e[sndr] += e[dm]
	e[gain] = e[sndr] - e[logged]
	return e
}

// targetTally adds up one target over the log.
type targetTally struct {
	target      Target
	people      []sums
	squares     []float64 // Σw² by position
	largest     []float64 // weight by position
	unsupported float64   // target's mass where the log has none
	earned      float64   // Σ|w·reward|
	earned2     float64   // Σ(w·reward)²
}

func (t *targetTally) add(d *bellwether.Decision, r weighed) error {
	p, err := t.target.probabilities(d, len(r.rewards))
	if err != nil {
		return err
	}
	for len(t.people) <= r.person {
		t.people = append(t.people, sums{})
	}
	s := &t.people[r.person]
	s.n++
	s.grow(len(r.rewards))
	for k, reward := range r.rewards {
		a := r.actions[k]
		w := p[k][a] / r.logged[k][a]
		x := &s.at[k]
		s.reward += reward
		x.n, x.w, x.wr, x.wq = x.n+1, x.w+w, x.wr+w*reward, x.wq+w*r.predicted[k][a]
		for i, q := range p[k] {
			x.dm += q * r.predicted[k][i]
			if d.Candidates[i].Propensity <= 0 {
				t.unsupported += q / float64(len(r.rewards))
			}
		}
		t.weight(k, w)
		t.earned, t.earned2 = t.earned+math.Abs(w*reward), t.earned2+w*w*reward*reward
	}
	return nil
}

func (t *targetTally) weight(k int, w float64) {
	if len(t.squares) <= k {
		t.squares, t.largest = append(t.squares, 0), append(t.largest, 0)
	}
	t.squares[k] += w * w
	t.largest[k] = max(t.largest[k], w)
}

// value makes the estimates and their checks.
func (t *targetTally) value(l *logStudy) PolicyValue {
	var total sums
	for i := range t.people {
		total.merge(&t.people[i])
	}
	out := PolicyValue{Policy: t.target.Name, Metric: l.o.Metric, N: int(total.n)}
	out.Checks = l.checks()
	if total.n > 0 {
		v := total.values()
		var squared estimates
		for i := range t.people {
			for m, x := range total.influence(v, &t.people[i]) {
				squared[m] += x * x
			}
		}
		out.ESS = t.effective(&total)
		out.Checks = append(out.Checks, t.checks(&total, v, out.ESS)...)
		out.fill(v, squared, t.intervals(l.o, out.ESS), l.o.Level)
	}
	out.apply()
	return out
}

// fields returns the estimates in the order of the constants.
func (v *PolicyValue) fields() [estimators]*bellwether.Estimate {
	return [estimators]*bellwether.Estimate{&v.Logged, &v.DM, &v.IPS, &v.SNIPS, &v.DR, &v.SNDR, &v.Gain}
}

// fill writes values and intervals: ± z standard errors, or the bootstrap's where that is wider.
func (v *PolicyValue) fill(value, squared estimates, boot *[estimators][2]float64, level float64) {
	z := normalQuantile(0.5 + level/2)
	for m, field := range v.fields() {
		half := z * math.Sqrt(squared[m])
		*field = around(value[m], half, level, v.N, methods[m])
		if m != logged {
			field.NEffective = v.ESS
		}
		if boot != nil && m != dm {
			field.Interval[0] = min(field.Interval[0], boot[m][0])
			field.Interval[1] = max(field.Interval[1], boot[m][1])
			field.Method += ", bootstrap where wider"
		}
	}
	v.DM.Warnings = append(v.DM.Warnings, "the interval leaves out the reward model's own error")
}

// apply lets failed checks take effect on the numbers.
func (v *PolicyValue) apply() {
	refused, withheld := first(v.Checks, Failed), first(v.Checks, Withheld)
	for m, field := range v.fields() {
		switch {
		case refused != nil:
			*field = bellwether.Estimate{N: int64(v.N), Method: methods[m], Withheld: refused.Message}
		case withheld != nil && m != logged:
			field.Withheld = withheld.Message
		}
		for _, c := range v.Checks {
			if c.Strength == Warning && refused == nil {
				field.Warnings = append(field.Warnings, c.Message)
			}
		}
	}
}

// effective is (Σw)²/Σw² at the position where it is least.
func (t *targetTally) effective(total *sums) float64 {
	least := math.Inf(1)
	for k, p := range total.at {
		least = min(least, over(p.w*p.w, t.squares[k]))
	}
	return least
}

// intervals are percentile intervals over people drawn with replacement, when the effective
// sample is under 1000; nil otherwise.
func (t *targetTally) intervals(o ValueOptions, ess float64) *[estimators][2]float64 {
	if ess >= 1000 || len(t.people) < 2 {
		return nil
	}
	rng := rand.New(rand.NewPCG(o.Seed, 1))
	var draws [estimators][]float64
	for range o.Bootstrap {
		var s sums
		for range t.people {
			s.merge(&t.people[rng.IntN(len(t.people))])
		}
		for m, v := range s.values() {
			draws[m] = append(draws[m], v)
		}
	}
	var out [estimators][2]float64
	for m := range draws {
		slices.Sort(draws[m])
		out[m] = [2]float64{quantile(draws[m], 0.5-o.Level/2), quantile(draws[m], 0.5+o.Level/2)}
	}
	return &out
}
