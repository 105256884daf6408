package measure

import (
	"fmt"
	"iter"
	"slices"
	"time"

	"bellwether"
)

// Input is what a report is made from. Decisions and Events are ranged over several times, so they must
// read their source anew each time, as ranging over a log does.
type Input struct {
	Project      bellwether.ProjectID
	AsOf         time.Time
	Decisions    iter.Seq2[bellwether.Decision, error]
	Events       iter.Seq2[bellwether.Event, error]
	Prices       Prices
	Rule         Rule
	Person       func(bellwether.Subject) bellwether.Subject // see JoinOptions
	People       PeopleOptions
	HoldoutShare float64                         // the planned share, for the sample-ratio check; 0: not checked
	Costs        float64                         // of the product besides the messages sent, in Prices.Currency
	Headline     string                          // "margin" or "revenue"; "": margin where costs of items are known
	Targets      map[bellwether.Surface][]Target // policies to value from the log, by surface
	Valued       int                             // newest decisions of a surface that they are valued on; 0: all
	Reward       string                          // the metric they are valued in; "": Click
	Planned      *Plan                           // the power calculation that sized the holdout, if there was one
	Level        float64                         // of every interval; 0: 0.95
	Seed         uint64                          // of bootstraps
}

// Plan is a power calculation as it was made before the start.
type Plan struct {
	Metric string  `json:"metric"`
	Effect float64 `json:"effect"` // that is to be seen, a person
	People int     `json:"people"`
	Share  float64 `json:"share"` // of people in the holdout that this needs
	Power
}

// Report is what the product was worth.
type Report struct {
	Project  bellwether.ProjectID `json:"project"`
	From     time.Time            `json:"from,omitzero"` // the first decision
	AsOf     time.Time            `json:"as_of"`
	Currency bellwether.Currency  `json:"currency"`
	Rule     string               `json:"rule"`
	Earned   Earned               `json:"earned"`           // the number on the first screen
	Hidden   string               `json:"hidden,omitempty"` // why no effect is shown
	Effects  []Effect             `json:"effects"`
	Surfaces []SurfaceRow         `json:"surfaces"`
	Survey   Survey               `json:"survey"`
	Cost     Cost                 `json:"cost"`
	Policies []SurfaceValue       `json:"policies"`
	Plan     *Plan                `json:"plan,omitempty"`
	Counts   JoinCounts           `json:"counts"`
	Checks   []Check              `json:"checks"`
}

// Earned is what the product earned against its own holdout.
type Earned struct {
	Metric   string              `json:"metric"` // margin or revenue
	Treated  int                 `json:"treated"`
	Holdout  int                 `json:"holdout"`
	Total    bellwether.Estimate `json:"total"`    // in Currency, over all the treated
	Person   bellwether.Estimate `json:"person"`   // a treated person
	Relative bellwether.Estimate `json:"relative"` // of what the holdout brought
	Anytime  bellwether.Estimate `json:"anytime"`  // a person; valid however often the report is read
}

// Cost is what was spent and what came back.
type Cost struct {
	Messages int                 `json:"messages"`
	Sent     float64             `json:"sent"`  // cost of the messages
	Other    float64             `json:"other"` // Input.Costs
	ROI      bellwether.Estimate `json:"roi"`   // margin earned / cost − 1
}

// SurfaceRow is one surface: what its decisions brought, by person, treated against holdout.
type SurfaceRow struct {
	Surface   bellwether.Surface    `json:"surface"`
	Policies  []bellwether.PolicyID `json:"policies"`
	Decisions int                   `json:"decisions"` // mature
	Effects   []Effect              `json:"effects"`   // a decision: clicked, converted, revenue
}

// SurfaceValue is a policy's value on a surface.
type SurfaceValue struct {
	Surface bellwether.Surface `json:"surface"`
	PolicyValue
}

// Build makes the report.
func Build(in Input) (*Report, error) {
	if in.Level == 0 {
		in.Level = 0.95
	}
	if in.Reward == "" {
		in.Reward = Click
	}
	joined, err := Join(in.Decisions, in.Events, JoinOptions{Rule: in.Rule, AsOf: in.AsOf, Prices: in.Prices, Person: in.Person})
	if err != nil {
		return nil, fmt.Errorf("join outcomes to decisions: %w", err)
	}
	r := &Report{Project: in.Project, AsOf: in.AsOf, Currency: in.Prices.Currency, Rule: joined.Rule, Plan: in.Planned, Counts: joined.Counts, Checks: joined.Checks()}
	for i := range joined.touches {
		if at := joined.touches[i].at; r.From.IsZero() || at.Before(r.From) {
			r.From = at
		}
	}
	propensities, err := CheckPropensities(in.Decisions)
	if err != nil {
		return nil, err
	}
	r.Checks = append(r.Checks, propensities...)
	if err := r.compare(in, joined); err != nil {
		return nil, err
	}
	r.Surfaces = surfaceRows(joined, in)
	return r, r.values(in, joined, first(propensities, Failed))
}

// compare fills in what the holdout shows.
func (r *Report) compare(in Input, joined *Joined) error {
	people, checks, err := People(joined, in.Events, in.People)
	if err != nil {
		return err
	}
	effects, more := Effects(people, EffectOptions{Level: in.Level, HoldoutShare: in.HoldoutShare, Currency: in.Prices.Currency})
	r.Checks = append(append(r.Checks, checks...), more...)
	r.Effects = effects
	var answers []float64
	for i := range people {
		if t := people[i].During; t.Answers > 0 {
			answers = append(answers, t.Score/t.Answers)
		}
	}
	r.Survey = SurveyOf(answers, len(people), in.Level)
	if failed := first(more, Failed); failed != nil {
		r.Hidden = failed.Message
	}
	r.headline(in, people)
	return r.cost(in)
}

// headline is the effect on margin (or revenue), adjusted by the pre-period where that helps.
func (r *Report) headline(in Input, people []Person) {
	r.Earned.Metric = in.Headline
	if in.Headline == "" {
		r.Earned.Metric = Revenue
		for _, item := range in.Prices.Catalogue {
			if !item.Cost.IsZero() {
				r.Earned.Metric = Margin
				break
			}
		}
	}
	y := split(people, func(p *Person) float64 {
		if r.Earned.Metric == Margin {
			return p.During.Margin
		}
		return p.During.Revenue
	})
	r.Earned.Treated, r.Earned.Holdout = len(y[0]), len(y[1])
	at := slices.IndexFunc(r.Effects, func(e Effect) bool { return e.Metric == r.Earned.Metric })
	if at < 0 {
		hidden := bellwether.Estimate{Method: "hidden", Withheld: r.Hidden}
		r.Earned.Person, r.Earned.Relative, r.Earned.Total, r.Earned.Anytime = hidden, hidden, hidden, hidden
		return
	}
	e := r.Effects[at]
	r.Earned.Person, r.Earned.Relative = e.Absolute, e.Relative
	if a := e.Adjusted; a != nil && a.Absolute.Interval != nil {
		r.Earned.Person, r.Earned.Relative = a.Absolute, a.Relative
	}
	r.Earned.Total = scale(r.Earned.Person, float64(len(y[0])))
	r.Earned.Anytime = Sequential{Planned: harmonic(len(y[0]), len(y[1])), Level: in.Level}.Difference(y[0], y[1])
}

// harmonic is the size of each of two equal arms that are worth two of sizes a and b.
func harmonic(a, b int) float64 {
	if a == 0 || b == 0 {
		return 1
	}
	return 2 / (1/float64(a) + 1/float64(b))
}

// scale multiplies an estimate and its interval.
func scale(e bellwether.Estimate, by float64) bellwether.Estimate {
	e.Value *= by
	e.Interval = slices.Clone(e.Interval)
	for i := range e.Interval {
		e.Interval[i] *= by
	}
	return e
}

// cost adds up what was spent. ROI needs the margin's effect.
func (r *Report) cost(in Input) error {
	r.Cost.Other = in.Costs
	for e, err := range in.Events {
		if err != nil {
			return fmt.Errorf("read the events: %w", err)
		}
		if e.Type != bellwether.MessageSent || e.Received.After(in.AsOf) {
			continue
		}
		r.Cost.Messages++
		price, _ := in.Prices.in(e.Price)
		r.Cost.Sent += price
	}
	spent := r.Cost.Sent + r.Cost.Other
	roi := r.Earned.Total
	switch {
	case r.Earned.Metric != Margin:
		roi = bellwether.Estimate{Withheld: "the items' costs are not known, so neither is the margin"}
	case spent <= 0:
		roi = bellwether.Estimate{Withheld: "no cost is known; give messages a cost, or the product's in the configuration"}
	case roi.Interval != nil:
		roi = scale(roi, 1/spent)
		roi.Value--
		for i := range roi.Interval {
			roi.Interval[i]--
		}
	}
	roi.Method = "margin earned / cost − 1, cost taken as known"
	r.Cost.ROI = roi
	return nil
}

// values estimates the targets' values, unless the propensities are wrong.
func (r *Report) values(in Input, joined *Joined, wrong *Check) error {
	for _, surface := range sortedKeys(in.Targets) {
		decisions, err := newest(in.Decisions, surface, in.Valued)
		if err != nil {
			return fmt.Errorf("read the decisions of %q: %w", surface, err)
		}
		values, err := Values(decisions, in.Targets[surface], ValueOptions{
			Reward: joined.Reward(in.Reward), Metric: in.Reward, Surface: surface, Level: in.Level, Seed: in.Seed,
		})
		if err != nil {
			return fmt.Errorf("value the policies of %q: %w", surface, err)
		}
		for _, v := range values {
			if wrong != nil {
				v.Checks = append(v.Checks, *wrong)
				v.apply()
			}
			r.Policies = append(r.Policies, SurfaceValue{surface, v})
		}
	}
	return nil
}

// newest are the last n decisions of a surface, all for n = 0.
func newest(decisions iter.Seq2[bellwether.Decision, error], surface bellwether.Surface, n int) (iter.Seq2[bellwether.Decision, error], error) {
	if n == 0 {
		return decisions, nil
	}
	var kept []bellwether.Decision
	for d, err := range decisions {
		if err != nil {
			return nil, err
		}
		if d.Surface != surface {
			continue
		}
		if kept = append(kept, d); len(kept) == 2*n {
			kept = append(kept[:0], kept[n:]...)
		}
	}
	kept = kept[max(0, len(kept)-n):]
	return func(yield func(bellwether.Decision, error) bool) {
		for _, d := range kept {
			if !yield(d, nil) {
				return
			}
		}
	}, nil
}

// Columns are the estimates that the page shows.
func (v SurfaceValue) Columns() []bellwether.Estimate {
	return []bellwether.Estimate{v.Logged, v.SNDR, v.SNIPS, v.DR, v.Gain}
}
