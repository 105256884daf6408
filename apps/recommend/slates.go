package recommend

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"sort"
	"strings"
	"time"

	"bellwether"
	"bellwether/decide"
	"bellwether/history"
	"bellwether/learn"
	"bellwether/measure"
)

// valuedSlates is how many of a surface's newest slates a new model is valued on.
const valuedSlates = 5000

// slate is a mature slate that was drawn, and the clicks on it.
type slate struct {
	id      bellwether.DecisionID
	subject bellwether.Subject
	time    time.Time
	clicks  measure.Reward
}

// slates keeps the newest mature ones of each surface.
type slates struct {
	in        learn.Inputs
	bySurface map[bellwether.Surface][]slate
}

func newSlates(in learn.Inputs) *slates {
	return &slates{in: in, bySurface: map[bellwether.Surface][]slate{}}
}

func (s *slates) fork() *slates { return newSlates(s.in) }

func (s *slates) add(p *history.Person) error {
	outcomes := p.Outcomes
	if s.in.Outcomes != nil && len(p.Decisions) > 0 {
		more, err := s.in.Outcomes(p)
		if err != nil {
			return fmt.Errorf("joining outcomes to the decisions about %s: %w", p.Subject, err)
		}
		outcomes = slices.Concat(outcomes, more)
	}
	for i := range outcomes {
		o := &outcomes[i]
		if !o.Matured || !o.Slate || !o.Evaluable || o.Holdout || o.Time.After(s.in.AsOf) {
			continue
		}
		clicks := measure.Reward{Total: o.Rewards[measure.Click], Positions: slices.Clone(o.Positions[measure.Click])}
		if clicks.Positions == nil {
			clicks.Positions = make([]float64, len(o.Actions))
		}
		surface := bellwether.Surface(strings.Clone(string(o.Surface)))
		s.bySurface[surface] = newest(append(s.bySurface[surface], slate{
			id: bellwether.DecisionID(strings.Clone(string(o.Decision))), subject: bellwether.Subject(strings.Clone(string(p.Subject))),
			time: o.Time, clicks: clicks,
		}), 2*valuedSlates)
	}
	return nil
}

// newest sorts a list that has grown longer than most, and returns its newest valuedSlates.
func newest(list []slate, most int) []slate {
	if len(list) <= most {
		return list
	}
	slices.SortFunc(list, func(a, b slate) int { return cmp.Or(a.time.Compare(b.time), cmp.Compare(a.id, b.id)) })
	return slices.Clone(list[max(0, len(list)-valuedSlates):])
}

func (s *slates) merge(next *slates) {
	for surface, list := range next.bySurface {
		s.bySurface[surface] = newest(append(s.bySurface[surface], list...), 2*valuedSlates)
	}
}

// sample returns the newest slates of the surface that has most of them, oldest first.
func (s *slates) sample() (surface bellwether.Surface, best []slate) {
	for name, list := range s.bySurface {
		if list = newest(list, 0); len(list) > len(best) || len(list) == len(best) && name < surface {
			surface, best = name, list
		}
	}
	return surface, best
}

// guard vetoes a challenger of which the log says that slates drawn by it would earn fewer clicks a slate than the slates that were
// shown: the whole interval of the self-normalised doubly robust gain lies below zero. A log that cannot judge is no
// objection; the text says which it was.
func guard(ctx context.Context, a learn.Assembler, challenger *learn.Serving) (veto bool, text string, err error) {
	const cannot = "the log holds no mature slate to value it on"
	d, ok := a.(*data)
	if !ok || d.in.Decision == nil || d.in.Person == nil {
		return false, cannot, nil
	}
	surface, sample := d.slates.sample()
	if len(sample) == 0 {
		return false, cannot, nil
	}
	v := valuation{in: &d.in, challenger: challenger, sample: sample, known: map[bellwether.DecisionID][]float64{}}
	values, err := v.values(ctx, surface)
	if err != nil {
		return false, "", err
	}
	gain := values.Gain
	if len(gain.Interval) != 2 || gain.Withheld != "" {
		return false, "the log cannot judge its value yet", nil
	}
	text = fmt.Sprintf("from %d logged slates its clicks a slate differ by %+.4f (%.0f%% interval %+.4f to %+.4f)",
		values.N, gain.Value, 100*gain.Level, gain.Interval[0], gain.Interval[1])
	return gain.Interval[1] < 0, text, nil
}

// valuation values one model on logged slates.
type valuation struct {
	in         *learn.Inputs
	challenger *learn.Serving
	sample     []slate
	known      map[bellwether.DecisionID][]float64
}

func (v *valuation) values(ctx context.Context, surface bellwether.Surface) (measure.PolicyValue, error) {
	clicks := make(map[bellwether.DecisionID]measure.Reward, len(v.sample))
	for i := range v.sample {
		clicks[v.sample[i].id] = v.sample[i].clicks
	}
	target := measure.Target{Name: string(v.challenger.Version), Distribution: func(d *bellwether.Decision) ([]float64, error) { return v.distribution(ctx, d) }}
	values, err := measure.Values(v.decisions(), []measure.Target{target}, measure.ValueOptions{
		Reward: func(id bellwether.DecisionID) (measure.Reward, bool) { r, ok := clicks[id]; return r, ok },
		Metric: measure.Click, Surface: surface,
	})
	if err != nil {
		return measure.PolicyValue{}, err
	}
	return values[0], nil
}

// decisions yields the slates as they were logged, about who the person turned out to be.
func (v *valuation) decisions() iter.Seq2[bellwether.Decision, error] {
	return func(yield func(bellwether.Decision, error) bool) {
		for i := range v.sample {
			d, ok, err := v.in.Decision(v.sample[i].id)
			if err == nil && !ok {
				continue // older than what the log keeps
			}
			d.Subject = v.sample[i].subject
			if !yield(d, err) || err != nil {
				return
			}
		}
	}
}

// distribution is the default policy over the scores that the challenger gives the logged candidates, from what was known of the
// person when the decision was taken.
func (v *valuation) distribution(ctx context.Context, d *bellwether.Decision) ([]float64, error) {
	if p, ok := v.known[d.ID]; ok {
		return p, nil
	}
	items := make([]bellwether.ItemID, len(d.Candidates))
	for i, c := range d.Candidates {
		items[i] = bellwether.ItemID(c.Action)
	}
	who, err := v.in.Person(ctx, d.Subject, "")
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", d.Subject, err)
	}
	scores, err := v.challenger.Scores(ctx, before(who.Events, d.Time), items)
	if err != nil {
		return nil, err
	}
	policy := decide.Softmax{Temperature: v.in.Temperature}
	p, err := policy.Distribution(decide.Context{}, standardised(scores), rand.New(rand.NewPCG(d.Seed, 0)))
	v.known[d.ID] = p
	return p, err
}

// before returns the events that had been received by a moment.
func before(events []bellwether.Event, at time.Time) (out []bellwether.Event) {
	end := sort.Search(len(events), func(i int) bool { return events[i].Occurred.After(at) })
	for i := range events[:end] {
		if !events[i].Received.After(at) {
			out = append(out, events[i])
		}
	}
	return out
}
