package prepare

import (
	"context"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"bellwether"
)

// value returns a table's cell as a number, or as a level.
func value(t *testing.T, table *bellwether.Table, column string, row int) any {
	t.Helper()
	for i := range table.Columns {
		c := &table.Columns[i]
		switch {
		case c.Name != column:
		case !c.Categorical():
			return c.Numbers[row]
		case c.Codes[row] < 0:
			return ""
		default:
			return c.Levels[c.Codes[row]]
		}
	}
	t.Fatalf("no column %s", column)
	return nil
}

func TestCustomerTable(t *testing.T) {
	device := view("1", "ana", "cup", day(60))
	device.Channel, device.Session = "email", "s1"
	device.Traits = map[string]any{"device": "phone"}
	second := purchase("3", "ana", "Tea", day(90), 2000)
	second.Quantity, second.Order = 2, "order of 2" // the same order as the first line
	first := purchase("2", "ana", "cup", day(90), 500)
	first.Order, first.Session, second.Session = "order of 2", "s2", "s2"
	secret := view("7", "bo", "cup", day(80))
	secret.Received = day(130) // received after the cut
	c := clean(t, Input{Items: catalogue, Events: all(
		device, first, second, view("4", "ana", "Tea", day(99)),
		view("5", "bo", "cup", day(50)), view("6", "bo", "cup", day(50).Add(time.Hour)), secret,
		purchase("8", "bo", "cup", day(110), 500), purchase("9", "ana", "cup", day(140), 500), view("10", "late", "cup", day(101)),
	)})
	table, err := CustomerTable(c, TableOptions{Cut: day(100)})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]bellwether.Subject{"ana", "bo"}, table.Subjects) + cmp.Diff([]float64{0, 1}, table.Target); diff != "" {
		t.Fatal(diff)
	}
	for column, want := range map[string][2]any{
		"recency": {10., math.NaN()}, "frequency": {1., 0.}, "monetary": {45., 0.}, "average_order": {45., math.NaN()},
		"tenure": {40., 50.}, "days_since_seen": {1., 49 + 23./24}, "sessions": {3., 2.}, "events": {4., 2.},
		"view_item_7d": {1., 0.}, "view_item_30d": {1., 0.}, "view_item_90d": {2., 2.}, "purchase_30d": {2., 0.},
		"days_since_view_item": {1., 49 + 23./24}, "favourite_category": {"food", "kitchen"}, "channel": {"email", ""}, "device": {"phone", ""},
	} {
		got := [2]any{value(t, table, column, 0), value(t, table, column, 1)}
		if diff := cmp.Diff(want, got, cmpopts.EquateNaNs(), cmpopts.EquateApprox(0, 1e-9)); diff != "" {
			t.Errorf("%s: %s", column, diff)
		}
	}
	churn, err := CustomerTable(c, TableOptions{Cut: day(100), Target: TargetChurn})
	if err != nil {
		t.Fatal(err)
	}
	if len(churn.Subjects) != 1 || churn.Subjects[0] != "ana" || churn.Target[0] != 1 {
		t.Errorf("churn: %v %v, want ana alone, who buys again too late", churn.Subjects, churn.Target)
	}
}

func TestCustomerTableErrors(t *testing.T) {
	c := clean(t, Input{Events: all(view("1", "ana", "cup", day(10)), view("2", "ana", "cup", day(50)))})
	for name, o := range map[string]TableOptions{
		"unknown target":         {Target: "joy"},
		"target not yet known":   {Cut: day(40)},
		"cut before everything":  {Cut: day(1)},
		"churn without purchase": {Cut: day(12), Target: TargetChurn},
	} {
		if _, err := CustomerTable(c, o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestFeaturesDoNotSeeTheFuture: for any log, an event that is received after the cut changes no feature,
// be it a login, an alias or a purchase: the table's features are those of the log without it.
func TestFeaturesDoNotSeeTheFuture(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var log []bellwether.Event
		for _, e := range drawLog(t) { // rules that learn from the whole log find nothing in these
			if e.Price.Amount != 100_000 && e.Quantity != 5000 {
				log = append(log, e)
			}
		}
		seen := map[bellwether.EventID]bool{}
		for i := range log {
			for seen[log[i].ID] {
				log[i].ID += "+"
			}
			seen[log[i].ID] = true
		}
		if len(log) == 0 {
			return
		}
		cut := day(rapid.IntRange(1, 100).Draw(t, "cut"))
		k := rapid.IntRange(0, len(log)-1).Draw(t, "shifted")
		without := append(append([]bellwether.Event{}, log[:k]...), log[k+1:]...)
		log[k].Received = cut.Add(time.Duration(rapid.IntRange(1, 1e9).Draw(t, "by")))
		if o := log[k].Occurred; o.After(cut) || o.Sub(log[k].Received) > maxAhead {
			log[k].Occurred = cut.Add(-time.Hour)
		}
		features := func(events []bellwether.Event) *bellwether.Table {
			c, err := Clean(context.Background(), Input{Events: all(events...), Items: catalogue, AsOf: day(400)})
			if err != nil {
				t.Fatal(err)
			}
			table, err := CustomerTable(c, TableOptions{Cut: cut})
			if err != nil {
				return &bellwether.Table{}
			}
			table.Target, table.Split = nil, nil // both look at what came later
			return table
		}
		if diff := cmp.Diff(features(without), features(log), cmpopts.EquateNaNs()); diff != "" {
			t.Fatalf("an event received after the cut changed a feature (-without +shifted):\n%s", diff)
		}
	})
}

// TestFeaturesEqualTheTable: what a request reads is what the model learned from.
func TestFeaturesEqualTheTable(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		cut := day(60)
		c, err := Clean(context.Background(), Input{Events: all(drawLog(rt)...), Items: catalogue, AsOf: day(400)})
		if err != nil {
			rt.Fatal(err)
		}
		table, err := CustomerTable(c, TableOptions{Cut: cut})
		if err != nil {
			return
		}
		subject := c.subjectsAt(cut)
		for row, name := range table.Subjects {
			var events []bellwether.Event
			for i, e := range c.Events {
				if subject(i) == name {
					events = append(events, e)
				}
			}
			one, err := Features(events, name, cut, c.Currency, c.Items...)
			if err != nil {
				rt.Fatal(err)
			}
			for i := range table.Columns {
				column := table.Columns[i].Name
				if diff := cmp.Diff(value(t, table, column, row), value(t, one, column, 0), cmpopts.EquateNaNs()); diff != "" {
					rt.Fatalf("%s of %s (-table +request):\n%s", column, name, diff)
				}
			}
		}
	})
}

func TestSplitRows(t *testing.T) {
	count := func(s []bellwether.Split) (n [3]int) {
		for _, part := range s {
			n[part]++
		}
		return n
	}
	target := alternating(1000)
	a := SplitRows(target, 0, 0, 0)
	if got := count(a); got != [3]int{640, 160, 200} {
		t.Errorf("train, validation, test: %v", got)
	}
	if diff := cmp.Diff(a, SplitRows(target, .2, .2, 42)); diff != "" {
		t.Errorf("the defaults are 80/20 with seed 42:\n%s", diff)
	}
	if cmp.Equal(a, SplitRows(target, 0, 0, 43)) {
		t.Error("another seed gives the same split")
	}
	if got := count(SplitRows(target[:10], .2, -1, 1)); got != [3]int{8, 0, 2} {
		t.Errorf("no validation: %v", got)
	}
	if got := count(SplitRows([]float64{3, 1, 4, 1, 5, 9, 2, 6, 5, 3}, .2, -1, 1)); got != [3]int{8, 0, 2} {
		t.Errorf("a target of numbers: %v", got)
	}
}

// TestSplitRowsByClass holds that every part has its share of a rare class.
func TestSplitRowsByClass(t *testing.T) {
	target := make([]float64, 1000)
	for i := range 50 {
		target[i*20] = 1
	}
	var positives [3]int
	for i, part := range SplitRows(target, 0, 0, 0) {
		positives[part] += int(target[i])
	}
	if positives != [3]int{32, 8, 10} {
		t.Errorf("positives by part: %v", positives)
	}
}

// alternating is a target of n rows: 0, 1, 0, 1, …
func alternating(n int) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = float64(i % 2)
	}
	return out
}
