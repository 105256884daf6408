package dataset

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"bellwether"
	"bellwether/history"
)

// sequences assembles them in one part.
func sequences(t testing.TB, o SequenceOptions, people []*history.Person) *bellwether.Sequences {
	t.Helper()
	q, err := pass(t, NewSequences(o), 1, whole, people).Data()
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// items returns the items of a person's steps, as names.
func items(s *bellwether.Sequences, person int) (out []bellwether.ItemID) {
	for _, step := range s.Steps[person] {
		out = append(out, s.Items[step.Item])
	}
	return out
}

func TestLeaveOneOut(t *testing.T) {
	s := sequences(t, SequenceOptions{}, people(
		view("ana", "tea", day(1)), view("ana", "cup", day(2)), view("ana", "tin", day(2)), view("ana", "pot", day(2)),
		view("bo", "tea", day(1)), view("bo", "cup", day(0)),
		bellwether.Event{Type: bellwether.ViewItemList, Subject: "bo", Item: "tin", Occurred: day(3), Received: day(3)},
		bellwether.Event{Type: bellwether.PageView, Subject: "bo", Occurred: day(3), Received: day(3)},
	))
	if fmt.Sprint(s.People, s.Items) != "[bo ana] [cup tea pot tin]" || s.Count() != 6 {
		t.Errorf("people %v, items %v, %d steps", s.People, s.Items, s.Count())
	}
	if got := fmt.Sprint(items(s, 0), items(s, 1)); got != "[cup tea] [tea cup tin pot]" {
		t.Errorf("ties must keep the log's order: %s", got)
	}
	if s.TrainEnd[0] != 2 || s.TrainEnd[1] != 2 {
		t.Errorf("train ends %v, want all of bo's two steps and ana's first two", s.TrainEnd)
	}
	if diff := cmp.Diff([]bellwether.Target{{Person: 1, At: 2}}, s.Validation) + cmp.Diff([]bellwether.Target{{Person: 1, At: 3}}, s.Test); diff != "" {
		t.Error(diff)
	}
}

func TestLeaveOneOutOfTargetTypes(t *testing.T) {
	s := sequences(t, SequenceOptions{Targets: []bellwether.EventType{bellwether.Purchase}}, people(
		view("ana", "tea", day(1)), purchase("ana", "cup", day(2), 500), view("ana", "tin", day(3)),
		purchase("ana", "tin", day(4), 500), view("ana", "pot", day(5)),
	))
	if len(s.Test) != 1 || s.Test[0].At != 3 || s.Validation[0].At != 1 || s.TrainEnd[0] != 1 {
		t.Errorf("test %v, validation %v, train end %v", s.Test, s.Validation, s.TrainEnd)
	}
}

func TestTemporal(t *testing.T) {
	late := view("ana", "late", day(4)) // before the cut, but received long after it
	late.Received = day(30)
	who := people(view("ana", "tea", day(1)), view("ana", "cup", day(9)), view("ana", "tin", day(15)), late, view("ana", "pot", day(25)), view("ana", "end", day(40)))
	o := SequenceOptions{Protocol: Temporal, Validation: day(10), Test: day(20)}
	s := sequences(t, o, who)
	if got := fmt.Sprint(items(s, 0)); got != "[tea cup tin pot late end]" {
		t.Errorf("order %s", got)
	}
	if s.TrainEnd[0] != 2 {
		t.Errorf("train end %d", s.TrainEnd[0])
	}
	if diff := cmp.Diff([]bellwether.Target{{Person: 0, At: 2}}, s.Validation) + cmp.Diff([]bellwether.Target{{Person: 0, At: 3}, {Person: 0, At: 5}}, s.Test); diff != "" {
		t.Error(diff)
	}
	o.Known = KnownOccurred
	if imported := sequences(t, o, who); imported.TrainEnd[0] != 3 {
		t.Errorf("an imported history is known from when it occurred: train end %d, want 3", imported.TrainEnd[0])
	}
	for i := range who[0].Events {
		who[0].Events[i].Received = day(50) // all of it was imported
	}
	o.Known = KnownByData
	if imported := sequences(t, o, who); imported.TrainEnd[0] != 3 {
		t.Errorf("an imported history is not found out: train end %d, want 3", imported.TrainEnd[0])
	}
}

func TestSequenceErrors(t *testing.T) {
	who := people(view("ana", "tea", day(1)))
	s := pass(t, NewSequences(SequenceOptions{Types: []bellwether.EventType{"listen"}}), 1, whole, who)
	if _, err := s.Data(); !errors.Is(err, ErrNoData) {
		t.Errorf("no steps at all: %v", err)
	}
	s = pass(t, NewSequences(SequenceOptions{Protocol: Temporal, Validation: day(2), Test: day(1)}), 1, whole, who)
	if _, err := s.Data(); err == nil || errors.Is(err, ErrNoData) {
		t.Errorf("cuts in the wrong order: %v", err)
	}
	for i := range 256 {
		e := view("bo", "tea", day(i))
		e.Type = bellwether.EventType(fmt.Sprint("type ", i))
		who = append(who, people(e)...)
	}
	if _, err := pass(t, NewSequences(SequenceOptions{}), 1, whole, who).Data(); err == nil || errors.Is(err, ErrNoData) {
		t.Errorf("257 types: %v", err)
	}
}

// TestSequencesDoNotSeeTheFuture holds, for any people, that nothing which may be fitted was received after
// the first cut, that all of it which was may be, and that no target occurred before it.
func TestSequencesDoNotSeeTheFuture(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		who, cut := drawPeople(t), day(rapid.IntRange(0, 100).Draw(t, "cut"))
		o := SequenceOptions{Protocol: Temporal, Validation: cut, Test: cut.AddDate(0, 0, 10), Known: KnownReceived}
		s, err := pass(t, NewSequences(o), 1, whole, who).Data()
		if err != nil {
			return // nobody has a step
		}
		early := 0
		for _, p := range who {
			for i := range p.Events {
				if e := &p.Events[i]; o.wanted(e) && !e.Received.After(cut) {
					early++
				}
			}
		}
		for p, end := range s.TrainEnd {
			early -= end
			for i := 1; i < end; i++ {
				if s.Steps[p][i].Time < s.Steps[p][i-1].Time {
					t.Fatal("the training part is not in the order of time")
				}
			}
		}
		if early != 0 {
			t.Fatalf("%d steps that were received by the cut are not in training", early)
		}
		for _, target := range append(s.Validation, s.Test...) {
			if at := s.Steps[target.Person][target.At].Time; int(target.At) < s.TrainEnd[target.Person] || time.Unix(at, 0).Before(cut) {
				t.Fatalf("target %v occurred before the cut", target)
			}
		}
	})
}

func TestSequencesCollapse(t *testing.T) {
	at := func(i int) time.Time { return time.Date(2026, 1, 1, 0, i, 0, 0, time.UTC) }
	var events []bellwether.Event
	for i, s := range []struct {
		item string
		kind bellwether.EventType
	}{{"a", bellwether.ViewItem}, {"a", bellwether.AddToCart}, {"a", bellwether.Purchase}, {"b", bellwether.ViewItem}, {"a", bellwether.ViewItem}} {
		e := view("p", s.item, at(i))
		if e.Type = s.kind; i > 0 {
			e.Channel = bellwether.Channel([]string{"email", "search"}[i%2])
		}
		events = append(events, e)
	}
	q := sequences(t, SequenceOptions{Collapse: true}, people(events...))
	var got []string
	for _, s := range q.Steps[0] {
		got = append(got, string(q.Items[s.Item])+" "+string(q.Types[s.Type]))
	}
	if want := []string{"a purchase", "b view_item", "a view_item"}; !slices.Equal(got, want) {
		t.Errorf("steps are %v, want %v", got, want)
	}
	if c := q.Channels[q.Steps[0][0].Channel-1]; c != "search" {
		t.Errorf("a collapsed step came by %s, want what came first", c)
	}
	if q.Steps[0][0].Time != at(0).Unix() {
		t.Errorf("a collapsed step is at %d, want the time of its first event", q.Steps[0][0].Time)
	}
}

// Views and clicks that answer decisions are left out, unless something followed that was not prompted; who did nothing else is nobody.
func TestSequencesUnprompted(t *testing.T) {
	prompted := func(e bellwether.Event) bellwether.Event {
		e.Decision = "d"
		return e
	}
	q := sequences(t, SequenceOptions{Collapse: true, Unprompted: true}, people(
		view("ana", "tea", day(1)), prompted(view("ana", "cup", day(2))), view("ana", "tea", day(3)), // the cup was not asked for
		prompted(view("ana", "tin", day(4))), prompted(purchase("ana", "tin", day(5), 500)), prompted(view("ana", "pot", day(6))),
		prompted(view("bo", "cup", day(1))),
	))
	if got := fmt.Sprint(q.People, items(q, 0), q.Items); got != "[ana] [tea tin] [tea tin]" {
		t.Errorf("people, steps and items are %s", got)
	}
}

// Channels, campaigns and the catalogue come with the steps; a campaign of four events has no name of its own.
func TestSequencesKnowTheirContext(t *testing.T) {
	var events []bellwether.Event
	for i := range 9 {
		e := view("ana", []string{"tea", "cup", "tin"}[i%3], day(i))
		e.Channel, e.Campaign = "email", "spring"
		if i%2 == 1 {
			e.Channel, e.Campaign = "search", "rare"
		}
		events = append(events, e)
	}
	who := people(append(events, view("ana", "pot", day(9)))...)
	o := SequenceOptions{Items: map[bellwether.ItemID]*bellwether.Item{
		"tea": {ID: "tea", Category: "drinks", Title: "Green tea"}, "pot": {ID: "pot"}, "unseen": {ID: "unseen", Category: "x"},
	}}
	s := sequences(t, o, who)
	if diff := cmp.Diff([]bellwether.Channel{"email", "search"}, s.Channels) + cmp.Diff([]bellwether.CampaignID{"spring"}, s.Campaigns); diff != "" {
		t.Error(diff)
	}
	first, second, last := s.Steps[0][0], s.Steps[0][1], s.Steps[0][9]
	if first.Channel != 1 || first.Campaign != 1 || second.Channel != 2 || second.Campaign != 0 || last.Channel != 0 || last.Campaign != 0 {
		t.Errorf("steps %+v, %+v … %+v", first, second, last)
	}
	if diff := cmp.Diff([]string{"drinks", "", "", ""}, s.Categories); diff != "" {
		t.Error(diff)
	}
	if len(s.Content) != 4*hashedWidth || length(s.Content[:hashedWidth]) != 1 || length(s.Content[hashedWidth:]) != 0 {
		t.Errorf("content of %d numbers", len(s.Content))
	}
	if s = sequences(t, SequenceOptions{}, who); s.Categories != nil || s.Content != nil {
		t.Errorf("without a catalogue: %v, %v", s.Categories, len(s.Content))
	}
}

// TestSequencesEqualThePlainReference builds the same from names, person by person, in a few lines.
func TestSequencesEqualThePlainReference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		who := drawPeople(t)
		o := SequenceOptions{Collapse: rapid.Bool().Draw(t, "collapse"), Currency: "EUR"}
		q, err := pass(t, NewSequences(o), 1, whole, who).Data()
		want := map[bellwether.Subject][]string{}
		for _, p := range who {
			var list []string
			last := bellwether.ItemID("")
			for i := range p.Events {
				e := &p.Events[i]
				if e.Item == "" || e.Type == bellwether.ViewItemList || !e.Type.Personal() {
					continue
				}
				if o.Collapse && e.Item == last {
					continue
				}
				last = e.Item
				list = append(list, fmt.Sprint(e.Item, " ", e.Occurred.Unix()))
			}
			if len(list) > 0 {
				want[p.Subject] = list
			}
		}
		if len(want) == 0 {
			if !errors.Is(err, ErrNoData) {
				t.Fatal(err)
			}
			return
		}
		got := map[bellwether.Subject][]string{}
		for p, steps := range q.Steps {
			for _, s := range steps {
				got[q.People[p]] = append(got[q.People[p]], fmt.Sprint(q.Items[s.Item], " ", s.Time))
			}
			if n := len(steps); n < 3 && q.TrainEnd[p] != n || n >= 3 && q.TrainEnd[p] != n-2 {
				t.Fatalf("%d steps, of which %d may be fitted", n, q.TrainEnd[p])
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
	})
}

// TestSequencesDoNotDependOnParts: however people are cut into parts, and in whatever order they come, with a budget that
// leaves some of them out or without, the same comes out to the bit.
func TestSequencesDoNotDependOnParts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		who := drawPeople(t)
		for n, p := range drawPeople(t) {
			p.Subject = bellwether.Subject(fmt.Sprint("other ", n))
			who = append(who, p)
		}
		o := SequenceOptions{
			Protocol: rapid.SampledFrom([]Protocol{LeaveOneOut, Temporal}).Draw(t, "protocol"), Collapse: true, Unprompted: true,
			Steps: int64(rapid.IntRange(1, 150).Draw(t, "budget")), Items: catalogue, Currency: "EUR",
		}
		one := pass(t, NewSequences(o), 1, whole, who)
		parts := rapid.IntRange(1, 5).Draw(t, "parts")
		place := map[*history.Person]int{}
		for _, p := range who {
			place[p] = rapid.IntRange(0, parts-1).Draw(t, "part")
		}
		who = rapid.Permutation(who).Draw(t, "order")
		other := pass(t, NewSequences(o), parts, func(p *history.Person) int { return place[p] }, who)
		a, errA := one.Data()
		b, errB := other.Data()
		if diff := cmp.Diff(a, b); diff != "" || (errA == nil) != (errB == nil) || one.Share() != other.Share() {
			t.Fatalf("%v, %v, shares %g and %g\n%s", errA, errB, one.Share(), other.Share(), diff)
		}
		if a != nil && int64(a.Count()) > o.Steps {
			t.Fatalf("%d steps are kept of a budget of %d", a.Count(), o.Steps)
		}
	})
}

// TestSequencesOfASample: the share that is said is the share that is kept, and as many as the budget allows but for a tenth.
func TestSequencesOfASample(t *testing.T) {
	var who []*history.Person
	for n := range 20_000 {
		name := fmt.Sprint("person-", n)
		who = append(who, people(view(name, "tea", day(1)), view(name, "cup", day(2)), view(name, "tin", day(3)))...)
	}
	s := pass(t, NewSequences(SequenceOptions{Steps: 15_000}), 4, func(p *history.Person) int { return len(p.Subject) % 4 }, who)
	q, err := s.Data()
	if err != nil {
		t.Fatal(err)
	}
	if share := float64(len(q.People)) / 20_000; math.Abs(share-s.Share()) > 4*math.Sqrt(share/20_000) {
		t.Errorf("%.4f of the people are kept, %.4f are said to be", share, s.Share())
	}
	if n := q.Count(); n > 15_000 || n < 13_000 || s.Kept() != int64(n) {
		t.Errorf("%d steps are kept of a budget of 15,000, %d are said to be", n, s.Kept())
	}
}

// TestByTimes: one cut in time where times are real and enough people come back after it; else each person's last step is left out.
func TestByTimes(t *testing.T) {
	crowd := func(at func(person, step int) time.Time) *bellwether.Sequences {
		var who []*history.Person
		for p := range 100 {
			var events []bellwether.Event
			for i := range 10 + p%3 {
				events = append(events, view(fmt.Sprint("p", p), fmt.Sprint("item ", i), at(p, i)))
			}
			who = append(who, people(events...)...)
		}
		return sequences(t, SequenceOptions{Protocol: ByTimes, Known: KnownOccurred}, who)
	}
	for name, c := range map[string]struct {
		at       func(person, step int) time.Time
		temporal bool
	}{
		"real times":              {func(p, i int) time.Time { return day(7*i + p%7).Add(time.Duration(p) * time.Second) }, true},
		"all begin at one moment": {func(_, i int) time.Time { return day(i) }, false},
		"few come after the cut": {func(p, i int) time.Time {
			if p < 80 {
				return day(0).Add(time.Duration(100*i+p) * time.Second)
			}
			return day(10 + 10*i + p).Add(time.Duration(p) * time.Second)
		}, false},
	} {
		s := crowd(c.at)
		kept := 0 // people of whom not the last two steps alone are kept back
		for p, end := range s.TrainEnd {
			if end != len(s.Steps[p])-2 {
				kept++
			}
		}
		if temporal := kept > 0; temporal != c.temporal {
			t.Errorf("%s: of %d people other than the last two steps are kept back", name, kept)
		}
	}
}

// TestSequencesKnowWhatWasBought: a purchase makes the step that it is in one of a bought item, whatever came after it about that item.
func TestSequencesKnowWhatWasBought(t *testing.T) {
	s := sequences(t, SequenceOptions{Collapse: true, Exclude: bellwether.ExcludePurchased}, people(
		view("ana", "tea", day(1)), purchase("ana", "tea", day(2), 500), view("ana", "tea", day(3)), view("ana", "cup", day(4)),
	))
	if steps := s.Steps[0]; len(steps) != 2 || !steps[0].Bought || steps[1].Bought {
		t.Errorf("steps %+v", steps)
	}
	if left := s.Served.Withhold(nil, s.Steps[0], 0); len(left) != 1 || s.Items[left[0]] != "tea" {
		t.Errorf("withheld are %v", left)
	}
}

func TestOffered(t *testing.T) {
	o := Offered([]bellwether.ItemID{"tea", "cup", "pot"}, map[bellwether.ItemID]*bellwether.Item{"cup": {From: day(2), To: day(5)}}, bellwether.ExcludeNone)
	for at, want := range map[int]string{1: "[1]", 2: "[]", 4: "[]", 5: "[1]"} {
		if got := fmt.Sprint(o.Withhold(nil, nil, day(at).Unix())); got != want {
			t.Errorf("on day %d %s are withheld, want %s", at, got, want)
		}
	}
	if o = Offered([]bellwether.ItemID{"tea"}, nil, bellwether.ExcludeSeen); o.From != nil || o.Exclude != bellwether.ExcludeSeen {
		t.Errorf("without a catalogue %+v", o)
	}
}
