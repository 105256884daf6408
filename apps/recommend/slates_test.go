package recommend

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"bellwether"
	"bellwether/decide"
	"bellwether/history"
	"bellwether/internal/apptest"
	"bellwether/learn"
	"bellwether/measure"
)

// fixed scores each item by a number, whatever was done before, and notes the longest history that it was asked about.
type fixed struct {
	items   []bellwether.ItemID
	scores  []float32
	longest int
}

func (f *fixed) Family() string             { return "fixed" }
func (f *fixed) Save(io.Writer) error       { return nil }
func (f *fixed) Items() []bellwether.ItemID { return f.items }
func (f *fixed) Score(_ context.Context, histories [][]bellwether.Step, out [][]float32) error {
	for b := range histories {
		f.longest = max(f.longest, len(histories[b]))
		copy(out[b], f.scores)
	}
	return nil
}

// shown are people to each of whom a slate of three of five items was shown; whoever sees item 0 clicks on it in half of
// the cases, and on any other in one of twenty.
func shown(t *testing.T, n int) (people []*history.Person, in learn.Inputs) {
	t.Helper()
	s, rng := apptest.Open(t, Application()), rand.New(rand.NewPCG(1, 2))
	decisions, by := map[bellwether.DecisionID]bellwether.Decision{}, map[bellwether.Subject]*history.Person{}
	no := false
	for i := range n {
		var candidates []bellwether.Candidate
		for k := range 5 {
			candidates = append(candidates, bellwether.Candidate{Action: string(apptest.Item(k)), Score: rng.NormFloat64()})
		}
		s.SetClock(apptest.Begin.Add(time.Duration(i) * time.Minute))
		d, err := s.Decider.Preview(decide.Request{
			Key: fmt.Sprint(i), Subject: bellwether.Subject(fmt.Sprint("person-", i)), Surface: "home", Candidates: candidates, Baseline: candidates, K: 3, Model: "old",
		}, decide.PreviewOptions{Holdout: &no})
		if err != nil {
			t.Fatal(err)
		}
		decisions[d.ID] = d
		clicks := make([]float64, 3)
		for place, action := range d.Chosen() {
			if chance := map[bool]float64{true: .5, false: .05}[action == "item-00"]; rng.Float64() < chance {
				clicks[place] = 1
			}
		}
		p := &history.Person{Subject: d.Subject, Outcomes: []bellwether.Outcome{{
			Decision: d.ID, Time: d.Time, Subject: d.Subject, Surface: d.Surface, Slate: true, Evaluable: true, Actions: d.Chosen(), Matured: true,
			Rewards: map[string]float64{measure.Click: slices.Max(clicks)}, Positions: map[string][]float64{measure.Click: clicks},
		}}}
		for _, later := range []time.Duration{-2, -1, 1} { // what came after the decision is not known to it
			at := d.Time.Add(later * time.Second)
			p.Events = append(p.Events, bellwether.Event{Type: bellwether.ViewItem, Item: apptest.Item(int(3 + later)), Occurred: at, Received: at})
		}
		people, by[p.Subject] = append(people, p), p
	}
	return people, learn.Inputs{
		AsOf: s.Now(), Temperature: .5,
		Decision: func(id bellwether.DecisionID) (bellwether.Decision, bool, error) {
			d, ok := decisions[id]
			return d, ok, nil
		},
		Person: func(_ context.Context, s bellwether.Subject, _ bellwether.AnonymousID) (*history.Person, error) {
			return by[s], nil
		},
	}
}

func assembled(t *testing.T, in learn.Inputs, people []*history.Person) learn.Assembler {
	t.Helper()
	a := newData(in)
	first, second := a.Fork(), a.Fork()
	for i, p := range people {
		if err := []history.Reducer{first, second}[i%2].Add(p); err != nil {
			t.Fatal(err)
		}
	}
	for _, next := range []history.Reducer{first, second} {
		if err := a.Merge(next); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.Done(); err != nil {
		t.Fatal(err)
	}
	return a
}

// TestGuard: a model that would hide what people click on is vetoed, one that would show it first is not, and where there is nothing to
// judge by there is no objection.
func TestGuard(t *testing.T) {
	people, in := shown(t, 1500)
	challenger := func(scores ...float32) (*learn.Serving, *fixed) {
		m := &fixed{items: []bellwether.ItemID{"item-00", "item-01", "item-02", "item-03", "item-04"}, scores: scores}
		return plainly(t, "new", m), m
	}
	a := assembled(t, in, people)
	for _, test := range []struct {
		name   string
		scores []float32
		veto   bool
	}{{"hides it", []float32{-5, 1, 1, 1, 1}, true}, {"shows it first", []float32{1, .9, .6, .3, .2}, false}} {
		v, m := challenger(test.scores...)
		veto, text, err := guard(t.Context(), a, v)
		if err != nil || veto != test.veto || !strings.HasPrefix(text, "from 1500 logged slates its clicks a slate differ by ") {
			t.Errorf("%s: veto %v, %s, %v", test.name, veto, text, err)
		}
		if m.longest != 2 {
			t.Errorf("%s: it was asked about %d steps, of which 2 were known", test.name, m.longest)
		}
	}
	v, _ := challenger(-5, 1, 1, 1, 1)
	if veto, text, err := guard(t.Context(), assembled(t, in, nil), v); veto || err != nil || text != "the log holds no mature slate to value it on" {
		t.Errorf("an empty log: veto %v, %s, %v", veto, text, err)
	}
	if veto, text, err := guard(t.Context(), assembled(t, in, people[:5]), v); veto || err != nil {
		t.Errorf("five slates: veto %v, %s, %v", veto, text, err)
	}
	for _, p := range people {
		p.Outcomes[0].Matured = false
	}
	if veto, text, err := guard(t.Context(), assembled(t, in, people), v); veto || err != nil || text != "the log holds no mature slate to value it on" {
		t.Errorf("immature slates: veto %v, %s, %v", veto, text, err)
	}
	settled := map[bellwether.Subject]bellwether.Outcome{}
	for _, p := range people { // mature, and not in the log yet
		o := p.Outcomes[0]
		o.Matured = true
		settled[p.Subject], p.Outcomes, p.Decisions = o, nil, make([]bellwether.Decision, 1)
	}
	in.Outcomes = func(p *history.Person) ([]bellwether.Outcome, error) {
		return []bellwether.Outcome{settled[p.Subject]}, nil
	}
	if veto, text, err := guard(t.Context(), assembled(t, in, people), v); !veto || err != nil {
		t.Errorf("outcomes of this pass: veto %v, %s, %v", veto, text, err)
	}
}

// TestNewestSlates: of more slates than are valued the newest stay, however the people were cut.
func TestNewestSlates(t *testing.T) {
	one, parts := newSlates(learn.Inputs{AsOf: apptest.Begin.AddDate(1, 0, 0)}), []*slates{}
	for range 3 {
		parts = append(parts, one.fork())
	}
	all := one.fork()
	rng := rand.New(rand.NewPCG(3, 4))
	for i := range 3 * valuedSlates {
		at := apptest.Begin.Add(time.Duration(rng.IntN(1e6)) * time.Second)
		p := &history.Person{Outcomes: []bellwether.Outcome{{Decision: bellwether.DecisionID(fmt.Sprint(i)), Time: at, Surface: "home", Slate: true, Evaluable: true, Matured: true}}}
		for _, s := range []*slates{all, parts[i%3]} {
			if err := s.add(p); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, p := range parts {
		one.merge(p)
	}
	_, a := one.sample()
	_, b := all.sample()
	if len(a) != valuedSlates || !slices.EqualFunc(a, b, func(x, y slate) bool { return x.id == y.id }) {
		t.Errorf("%d and %d slates, which differ by the parts", len(a), len(b))
	}
}
