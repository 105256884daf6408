package dataset

import (
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"bellwether"
	"bellwether/history"
)

// value returns a table's cell as a number, or as a level.
func value(t interface{ Fatalf(string, ...any) }, table *bellwether.Table, column string, row int) any {
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

func customers(t testing.TB, o TableOptions, people []*history.Person) *bellwether.Table {
	t.Helper()
	table, err := pass(t, NewCustomers(o), 1, whole, people).Data()
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func TestCustomerTable(t *testing.T) {
	device := view("ana", "cup", day(60))
	device.Channel, device.Session = "email", "s1"
	device.Traits = map[string]any{"device": "phone"}
	second := purchase("ana", "tea", day(90), 2000)
	second.Quantity, second.Order = 2, "order of 2" // the same order as the first line
	first := purchase("ana", "cup", day(90), 500)
	first.Order, first.Session, second.Session = "order of 2", "s2", "s2"
	secret := view("bo", "cup", day(80))
	secret.Received = day(130) // received after the cut
	who := people(
		device, first, second, view("ana", "tea", day(99)),
		view("bo", "cup", day(50)), view("bo", "cup", day(50).Add(time.Hour)), secret,
		purchase("bo", "cup", day(110), 500), purchase("ana", "cup", day(140), 500), view("late", "cup", day(101)),
	)
	o := TableOptions{Cut: day(100), AsOf: day(150), Items: catalogue, Currency: "EUR"}
	table := customers(t, o, who)
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
	o.Target = TargetChurn
	if churn := customers(t, o, who); len(churn.Subjects) != 1 || churn.Subjects[0] != "ana" || churn.Target[0] != 1 {
		t.Errorf("churn: %v %v, want ana alone, who buys again too late", churn.Subjects, churn.Target)
	}
}

func TestCustomerTableErrors(t *testing.T) {
	who := people(view("ana", "cup", day(10)), view("ana", "cup", day(50)))
	for name, test := range map[string]struct {
		o      TableOptions
		noData bool
	}{
		"unknown target":         {TableOptions{Target: "joy"}, false},
		"target not yet known":   {TableOptions{Cut: day(40)}, false},
		"cut before everything":  {TableOptions{Cut: day(1)}, true},
		"churn without purchase": {TableOptions{Cut: day(12), Target: TargetChurn}, true},
	} {
		test.o.AsOf = day(50)
		if _, err := pass(t, NewCustomers(test.o), 1, whole, who).Data(); err == nil || errors.Is(err, ErrNoData) != test.noData {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A device that signed in after the cut is a row of its own, whose target is what the person did who it turned out to be.
func TestCustomersBeforeTheirLogin(t *testing.T) {
	p := people(view("ana", "cup", day(10)), view("ana", "tea", day(11)), purchase("ana", "tea", day(60), 500))[0]
	p.Identities = append(p.Identities, history.Identity{ID: "~phone", Parent: 0, Since: day(55).UnixNano()})
	p.Owners[1] = 1
	o := TableOptions{Cut: day(50), AsOf: day(80), Currency: "EUR"}
	table := customers(t, o, []*history.Person{p})
	if diff := cmp.Diff([]bellwether.Subject{"ana", "~phone"}, table.Subjects) + cmp.Diff([]float64{1, 1}, table.Target); diff != "" {
		t.Error(diff)
	}
	p.Identities[1].Since = day(49).UnixNano()
	if table = customers(t, o, []*history.Person{p}); table.Rows() != 1 || value(t, table, "events", 0) != 2. {
		t.Errorf("a login that was known: %v", table.Subjects)
	}
}

// A history that was imported after the fact is taken as known from when it occurred; one with a few late events is not.
func TestCustomersOfAnImportedHistory(t *testing.T) {
	imported, live := people(view("ana", "cup", day(10)), view("bo", "cup", day(12))), people(view("cy", "tea", day(20)), view("di", "tea", day(21)), view("eve", "tea", day(22)))
	for _, p := range imported {
		p.Events[0].Received = day(70)
	}
	o := TableOptions{Cut: day(50), AsOf: day(80)}
	if table := customers(t, o, append(imported, live[0])); fmt.Sprint(table.Subjects) != "[ana bo cy]" {
		t.Errorf("most was imported: %v", table.Subjects)
	}
	if table := customers(t, o, append(imported, live...)); fmt.Sprint(table.Subjects) != "[cy di eve]" {
		t.Errorf("most was not imported: %v", table.Subjects)
	}
}

// TestFeaturesDoNotSeeTheFuture: for any people, an event or a login that is received after the cut changes no feature: the table's
// features are those of the people without it.
func TestFeaturesDoNotSeeTheFuture(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		who, cut := drawPeople(t), day(rapid.IntRange(1, 100).Draw(t, "cut"))
		features := func() *bellwether.Table {
			o := TableOptions{Cut: cut, AsOf: day(400), Items: catalogue, Currency: "EUR", Known: KnownReceived}
			table, err := pass(t, NewCustomers(o), 1, whole, who).Data()
			if err != nil {
				return &bellwether.Table{}
			}
			table.Target, table.Split = nil, nil // both look at what came later
			return table
		}
		p := rapid.SampledFrom(who).Draw(t, "person")
		for i := range p.Identities {
			if p.Identities[i].Since > cut.UnixNano() {
				p.Identities[i].Since += int64(rapid.IntRange(0, 1e9).Draw(t, "later"))
			}
		}
		if len(p.Events) == 0 {
			return
		}
		k := rapid.IntRange(0, len(p.Events)-1).Draw(t, "shifted")
		p.Events[k].Received = cut.Add(time.Duration(rapid.IntRange(1, 1e9).Draw(t, "by")))
		with := features()
		p.Events = append(append([]bellwether.Event{}, p.Events[:k]...), p.Events[k+1:]...)
		p.Owners = append(append([]int32{}, p.Owners[:k]...), p.Owners[k+1:]...)
		if diff := cmp.Diff(features(), with, cmpopts.EquateNaNs()); diff != "" {
			t.Fatalf("an event received after the cut changed a feature (-without +shifted):\n%s", diff)
		}
	})
}

// TestFeaturesEqualTheTable: what a request reads is what the model learned from.
func TestFeaturesEqualTheTable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		who, cut := drawPeople(t), day(60)
		o := TableOptions{Cut: cut, AsOf: day(400), Items: catalogue, Currency: "EUR", Known: KnownReceived}
		table, err := pass(t, NewCustomers(o), 1, whole, who).Data()
		if err != nil {
			return
		}
		for row, name := range table.Subjects {
			for _, p := range who {
				if p.Subject != name {
					continue
				}
				one, err := Features(p, cut, o)
				if err != nil {
					t.Fatal(err)
				}
				for i := range table.Columns {
					column := table.Columns[i].Name
					if diff := cmp.Diff(value(t, table, column, row), value(t, one, column, 0), cmpopts.EquateNaNs()); diff != "" {
						t.Fatalf("%s of %s (-table +request):\n%s", column, name, diff)
					}
				}
			}
		}
	})
}

// TestCustomersDoNotDependOnParts: however people are cut into parts, with a budget or without, the same table comes out.
func TestCustomersDoNotDependOnParts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		who := drawPeople(t)
		o := TableOptions{Cut: day(60), AsOf: day(400), Items: catalogue, Currency: "EUR", Rows: int64(rapid.IntRange(1, 10).Draw(t, "budget"))}
		parts, place := rapid.IntRange(1, 5).Draw(t, "parts"), map[*history.Person]int{}
		for _, p := range who {
			place[p] = rapid.IntRange(0, parts-1).Draw(t, "part")
		}
		one := pass(t, NewCustomers(o), 1, whole, who)
		who = rapid.Permutation(who).Draw(t, "order")
		other := pass(t, NewCustomers(o), parts, func(p *history.Person) int { return place[p] }, who)
		a, errA := one.Data()
		b, errB := other.Data()
		if diff := cmp.Diff(a, b, cmpopts.EquateNaNs()); diff != "" || fmt.Sprint(errA) != fmt.Sprint(errB) || one.Share() != other.Share() {
			t.Fatalf("%v, %v\n%s", errA, errB, diff)
		}
		if a != nil && int64(a.Rows()) > o.Rows {
			t.Fatalf("%d rows of a budget of %d", a.Rows(), o.Rows)
		}
	})
}

func TestFeaturesOfSomebodyNew(t *testing.T) {
	table, err := Features(&history.Person{Subject: "new"}, day(1), TableOptions{})
	if err != nil || value(t, table, "events", 0) != 0. || !math.IsNaN(value(t, table, "tenure", 0).(float64)) {
		t.Errorf("%v, %v", table, err)
	}
	if _, err := Features(&history.Person{}, day(1), TableOptions{}); err == nil {
		t.Error("features of nobody")
	}
}
