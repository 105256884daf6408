package measure

import (
	"testing"

	"bellwether"
)

func TestPeople(t *testing.T) {
	held := slate("d3", "h", 10, "a")
	held.Holdout = true
	crossed := slate("d4", "h", 20, "a")
	in := func(s string) func(*bellwether.Event) { return func(e *bellwether.Event) { e.Session = s } }
	events := []bellwether.Event{
		event("before", bellwether.Purchase, "s", 5, item("a"), costs(1000)),
		event("click", bellwether.SelectItem, "s", 11, item("a"), in("v1")),
		event("buy", bellwether.Purchase, "s", 12, item("a"), costs(2000), in("v2")),
		event("stay", bellwether.Engagement, "s", 13, in("v2"), func(e *bellwether.Event) { e.Value = 30 }),
		event("answer", bellwether.Survey, "s", 14, func(e *bellwether.Event) { e.Value = 7 }),
		event("late", bellwether.Purchase, "s", 90, item("a"), costs(9000)),
		event("outsider", bellwether.Purchase, "u", 12, item("a"), costs(500)),
		event("held", bellwether.Purchase, "h", 12, item("a"), costs(700)),
	}
	j := join(t, 100, []bellwether.Decision{slate("d1", "s", 10, "a"), slate("d2", "s", 11, "b"), held, crossed}, events...)
	people, checks, err := People(j, all(events), PeopleOptions{To: epoch.Add(80 * hour)})
	if err != nil {
		t.Fatal(err)
	}
	if len(people) != 2 || people[0].Subject != "s" || people[0].Holdout || !people[1].Holdout {
		t.Fatalf("%+v", people)
	}
	want := Totals{Decisions: 2, Clicked: 1, Orders: 1, Revenue: 20, Margin: 17, Seconds: 30, Sessions: 2, Answers: 1, Score: 7}
	if people[0].During != want {
		t.Errorf("%+v, want %+v", people[0].During, want)
	}
	if b := people[0].Before; b.Revenue != 10 || b.Orders != 1 {
		t.Errorf("before: %+v", b)
	}
	if first(checks, Warning) == nil {
		t.Error("half of the people crossed over and nobody is warned")
	}

	assigned, _, err := People(j, all(events), PeopleOptions{From: epoch, Assign: func(s bellwether.Subject) (bool, bool) { return s == "u", s != "h" }})
	if err != nil {
		t.Fatal(err)
	}
	if len(assigned) != 2 || assigned[0].During.Revenue != 120 || !assigned[1].Holdout || assigned[1].During.Revenue != 5 {
		t.Errorf("by assignment: %+v", assigned)
	}
	if _, _, err := People(j, all(events), PeopleOptions{Assign: func(bellwether.Subject) (bool, bool) { return false, true }}); err == nil {
		t.Error("assignment without a start was accepted")
	}
}
