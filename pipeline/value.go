package pipeline

import (
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"sort"

	"bellwether"
	"bellwether/decide"
	"bellwether/measure"
	"bellwether/serve"
)

// valuedDecisions is how many of a surface's newest decisions policies and new models are valued on.
const valuedDecisions = 5000

// measureDecisions joins what people did to the decisions about them.
func measureDecisions(ctx context.Context, t *turn) error {
	prices, err := t.e.prices()
	if err != nil {
		return err
	}
	t.joined, err = measure.Join(t.e.Decisions(ctx), all(t.cleaned.Events), measure.JoinOptions{AsOf: t.asOf, Prices: prices, Person: t.person})
	if err != nil {
		return fmt.Errorf("joining outcomes to decisions: %w", err)
	}
	t.result.Decisions = t.joined.Counts.Decisions
	return nil
}

// person is who a decision was about, as the cleaned events know it.
func (t *turn) person(s bellwether.Subject) bellwether.Subject {
	id := string(s)
	if len(id) > 0 && id[0] == '~' {
		id = id[1:]
	}
	return t.cleaned.Identities.Subject(id, nil, t.asOf)
}

// prices are what measure turns events into money with.
func (e *Engine) prices() (measure.Prices, error) {
	items, err := e.catalogue.all()
	if err != nil {
		return measure.Prices{}, err
	}
	p := measure.Prices{Currency: e.o.Currency, Rates: e.o.Rates, Catalogue: make(map[bellwether.ItemID]*bellwether.Item, len(items))}
	for id, it := range items {
		p.Catalogue[id] = it
	}
	return p, nil
}

func all[T any](values []T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, v := range values {
			if !yield(v, nil) {
				return
			}
		}
	}
}

// worthLess reports whether the log says that slates drawn by the chosen row would earn fewer
// clicks a slate than the slates that were shown: the whole interval of the self-normalised doubly
// robust gain lies below zero. A log that cannot judge is no objection; the text says which it was.
func (t *turn) worthLess(ctx context.Context) (bool, string, error) {
	if t.joined == nil {
		for _, run := range []func(context.Context, *turn) error{cleanEvents, measureDecisions} {
			if err := run(ctx, t); err != nil {
				return false, "", err
			}
		}
	}
	sample, err := t.slates(ctx)
	if err != nil {
		return false, "", err
	}
	if len(sample) == 0 {
		return false, "the log holds no mature slate to value it on", nil
	}
	m, err := t.work.model(t.work.card.Chosen)
	if err != nil {
		return false, "", err
	}
	v, err := t.e.serving(&t.work.run, m)
	if err != nil {
		return false, "", err
	}
	target := measure.Target{Name: string(v.Version), Distribution: t.distribution(ctx, v)}
	values, err := measure.Values(all(sample), []measure.Target{target}, measure.ValueOptions{
		Reward: t.joined.Reward(measure.Click), Metric: measure.Click, Surface: sample[0].Surface,
	})
	if err != nil {
		return false, "", err
	}
	gain := values[0].Gain
	if len(gain.Interval) != 2 || gain.Withheld != "" {
		return false, "the log cannot judge its value yet", nil
	}
	text := fmt.Sprintf("from %d logged slates its clicks a slate differ by %+.4f (%.0f%% interval %+.4f to %+.4f)",
		values[0].N, gain.Value, 100*gain.Level, gain.Interval[0], gain.Interval[1])
	return gain.Interval[1] < 0, text, nil
}

// slates returns the newest mature slates of the surface that has most of them.
func (t *turn) slates(ctx context.Context) ([]bellwether.Decision, error) {
	mature := t.joined.Reward(measure.Click)
	bySurface := make(map[bellwether.Surface][]bellwether.Decision)
	for d, err := range t.e.Decisions(ctx) {
		if err != nil {
			return nil, err
		}
		if _, ok := mature(d.ID); !ok || !d.Slate || !d.Evaluable || d.Holdout {
			continue
		}
		list := append(bySurface[d.Surface], d)
		if len(list) > 2*valuedDecisions {
			list = append(list[:0], list[len(list)-valuedDecisions:]...)
		}
		bySurface[d.Surface] = list
	}
	var best []bellwether.Decision
	for surface, list := range bySurface {
		if len(list) > len(best) || len(list) == len(best) && surface < best[0].Surface {
			best = list
		}
	}
	return best[max(0, len(best)-valuedDecisions):], nil
}

// distribution is the default policy over the scores that v gives the logged candidates, from
// what was known of the person when the decision was taken.
func (t *turn) distribution(ctx context.Context, v *serve.Serving) func(*bellwether.Decision) ([]float64, error) {
	history := t.histories()
	policy := decide.Softmax{Temperature: t.e.o.Temperature}
	known := make(map[bellwether.DecisionID][]float64)
	return func(d *bellwether.Decision) ([]float64, error) {
		if p, ok := known[d.ID]; ok {
			return p, nil
		}
		items := make([]bellwether.ItemID, len(d.Candidates))
		for i, c := range d.Candidates {
			items[i] = bellwether.ItemID(c.Action)
		}
		scores, err := v.Scores(ctx, before(history[t.person(d.Subject)], d), items)
		if err != nil {
			return nil, err
		}
		p, err := policy.Distribution(decide.Context{}, standardised(scores), rand.New(rand.NewPCG(d.Seed, 0)))
		known[d.ID] = p
		return p, err
	}
}

// visit is an item event with when it was received.
type visit struct {
	serve.Visit
	received int64
}

// histories are the cleaned item events by person, in the order of time.
func (t *turn) histories() map[bellwether.Subject][]visit {
	out := make(map[bellwether.Subject][]visit)
	for i := range t.cleaned.Events {
		e := &t.cleaned.Events[i]
		if e.Item == "" || !e.Type.Personal() {
			continue
		}
		out[e.Subject] = append(out[e.Subject], visit{
			Visit:    visitOf(e, t.cleaned.Currency),
			received: e.Received.UnixNano(),
		})
	}
	return out
}

// before returns the newest visits that were known when d was taken.
func before(visits []visit, d *bellwether.Decision) []serve.Visit {
	end := sort.Search(len(visits), func(i int) bool { return visits[i].Time.After(d.Time) })
	var out []serve.Visit
	for _, v := range visits[max(0, end-HistoryLength):end] {
		if v.received <= d.Time.UnixNano() {
			out = append(out, v.Visit)
		}
	}
	return out
}
