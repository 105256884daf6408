package measure

import (
	"fmt"
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

// checks are those of the log alone.
func (l *logStudy) checks() []Check {
	if l.usable == 0 && l.deterministic == 0 {
		return []Check{check("there are decisions", true, Failed, 0, 1, "no decision with a mature outcome yet; wait until the attribution windows have passed")}
	}
	if l.usable == 0 {
		return []Check{check("the surface explored", true, Failed, float64(l.deterministic), 0, "this surface never explored: all its decisions are deterministic; use a policy with a floor")}
	}
	most := 0
	for _, n := range l.filters {
		most = max(most, n)
	}
	odd := 1 - float64(most)/float64(l.usable)
	return []Check{
		check("the surface explored", l.deterministic > 0, Warning, float64(l.deterministic), 0,
			fmt.Sprintf("%d deterministic decisions are left out", l.deterministic)),
		check("one surface", len(l.surfaces) > 1, Failed, float64(len(l.surfaces)), 1,
			"the decisions are of several surfaces; value each surface by itself"),
		check("one set of filters", odd > 0.01, Failed, odd, 0.01,
			"the candidates' filters changed within the log; value each span by itself, and name every filter also when it removes nothing"),
	}
}

// checks are those of the target against the log.
func (t *targetTally) checks(total *sums, v estimates, ess float64) []Check {
	unsupported := t.unsupported / total.n
	share := 0.0
	for k, p := range total.at {
		share = max(share, over(t.largest[k], p.w))
	}
	paid := over(t.earned*t.earned, t.earned2)
	meanZ, biasZ := t.z(total)
	return []Check{
		check("support", unsupported > 0.01, Failed, unsupported, 0.01,
			"the policy would do what the log never tried; log with a floor over all candidates"),
		check("weights average 1", math.Abs(meanZ) > 4, Failed, meanZ, 4,
			"the mean weight is off 1 by more than 4 standard errors: propensities are wrong or candidates are missing"),
		check("effective sample", ess < 100 || ess < 0.01*total.n, Withheld, ess, max(100, 0.01*total.n),
			fmt.Sprintf("the log is worth %.0f decisions of this policy, too few for a verdict; collect more or explore more", ess)),
		check("effective rewards", paid < minRewards, Withheld, paid, minRewards,
			fmt.Sprintf("rewards worth %.0f equal ones carry this estimate, too few for a verdict; collect more", paid)),
		check("no weight rules", share > 0.05, Warning, share, 0.05, "one decision carries more than 5 % of all weight"),
		check("reward model is unbiased", math.Abs(biasZ) > 4, Warning, biasZ, 4,
			"reward model is biased: direct method and doubly robust differ by more than 4 standard errors; trust the latter"),
	}
}

// minRewards is the least effective number of rewards, (Σw·r)²/Σ(w·r)². Where rewards are rare, many
// decisions may rest on a handful of clicks: their variance is then as unknown as their mean.
const minRewards = 30

// rounding keeps sums of rounding errors from looking like many standard errors.
const rounding = 1e-9

// z returns how many standard errors the mean weight is from 1, and the doubly robust from the direct value.
func (t *targetTally) z(total *sums) (weight, bias float64) {
	var places, excess, excess2, rest, rest2 float64
	for _, p := range total.at {
		places += p.n
		rest += (p.wr - p.wq) / total.n
	}
	for i := range t.people {
		e, r := 0.0, -rest*t.people[i].n/total.n
		for _, p := range t.people[i].at {
			e += (p.w - p.n) / places
			r += (p.wr - p.wq) / total.n
		}
		excess, excess2, rest2 = excess+e, excess2+e*e, rest2+r*r
	}
	return excess / (math.Sqrt(excess2) + rounding), rest / (math.Sqrt(rest2) + rounding)
}
