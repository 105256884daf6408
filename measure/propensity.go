package measure

import (
	"cmp"
	"fmt"
	"iter"
	"math"
	"slices"

	"bellwether"
)

// minVariance is the least Σp(1−p) of an action whose z is near enough to normal to be judged at 4; the
// rarer actions of a policy are judged together.
const minVariance = 50

// CheckPropensities proves or refutes that the logged propensities are those that actions were drawn
// with (docs/science.md §1, I7). For each policy: the records are consistent; z = Σ(1{a}−p)/√Σp(1−p) of each action is
// within ±4; the mean of 1{a}/p over the actions' support is 1 within 4 standard errors. Deterministic
// decisions prove nothing and are passed over. In a slate the action is the first one drawn.
func CheckPropensities(decisions iter.Seq2[bellwether.Decision, error]) ([]Check, error) {
	p := propensities{}
	for d, err := range decisions {
		if err != nil {
			return nil, fmt.Errorf("read the decisions: %w", err)
		}
		p.add(&d)
	}
	return p.checks(), nil
}

// propensities adds up the draws of each policy.
type propensities map[bellwether.PolicyID]*draws

func (p propensities) add(d *bellwether.Decision) {
	if !d.Evaluable {
		return
	}
	if p[d.Policy] == nil {
		p[d.Policy] = &draws{actions: map[string]*drawn{}}
	}
	p[d.Policy].add(d)
}

func (p propensities) checks() []Check {
	var out []Check
	for _, id := range sortedKeys(p) {
		out = append(out, p[id].checks(id)...)
	}
	return out
}

// drawn adds up one action: how often it was drawn, and what its propensities said.
type drawn struct{ excess, variance float64 }

func (d *drawn) z() float64 { return d.excess / math.Sqrt(d.variance) }

// draws adds up one policy.
type draws struct {
	n            float64
	actions      map[string]*drawn
	inconsistent int
	example      string
	inverse      sample // running sums: mean holds Σx, variance Σx²
}

func (s *draws) add(d *bellwether.Decision) {
	s.n++
	if err := d.Validate(); err != nil {
		if s.inconsistent++; s.example == "" {
			s.example = fmt.Sprintf("decision %s: %v", d.ID, err)
		}
		return // its propensities are no distribution: the statistics below are of the others
	}
	support := 0.0
	for i, c := range d.Candidates {
		if c.Propensity > 0 {
			support++
		}
		a := s.actions[c.Action]
		if a == nil {
			a = &drawn{}
			s.actions[c.Action] = a
		}
		a.excess += indicator(i == d.Actions[0]) - c.Propensity
		a.variance += c.Propensity * (1 - c.Propensity)
	}
	x := 1 / (support * d.Candidates[d.Actions[0]].Propensity) // mean 1 when the propensities are true
	s.inverse.n++
	s.inverse.mean += x
	s.inverse.variance += x * x
}

func (s *draws) checks(id bellwether.PolicyID) []Check {
	name := func(what string) string { return fmt.Sprintf("%s: %s", id, what) }
	out := []Check{check(name("propensities are a distribution"), s.inconsistent > 0, Failed, float64(s.inconsistent)/s.n, 0,
		cmp.Or(s.example, "each decision's propensities sum to 1 and give the action's"))}
	z, action := s.largest()
	out = append(out, check(name("propensities match the actions drawn"), math.Abs(z) > 4, Failed, z, 4,
		fmt.Sprintf("largest z over actions (%s); logged propensities that do not match actions make every estimate from this log wrong: repair the policy's logging", action)))
	if i := s.inverse; i.n > 1 {
		mean := i.mean / i.n
		se := math.Sqrt((i.variance/i.n-mean*mean)/(i.n-1)) + rounding
		out = append(out, check(name("inverse propensities average 1"), math.Abs(mean-1) > 4*se, Failed, mean, 1,
			fmt.Sprintf("standard error %.3g; off by more than 4 of them, the propensities are wrong or a candidate was left out", se)))
	}
	return out
}

// largest returns the action with the largest |z|, the rare ones taken together: their excesses
// are correlated negatively, so the sum of their variances is an upper bound.
func (s *draws) largest() (z float64, action string) {
	rare := drawn{}
	for _, name := range sortedKeys(s.actions) {
		a := s.actions[name]
		if a.variance < minVariance {
			rare.excess += a.excess
			rare.variance += a.variance
		} else if math.Abs(a.z()) > math.Abs(z) {
			z, action = a.z(), name
		}
	}
	if rare.variance >= minVariance && math.Abs(rare.z()) > math.Abs(z) {
		z, action = rare.z(), "rare actions together"
	}
	return z, action
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K {
	keys := make([]K, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
