package measure

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"time"

	"bellwether/history"
)

// Plan is a power calculation as it was made before the start.
type Plan struct {
	Metric string  `json:"metric"`
	Effect float64 `json:"effect"` // that is to be seen, a person
	People int     `json:"people"`
	Share  float64 `json:"share"` // of people in the holdout that this needs
	Power
}

// reference is how many people an arm a confidence sequence is tightest at: the equal arms that are worth the planned
// ones. 0 without a plan.
func (p *Plan) reference() float64 {
	if p == nil || p.Share <= 0 || p.Share >= 1 || p.People <= 0 {
		return 0
	}
	return 2 * float64(p.People) * p.Share * (1 - p.Share)
}

// PlanOptions say what a holdout shall show. Relative, From, AsOf and Coming are needed.
type PlanOptions struct {
	Relative float64       // effect that is to be seen, of what a person brings: 0.15 is fifteen per cent
	From     time.Time     // what people brought from here on is taken as a measure of the coming time
	AsOf     time.Time     // up to here
	Coming   time.Duration // length of the comparison
	Before   time.Duration // length of the pre-period; 0: 28 days
	Metric   string        // Margin or Revenue; "": margin where costs of items are known
	Chance   float64       // to see an effect that is there; 0: 0.9
	Prices   Prices
	Rule     Rule
}

// Planner is a reducer: it sizes a holdout by the spread of what everybody brought so far.
type Planner struct {
	o    PlanOptions
	rule *settler
	sums gram // pre-period, and since From
}

var _ history.Reducer = (*Planner)(nil)

// NewPlanner returns an empty planner.
func NewPlanner(o PlanOptions) (*Planner, error) {
	switch {
	case !o.AsOf.After(o.From) || o.From.IsZero():
		return nil, errors.New("a plan needs From and a later AsOf: the time by which the spread between people is judged")
	case !(o.Relative > 0):
		return nil, fmt.Errorf("a plan needs the relative effect to be seen, such as 0.15; got %g", o.Relative)
	case o.Coming <= 0:
		return nil, errors.New("a plan needs Coming, the length of the comparison")
	}
	o.Before = cmp.Or(o.Before, 28*24*time.Hour)
	o.Metric = cmp.Or(o.Metric, o.Prices.headline())
	o.Chance = cmp.Or(o.Chance, 0.9)
	return &Planner{o: o, rule: newSettler(JoinOptions{Rule: o.Rule, Prices: o.Prices, AsOf: o.AsOf}), sums: newGram(2)}, nil
}

// Fork returns an empty planner with the same settings.
func (p *Planner) Fork() history.Reducer {
	f, _ := NewPlanner(p.o) // the settings were accepted before
	return f
}

// Add takes one person in: whoever did anything.
func (p *Planner) Add(who *history.Person) error {
	if len(who.Events) == 0 {
		return nil
	}
	var before, since Totals
	for i := range who.Events {
		e := &who.Events[i]
		if e.Received.After(p.o.AsOf) || !e.Occurred.Before(p.o.AsOf) {
			continue
		}
		switch kind := p.rule.parts[e.Type]; {
		case !e.Occurred.Before(p.o.From):
			since.add(kind, e, &p.o.Prices)
		case p.o.From.Sub(e.Occurred) <= p.o.Before:
			before.add(kind, e, &p.o.Prices)
		}
	}
	if p.o.Metric == Revenue {
		p.sums.add([]float64{before.Revenue, since.Revenue})
	} else {
		p.sums.add([]float64{before.Margin, since.Margin})
	}
	return nil
}

// Merge takes in what a fork kept of the next part of the people.
func (p *Planner) Merge(next history.Reducer) error {
	o, ok := next.(*Planner)
	if !ok {
		return fmt.Errorf("a planner cannot merge a %T", next)
	}
	p.sums.merge(&o.sums)
	return nil
}

// Done ends the pass.
func (p *Planner) Done() error { return nil }

// Plan returns the share of people that the holdout needs, or an error that says what would be needed. How well
// the pre-period predicts people, ρ, tells how much of the spread is lasting differences between them, which a longer
// time does not average out: CV² = CV₀²·(ρ + (1−ρ)·T₀/T) (Spearman–Brown).
func (p *Planner) Plan() (Plan, error) {
	mean, s := p.sums.mean(1), p.sums.sample(plain(1))
	correlation := 0.0
	if xx, yy := p.sums.moment(0, 0), p.sums.moment(1, 1); xx > 0 && yy > 0 {
		correlation = p.sums.moment(0, 1) / math.Sqrt(xx*yy)
	}
	if mean <= 0 {
		return Plan{}, fmt.Errorf("%d people brought a %s of %.4g each since %s: there is nothing that could rise; plan when sales are in", p.sums.n, p.o.Metric, mean, p.o.From.Format(time.DateOnly))
	}
	longer := p.o.Coming.Hours() / p.o.AsOf.Sub(p.o.From).Hours()
	lasting := max(correlation, 0)
	plan := Plan{
		Metric: p.o.Metric, Effect: p.o.Relative * mean * longer, People: int(p.sums.n),
		Power: Power{SD: math.Sqrt(s.variance) * longer * math.Sqrt(lasting+(1-lasting)/longer), Correlation: correlation, Power: p.o.Chance},
	}
	var err error
	plan.Share, err = plan.HoldoutShare(plan.Effect, plan.People)
	return plan, err
}
