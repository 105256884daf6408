package measure

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"bellwether"
	"bellwether/history"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// arrives delays the arrival of an event by hours.
func arrives(hours int) func(*bellwether.Event) {
	return func(e *bellwether.Event) { e.Received = e.Occurred.Add(time.Duration(hours) * hour) }
}

func inOrder(id string) func(*bellwether.Event) {
	return func(e *bellwether.Event) { e.Order = id }
}

func someone(decisions []bellwether.Decision, events ...bellwether.Event) *history.Person {
	slices.SortStableFunc(events, func(a, b bellwether.Event) int { return a.Occurred.Compare(b.Occurred) })
	return &history.Person{Subject: "s", Known: true, Bucket: bellwether.Buckets - 1, Decisions: decisions, Events: events}
}

func options(asOf int) JoinOptions {
	return JoinOptions{AsOf: epoch.Add(time.Duration(asOf) * hour), Prices: catalogue()}
}

// fataler is a testing.T or a rapid.T.
type fataler interface {
	Helper()
	Fatal(...any)
}

func settle(t fataler, p *history.Person, o JoinOptions) (settled, open []bellwether.Outcome, counts JoinCounts) {
	t.Helper()
	settled, open, counts, err := Settle(p, o)
	if err != nil {
		t.Fatal(err)
	}
	return settled, open, counts
}

func TestSettleWaitsForWindowsAndLateEvents(t *testing.T) {
	const over = 7*24 + 48 // the default rule's longest window, and the default allowance
	for _, c := range []struct {
		name             string
		hours, early     int
		settled, matured bool
	}{
		{"windows run", 7*24 - 1, 0, false, false},
		{"windows are over", 7 * 24, 0, false, true},
		{"a moment before the allowance is", over, 1, false, true},
		{"the allowance is over", over, 0, true, true},
	} {
		o := options(c.hours)
		o.AsOf = o.AsOf.Add(-time.Duration(c.early))
		settled, open, counts := settle(t, someone([]bellwether.Decision{slate("d", "s", 0, "a")}), o)
		if len(settled)+len(open) != 1 || (len(settled) == 1) != c.settled || counts.Settled != int64(len(settled)) || counts.Decisions != 1 {
			t.Errorf("%s: settled %v, open %v, counts %+v", c.name, settled, open, counts)
			continue
		}
		if got := append(settled, open...)[0]; got.Matured != c.matured {
			t.Errorf("%s: matured %v", c.name, got.Matured)
		}
	}
}

// TestSettledOutcomeStandsForItsDecision: it has what later figures need, and is a valid record.
func TestSettledOutcomeStandsForItsDecision(t *testing.T) {
	d := slate("d", "s", 0, "a", "b")
	d.Model, d.Holdout, d.Evaluable = "m/1", true, true
	p := someone([]bellwether.Decision{d}, event("p", bellwether.Purchase, "s", 1, item("b"), costs(1000)))
	settled, _, _ := settle(t, p, options(1000))
	want := bellwether.Outcome{
		Decision: "d", Time: epoch, Subject: "s", Surface: "home", Policy: "test/1", Model: "m/1", Holdout: true, Slate: true, Evaluable: true,
		Actions: []string{"a", "b"}, Rule: "last-touch, click 7 d, view 1 d", Matured: true, Events: []bellwether.EventID{"p"},
		Rewards:   map[string]float64{Conversion: 1, Revenue: 10, Margin: 7},
		Positions: map[string][]float64{Conversion: {0, 1}, Revenue: {0, 10}, Margin: {0, 7}},
	}
	if diff := cmp.Diff([]bellwether.Outcome{want}, settled); diff != "" {
		t.Error(diff)
	}
	if err := settled[0].Validate(); err != nil {
		t.Error(err)
	}
}

// TestWhatIsNotCredited names each reason for an outcome to be organic.
func TestWhatIsNotCredited(t *testing.T) {
	old := bellwether.Outcome{Decision: "old", Time: epoch.Add(-400 * hour), Slate: true, Actions: []string{"a"}, Rule: Rule{}.String(), Matured: true, Events: []bellwether.EventID{"sold"}}
	open := []bellwether.Decision{slate("d", "s", 0, "a")}
	for _, c := range []struct {
		name   string
		events []bellwether.Event
		want   JoinCounts
	}{
		{"a decision that nobody knows", []bellwether.Event{event("e", bellwether.SelectItem, "s", 1, item("a"), names("lost"))}, JoinCounts{Organic: 1, Unknown: 1}},
		{"a decision about somebody else", []bellwether.Event{event("e", bellwether.SelectItem, "s", 1, item("a"), names("theirs"))}, JoinCounts{Organic: 1, Elsewhere: 1}},
		{"a decision that was settled, after its window", []bellwether.Event{event("e", bellwether.SelectItem, "s", 1, item("a"), names("old"))}, JoinCounts{Organic: 1}},
		{"a decision that was settled, in its window", []bellwether.Event{event("e", bellwether.SelectItem, "s", -300, item("a"), names("old"), arrives(400))}, JoinCounts{Organic: 1, Late: 1}},
		{"a decision that is yet to come", []bellwether.Event{event("e", bellwether.SelectItem, "s", 1, item("a"), names("later"))}, JoinCounts{Organic: 1}},
		{"in time", []bellwether.Event{event("e", bellwether.SelectItem, "s", 1, item("a"), arrives(48))}, JoinCounts{Credited: 1}},
		{"late", []bellwether.Event{event("e", bellwether.SelectItem, "s", 1, item("a"), arrives(49))}, JoinCounts{Organic: 1, Late: 1}},
		{"late, and of nothing", []bellwether.Event{event("e", bellwether.SelectItem, "s", 1, item("c"), arrives(49))}, JoinCounts{Organic: 1, Late: 1}},
		{"not here yet", []bellwether.Event{event("e", bellwether.SelectItem, "s", 1, item("a"), arrives(500))}, JoinCounts{}},
		{"an exposure that names nothing known", []bellwether.Event{event("e", bellwether.ViewItemList, "s", 1, names("lost"))}, JoinCounts{}},
		{"a late exposure", []bellwether.Event{event("e", bellwether.ViewItemList, "s", 1, names("d"), arrives(49))}, JoinCounts{}},
		{
			"credited before",
			[]bellwether.Event{event("sold", bellwether.Purchase, "s", -390, item("a"), costs(1000), inOrder("o"))},
			JoinCounts{Credited: 1, Sales: 1},
		},
		{
			"a refund of what was credited before",
			[]bellwether.Event{event("sold", bellwether.Purchase, "s", -390, item("a"), costs(1000), inOrder("o")), event("r", bellwether.Refund, "s", 1, item("a"), costs(1000), inOrder("o"))},
			JoinCounts{Credited: 1, Organic: 1, LateRefunds: 1, Refunds: 1, Sales: 2},
		},
		{
			"a refund after the windows of an open decision",
			[]bellwether.Event{event("e", bellwether.Purchase, "s", 2, item("a"), costs(1000), inOrder("o")), event("r", bellwether.Refund, "s", 169, item("a"), costs(1000), inOrder("o"))},
			JoinCounts{Credited: 1, Organic: 1, LateRefunds: 1, Refunds: 1, Sales: 2},
		},
		{
			"a refund within them",
			[]bellwether.Event{event("e", bellwether.Purchase, "s", 2, item("a"), costs(1000), inOrder("o")), event("r", bellwether.Refund, "s", 168, item("a"), costs(1000), inOrder("o"))},
			JoinCounts{Credited: 2, Refunds: 1, Sales: 2},
		},
		{
			"a refund within them that arrives late",
			[]bellwether.Event{event("e", bellwether.Purchase, "s", 2, item("a"), costs(1000), inOrder("o")), event("r", bellwether.Refund, "s", 3, item("a"), costs(1000), inOrder("o"), arrives(49))},
			JoinCounts{Credited: 1, Organic: 1, Late: 1, LateRefunds: 1, Refunds: 1, Sales: 2},
		},
		{
			"a refund of an organic sale",
			[]bellwether.Event{event("e", bellwether.Purchase, "s", 2, item("c"), costs(1000), inOrder("o")), event("r", bellwether.Refund, "s", 3, item("c"), costs(1000), inOrder("o"))},
			JoinCounts{Organic: 2, Refunds: 1, Sales: 2},
		},
	} {
		p := someone(append(slices.Clone(open), slate("later", "s", 201, "a")), c.events...)
		p.Outcomes = []bellwether.Outcome{old}
		o := options(200)
		o.Known = func(id bellwether.DecisionID) (bool, error) { return id == "theirs", nil }
		settled, _, got := settle(t, p, o)
		c.want.Decisions, c.want.Settled = 2, 1
		if diff := cmp.Diff(c.want, got); diff != "" || len(settled) > 0 {
			t.Errorf("%s: settled %v\n%s", c.name, settled, diff)
		}
	}
}

func TestAFailedLookUpIsAnError(t *testing.T) {
	broken := errors.New("disk gone")
	o := options(200)
	o.Known = func(bellwether.DecisionID) (bool, error) { return false, broken }
	if _, _, _, err := Settle(someone(nil, event("e", bellwether.SelectItem, "s", 1, names("d"))), o); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

func TestAWindowForRefundsTakesThemOff(t *testing.T) {
	p := someone([]bellwether.Decision{slate("d", "s", 0, "a")},
		event("e", bellwether.Purchase, "s", 2, item("a"), costs(1000), inOrder("o")),
		event("r", bellwether.Refund, "s", 20*24, item("a"), costs(1000), inOrder("o")))
	o := options(25 * 24)
	o.Rule.Windows = map[bellwether.EventType]time.Duration{bellwether.Refund: 30 * 24 * hour}
	if settled, open, _ := settle(t, p, o); len(settled) != 0 || open[0].Rewards[Revenue] != 0 || open[0].Rewards[Conversion] != 1 {
		t.Errorf("settled %v, open %+v", settled, open)
	}
}

// TestSettlingDoesNotDependOnWhen: a turn a day, each of which sees only what had arrived, settles each decision once, and as the
// one turn at the end does, whatever comes late or names what.
func TestSettlingDoesNotDependOnWhen(t *testing.T) {
	kinds := []bellwether.EventType{bellwether.SelectItem, bellwether.ViewItemList, bellwether.Purchase, bellwether.Refund, bellwether.Survey, bellwether.Engagement}
	rapid.Check(t, func(t *rapid.T) {
		pickOne := func(label string, values ...string) string { return rapid.SampledFrom(values).Draw(t, label) }
		var decisions []bellwether.Decision
		for i := range rapid.IntRange(1, 8).Draw(t, "decisions") {
			d := slate(fmt.Sprintf("d%d", i), "s", rapid.IntRange(0, 400).Draw(t, "hour"), "a", "b")
			if rapid.Bool().Draw(t, "single") {
				d = single(string(d.ID), "s", int(d.Time.Sub(epoch)/hour), pickOne("action", "send", "a"))
			}
			decisions = append(decisions, d)
		}
		slices.SortStableFunc(decisions, func(a, b bellwether.Decision) int { return a.Time.Compare(b.Time) })
		var events []bellwether.Event
		for i := range rapid.IntRange(0, 30).Draw(t, "events") {
			e := event(fmt.Sprintf("e%d", i), rapid.SampledFrom(kinds).Draw(t, "kind"), "s", rapid.IntRange(0, 700).Draw(t, "hour"))
			e.Item = bellwether.ItemID(pickOne("item", "", "a", "b", "c"))
			e.Decision = bellwether.DecisionID(pickOne("named", "", "", "d0", "d3"))
			e.Order = pickOne("order", "", "o1")
			arrives(rapid.SampledFrom([]int{0, 0, 30, 100, 300}).Draw(t, "delay"))(&e)
			events = append(events, e)
		}
		whole := someone(decisions, events...)
		want, _, all := settle(t, whole, options(2000))

		var daily []bellwether.Outcome
		var last JoinCounts
		for asOf := 0; asOf <= 2000; asOf += 24 {
			o := options(asOf)
			p := someone(nil)
			p.Outcomes = daily
			done := map[bellwether.DecisionID]bool{}
			for i := range daily {
				done[daily[i].Decision] = true
			}
			for _, d := range decisions {
				if !d.Time.After(o.AsOf) && !done[d.ID] {
					p.Decisions = append(p.Decisions, d)
				}
			}
			for _, e := range whole.Events {
				if !e.Received.After(o.AsOf) {
					p.Events = append(p.Events, e)
				}
			}
			settled, open, counts := settle(t, p, o)
			credited := map[bellwether.EventID]bool{}
			for _, x := range slices.Concat(daily, settled, open) {
				for _, id := range x.Events {
					if credited[id] {
						t.Fatalf("at %d h, %s is credited twice", asOf, id)
					}
					credited[id] = true
				}
			}
			daily, last = append(daily, settled...), counts
		}
		byID := func(list []bellwether.Outcome) map[bellwether.DecisionID]bellwether.Outcome {
			out := map[bellwether.DecisionID]bellwether.Outcome{}
			for _, x := range list {
				out[x.Decision] = x
			}
			return out
		}
		if len(daily) != len(want) || len(want) != len(decisions) {
			t.Fatalf("%d settled day by day, %d at once, of %d", len(daily), len(want), len(decisions))
		}
		if diff := cmp.Diff(byID(want), byID(daily)); diff != "" {
			t.Fatal(diff)
		}
		if last != all {
			t.Fatalf("counts differ: at once %+v, day by day %+v", all, last)
		}
	})
}

// TestADecisionCountsOnce, logged twice or settled already.
func TestADecisionCountsOnce(t *testing.T) {
	d := slate("d", "s", 0, "a")
	p := someone([]bellwether.Decision{d, d, slate("old", "s", 1, "a"), slate("other", "s", 2, "b")})
	p.Outcomes = []bellwether.Outcome{{Decision: "old", Time: epoch.Add(hour), Rule: Rule{}.String(), Matured: true}}
	if settled, open, counts := settle(t, p, options(5)); len(settled) != 0 || len(open) != 2 || counts.Repeated != 2 || counts.Decisions != 3 {
		t.Errorf("settled %v, open %v, counts %+v", settled, open, counts)
	}
}

// TestOnlyAnActionThatIsNoItemShowsEverything: a list or an item shows what it names, in the catalogue or not.
func TestOnlyAnActionThatIsNoItemShowsEverything(t *testing.T) {
	for _, c := range []struct {
		name     string
		decision bellwether.Decision
		credited int64
	}{
		{"a message", single("d", "s", 0, "send"), 1},
		{"one item", single("d", "s", 0, "a"), 0},
		{"a list of items that the catalogue has", slate("d", "s", 0, "a", "c"), 0},
		{"a list of items that it has not", slate("d", "s", 0, "x", "y"), 0},
	} {
		p := someone([]bellwether.Decision{c.decision}, event("e", bellwether.Purchase, "s", 1, item("b")))
		if _, _, counts := settle(t, p, options(5)); counts.Credited != c.credited {
			t.Errorf("%s: %d credited, want %d", c.name, counts.Credited, c.credited)
		}
	}
}
