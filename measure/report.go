package measure

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
	"time"

	"bellwether"
)

// ReportInput is what [Study.Report] needs besides what people did. The zero value works.
type ReportInput struct {
	Project  bellwether.ProjectID
	Headline string  // "margin" or "revenue"; "": margin where costs of items are known
	Planned  *Plan   // the power calculation that sized the holdout, if there was one
	Level    float64 // of every interval; 0: 0.95
	Seed     uint64  // of bootstraps
	Reward   string  // the metric that policies are valued in; "": Click

	// Decision reads a decision of the log; ok is false for one that is gone. nil: no policy is valued and no propensity checked.
	Decision func(bellwether.DecisionID) (d bellwether.Decision, ok bool, err error)
	// Targets names the policies to value on a surface, whose newest mature decisions it may look at. nil: none.
	Targets func(bellwether.Surface, []bellwether.Decision) ([]Target, error)
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
	Metric    string              `json:"metric"` // margin or revenue
	Treated   int                 `json:"treated"`
	Holdout   int                 `json:"holdout"`
	Crossover int                 `json:"crossover"` // people with decisions of both arms, who stay in their first
	Total     bellwether.Estimate `json:"total"`     // in Currency, over all the treated
	Person    bellwether.Estimate `json:"person"`    // a treated person
	Relative  bellwether.Estimate `json:"relative"`  // of what the holdout brought
	Anytime   bellwether.Estimate `json:"anytime"`   // a person; valid however often the report is read
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

// Report makes the report. It may be called again, with other input.
func (s *Study) Report(in ReportInput) (*Report, error) {
	in.Level, in.Reward = cmp.Or(in.Level, 0.95), cmp.Or(in.Reward, Click)
	join := &s.o.Join
	r := &Report{
		Project: in.Project, From: s.first, AsOf: join.AsOf, Currency: join.Prices.Currency, Rule: s.settler.name,
		Plan: in.Planned, Counts: s.counts, Checks: s.checks(),
	}
	propensities, err := s.values(r, in)
	if err != nil {
		return nil, err
	}
	r.Checks = append(r.Checks, propensities...)
	effects, checks := s.people.effects(EffectOptions{Level: in.Level, HoldoutShare: s.o.HoldoutShare, Currency: r.Currency}.withDefaults())
	assigned := s.assignment()
	r.Checks = append(append(r.Checks, assigned...), checks...)
	if failed := first(slices.Concat(assigned, checks), Failed); failed != nil {
		effects, r.Hidden = nil, failed.Message
	}
	r.Effects = effects
	r.Survey = s.answers.survey(int(s.people.arms[0].n+s.people.arms[1].n), in.Level)
	margin := s.headline(r, in)
	r.Surfaces = s.rows(in.Level)
	r.Cost = s.cost(r, margin, in.Level)
	return r, nil
}

// headline is the effect on margin (or revenue), adjusted by the pre-period where that helps. It returns what each person
// counts for in it, by arm.
func (s *Study) headline(r *Report, in ReportInput) (counts [2]linear) {
	e, figure := &r.Earned, vMargin
	if e.Metric = cmp.Or(in.Headline, s.o.Join.Prices.headline()); e.Metric == Revenue {
		figure = vRevenue
	}
	e.Treated, e.Holdout, e.Crossover = int(s.people.arms[0].n), int(s.people.arms[1].n), int(s.crossed)
	at := slices.IndexFunc(r.Effects, func(f Effect) bool { return f.Metric == e.Metric })
	if at < 0 {
		hidden := bellwether.Estimate{Method: "hidden", Withheld: cmp.Or(r.Hidden, fmt.Sprintf("the headline %q is neither margin nor revenue", e.Metric))}
		e.Person, e.Relative, e.Total, e.Anytime = hidden, hidden, hidden, hidden
		return counts
	}
	f := &r.Effects[at]
	e.Person, e.Relative = f.Absolute, f.Relative
	counts = [2]linear{plain(figure), plain(figure)}
	if a := f.Adjusted; a != nil && a.Absolute.Interval != nil {
		e.Person, e.Relative = a.Absolute, a.Relative
		x := [2]linear{plain(figures + figure), plain(figures + figure)}
		theta, grand, _ := cuped(&s.people.arms, counts, x)
		for i := range counts {
			counts[i] = counts[i].minus(theta, x[i])
			counts[i].constant += theta * grand
		}
	}
	e.Total = scale(e.Person, float64(e.Treated))
	e.Anytime = Sequential{Planned: in.Planned.reference(), Level: in.Level}.difference(
		s.people.arms[0].sample(plain(figure)), s.people.arms[1].sample(plain(figure)),
	)
	for _, c := range r.Checks {
		if c.Strength == Withheld {
			e.withhold(c.Message)
		}
	}
	return counts
}

// withhold takes the verdict away from the numbers.
func (e *Earned) withhold(why string) {
	for _, f := range []*bellwether.Estimate{&e.Total, &e.Person, &e.Relative, &e.Anytime} {
		f.Withheld = cmp.Or(f.Withheld, why)
	}
}

// headline is margin where the cost of any item is known, else revenue.
func (p *Prices) headline() string {
	for _, item := range p.Catalogue {
		if !item.Cost.IsZero() {
			return Margin
		}
	}
	return Revenue
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

// values estimates the targets' values on each surface's newest mature decisions, unless the propensities
// of these are wrong. It returns the checks of the propensities.
func (s *Study) values(r *Report, in ReportInput) ([]Check, error) {
	if in.Decision == nil {
		return nil, nil
	}
	drawn := propensities{}
	for _, surface := range sortedKeys(s.surfaces) {
		sample := s.Sample(surface)
		decisions, err := sample.read(in.Decision)
		if err != nil {
			return nil, fmt.Errorf("read the decisions of %q: %w", surface, err)
		}
		for i := range decisions {
			drawn.add(&decisions[i])
		}
		values, err := s.valued(sample, decisions, in)
		if err != nil {
			return nil, fmt.Errorf("value the policies of %q: %w", surface, err)
		}
		for _, v := range values {
			r.Policies = append(r.Policies, SurfaceValue{surface, v})
		}
	}
	checks := drawn.checks()
	if wrong := first(checks, Failed); wrong != nil {
		for i := range r.Policies {
			r.Policies[i].Checks = append(r.Policies[i].Checks, *wrong)
			r.Policies[i].apply()
		}
	}
	return checks, nil
}

func (s *Study) valued(sample *Sample, decisions []bellwether.Decision, in ReportInput) ([]PolicyValue, error) {
	if in.Targets == nil {
		return nil, nil
	}
	targets, err := in.Targets(sample.surface, decisions)
	if err != nil || len(targets) == 0 {
		return nil, err
	}
	return Values(each(decisions), targets, ValueOptions{
		Reward: sample.Reward(in.Reward), Metric: in.Reward, Surface: sample.surface, Level: in.Level, Seed: in.Seed,
	})
}

// read fetches the sample's decisions, the oldest first; those that are gone are left out.
func (s *Sample) read(decision func(bellwether.DecisionID) (bellwether.Decision, bool, error)) ([]bellwether.Decision, error) {
	var out []bellwether.Decision
	for _, id := range s.IDs() {
		d, ok, err := decision(id)
		if err != nil {
			return nil, fmt.Errorf("decision %q: %w", id, err)
		}
		if ok {
			out = append(out, d)
		}
	}
	return out, nil
}

func each[T any](values []T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, v := range values {
			if !yield(v, nil) {
				return
			}
		}
	}
}

// Columns are the estimates that the page shows.
func (v SurfaceValue) Columns() []bellwether.Estimate {
	return []bellwether.Estimate{v.Logged, v.SNDR, v.SNIPS, v.DR, v.Gain}
}
