package measure

import (
	"errors"
	"fmt"
	"iter"
	"math"
	"strings"

	"bellwether"
)

// Target is a policy whose value is asked.
type Target struct {
	Name string
	// Distribution returns the probability of each of d's candidates being drawn first.
	Distribution func(d *bellwether.Decision) ([]float64, error)
	// Ranked: on a slate the policy shows the highest in order and does not draw the rest.
	Ranked bool
}

// ValueOptions configure [Values]. Reward is needed.
type ValueOptions struct {
	Reward    func(bellwether.DecisionID) (r Reward, ok bool) // Joined.Reward; not ok: left out
	Metric    string                                          // its name, for the report
	Surface   bellwether.Surface                              // only these decisions; "": all, which must then be of one surface
	Level     float64                                         // 0: 0.95
	Bootstrap int                                             // resamples when the effective sample is small; 0: 200
	Seed      uint64
}

// PolicyValue is what a policy would have earned a decision, by each estimator. Where a check failed with
// strength "error" there is no number; the headline is SNDR.
type PolicyValue struct {
	Policy string              `json:"policy"`
	Metric string              `json:"metric"`
	N      int                 `json:"n"`      // decisions
	ESS    float64             `json:"ess"`    // what the weighted decisions are worth, in equally weighted ones
	Logged bellwether.Estimate `json:"logged"` // what the policy that took the decisions earned
	DM     bellwether.Estimate `json:"dm"`     // the reward model alone
	IPS    bellwether.Estimate `json:"ips"`
	SNIPS  bellwether.Estimate `json:"snips"`
	DR     bellwether.Estimate `json:"dr"`
	SNDR   bellwether.Estimate `json:"sndr"`
	Gain   bellwether.Estimate `json:"gain"` // SNDR − logged
	Checks []Check             `json:"checks"`
}

// Values estimates, from the log alone, the reward a decision that other policies would have earned
// (docs/science.md §6). decisions is ranged over twice. People in the holdout are left out.
//
// A slate counts as its positions: the value is the sum over positions of the reward of what stands there,
// each weighted by how likely the item is at that position under either policy (the item-position
// estimator IIPS; Li et al. 2018). It is unbiased when an item's reward depends on the item and its
// place, and not on its neighbours; unlike the whole list's weight it does not explode with the length.
func Values(decisions iter.Seq2[bellwether.Decision, error], targets []Target, o ValueOptions) ([]PolicyValue, error) {
	if o.Reward == nil {
		return nil, errors.New("values need a reward")
	}
	if o.Level == 0 {
		o.Level = 0.95
	}
	if o.Bootstrap == 0 {
		o.Bootstrap = 200
	}
	l, err := readLog(decisions, o)
	if err != nil {
		return nil, err
	}
	tallies := make([]*targetTally, len(targets))
	for i := range targets {
		tallies[i] = &targetTally{target: targets[i]}
	}
	if l.usable > 0 {
		if err := l.weigh(decisions, tallies); err != nil {
			return nil, err
		}
	}
	out := make([]PolicyValue, len(targets))
	for i, t := range tallies {
		out[i] = t.value(l)
	}
	return out, nil
}

// logStudy is what the first pass learns of the log.
type logStudy struct {
	o             ValueOptions
	model         *rewardModel
	usable        int
	deterministic int
	surfaces      map[bellwether.Surface]int
	filters       map[string]int
}

// accept calls fn with each decision that counts, once by id.
func (o ValueOptions) accept(decisions iter.Seq2[bellwether.Decision, error], fn func(*bellwether.Decision, Reward) error) error {
	seen := map[bellwether.DecisionID]struct{}{}
	for d, err := range decisions {
		if err != nil {
			return fmt.Errorf("read the decisions: %w", err)
		}
		if d.Holdout || o.Surface != "" && d.Surface != o.Surface {
			continue
		}
		r, ok := o.Reward(d.ID)
		if _, again := seen[d.ID]; again || !ok {
			continue
		}
		seen[d.ID] = struct{}{}
		if err := fn(&d, r); err != nil {
			return err
		}
	}
	return nil
}

func readLog(decisions iter.Seq2[bellwether.Decision, error], o ValueOptions) (*logStudy, error) {
	l := &logStudy{o: o, surfaces: map[bellwether.Surface]int{}, filters: map[string]int{}}
	var rows []modelRow
	err := o.accept(decisions, func(d *bellwether.Decision, r Reward) error {
		if !d.Evaluable {
			l.deterministic++
			return nil
		}
		l.usable++
		l.surfaces[d.Surface]++
		l.filters[filterNames(d.Filters)]++
		for k, reward := range rewards(d, r) {
			c := d.Candidates[d.Actions[k]]
			rows = append(rows, modelRow{fold: foldOf(d.Subject), position: k, action: c.Action, score: c.Score, reward: reward, context: d.Context})
		}
		return nil
	})
	if err == nil {
		l.model = trainReward(rows)
	}
	return l, err
}

// rewards returns the reward of each position.
func rewards(d *bellwether.Decision, r Reward) []float64 {
	if d.Slate && len(r.Positions) == len(d.Actions) {
		return r.Positions
	}
	return []float64{r.Total}
}

// filterNames drops the counts: "seen:12" and "seen:0" are the same filter.
func filterNames(filters []string) string {
	names := make([]string, len(filters))
	for i, f := range filters {
		names[i], _, _ = strings.Cut(f, ":")
	}
	return strings.Join(names, ",")
}

// weigh is the second pass: each decision's weights and predictions under each target.
func (l *logStudy) weigh(decisions iter.Seq2[bellwether.Decision, error], targets []*targetTally) error {
	people := map[bellwether.Subject]int{}
	return l.o.accept(decisions, func(d *bellwether.Decision, r Reward) error {
		if !d.Evaluable {
			return nil
		}
		person, ok := people[d.Subject]
		if !ok {
			person = len(people)
			people[d.Subject] = person
		}
		byPosition := rewards(d, r)
		logged := make([]float64, len(d.Candidates))
		for i, c := range d.Candidates {
			logged[i] = c.Propensity
		}
		row := weighed{
			person: person, actions: d.Actions, rewards: byPosition,
			logged: positionProbabilities(logged, len(byPosition), d.Actions), predicted: l.model.predict(d, len(byPosition)),
		}
		for _, t := range targets {
			if err := t.add(d, row); err != nil {
				return fmt.Errorf("policy %s on decision %q: %w", t.target.Name, d.ID, err)
			}
		}
		return nil
	})
}

// weighed is one decision of the second pass.
type weighed struct {
	person            int
	actions           []int
	rewards           []float64
	logged, predicted [][]float64 // by position and candidate; logged of the actions only
}

// probabilities returns the target's, by position and candidate.
func (t Target) probabilities(d *bellwether.Decision, positions int) ([][]float64, error) {
	p, err := t.Distribution(d)
	if err != nil {
		return nil, err
	}
	if len(p) != len(d.Candidates) {
		return nil, fmt.Errorf("%d probabilities for %d candidates", len(p), len(d.Candidates))
	}
	total, positive := 0.0, 0
	for _, v := range p {
		if !(v >= 0) {
			return nil, fmt.Errorf("probability %g", v)
		}
		if total += v; v > 0 {
			positive++
		}
	}
	if math.Abs(total-1) > 1e-6 {
		return nil, fmt.Errorf("probabilities sum to %g, not 1", total)
	}
	if t.Ranked {
		return ranked(p, positions), nil
	}
	if positive < positions {
		return nil, fmt.Errorf("%d candidates have a positive probability, fewer than the slate's %d places; set Ranked for a policy that does not draw", positive, positions)
	}
	return positionProbabilities(p, positions, nil), nil
}
