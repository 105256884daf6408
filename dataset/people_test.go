package dataset

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"pgregory.net/rapid"

	"bellwether"
	"bellwether/history"
)

// day returns the start of a day of the tests' calendar.
func day(n int) time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, n) }

// view is a clean event of a person at a moment.
func view(subject, item string, at time.Time) bellwether.Event {
	return bellwether.Event{
		Type: bellwether.ViewItem, Subject: bellwether.Subject(subject), Item: bellwether.ItemID(item), Occurred: at, Received: at.Add(time.Second),
	}
}

func purchase(subject, item string, at time.Time, amount int64) bellwether.Event {
	e := view(subject, item, at)
	e.Type, e.Price, e.Quantity, e.Order = bellwether.Purchase, eur(amount), 1, "order of "+item+at.String()
	return e
}

func eur(amount int64) bellwether.Money { return bellwether.Money{Amount: amount, Currency: "EUR"} }

var catalogue = map[bellwether.ItemID]*bellwether.Item{
	"tea": {ID: "tea", Price: eur(1000), Category: "food"}, "cup": {ID: "cup", Price: eur(500), Category: "kitchen"},
}

// people makes persons of events, each with one identity, in the order of their names.
func people(events ...bellwether.Event) []*history.Person {
	by := map[bellwether.Subject]*history.Person{}
	for _, e := range events {
		p := by[e.Subject]
		if p == nil {
			p = &history.Person{Subject: e.Subject, Known: true, Identities: []history.Identity{{ID: e.Subject, Parent: -1}}}
			by[e.Subject] = p
		}
		p.Events, p.Owners = append(p.Events, e), append(p.Owners, 0)
	}
	out := make([]*history.Person, 0, len(by))
	for _, p := range by {
		slices.SortStableFunc(p.Events, func(a, b bellwether.Event) int { return a.Occurred.Compare(b.Occurred) })
		out = append(out, p)
	}
	slices.SortFunc(out, func(a, b *history.Person) int { return cmp.Compare(a.Subject, b.Subject) })
	return out
}

// pass hands people to a reducer as a pass does: each to the part that part names, and the parts merged in their order.
func pass[R history.Reducer](t interface{ Fatal(...any) }, r R, parts int, part func(*history.Person) int, people []*history.Person) R {
	forks := make([]history.Reducer, parts)
	for i := range forks {
		forks[i] = r.Fork()
	}
	for _, p := range people {
		if err := forks[part(p)].Add(p); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range forks {
		if err := r.Merge(f); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Done(); err != nil {
		t.Fatal(err)
	}
	return r
}

func whole(*history.Person) int { return 0 }

// drawPeople are people of any kind: several devices, logins that become known late, events that are received late.
func drawPeople(t *rapid.T) []*history.Person {
	var out []*history.Person
	for n := range rapid.IntRange(1, 6).Draw(t, "people") {
		p := &history.Person{Subject: bellwether.Subject(fmt.Sprint("person ", n)), Known: true}
		p.Identities = append(p.Identities, history.Identity{ID: p.Subject, Parent: -1})
		for d := range rapid.IntRange(0, 3).Draw(t, "devices") {
			p.Identities = append(p.Identities, history.Identity{
				ID: bellwether.Subject(fmt.Sprint("~", n, ".", d)), Parent: int32(rapid.IntRange(0, len(p.Identities)-1).Draw(t, "parent")),
				Since: day(rapid.IntRange(0, 100).Draw(t, "since")).UnixNano(),
			})
		}
		at := day(0)
		for range rapid.IntRange(0, 25).Draw(t, "events") {
			at = at.Add(time.Duration(rapid.IntRange(0, 10*24*3600).Draw(t, "wait")) * time.Second)
			p.Events = append(p.Events, drawEvent(t, p.Subject, at))
			p.Owners = append(p.Owners, int32(rapid.IntRange(0, len(p.Identities)-1).Draw(t, "owner")))
		}
		out = append(out, p)
	}
	return out
}

func drawEvent(t *rapid.T, who bellwether.Subject, at time.Time) bellwether.Event {
	e := bellwether.Event{
		Type:    rapid.SampledFrom([]bellwether.EventType{"view_item", "purchase", "add_to_cart", "identify", "page_view", "view_item_list", "media_spend"}).Draw(t, "type"),
		Subject: who, Occurred: at, Received: at.Add(time.Duration(rapid.SampledFrom([]int{0, 1, 3600, 4 * 24 * 3600}).Draw(t, "delay")) * time.Second),
		Item:     rapid.SampledFrom([]bellwether.ItemID{"", "tea", "cup", "tin"}).Draw(t, "item"),
		Quantity: rapid.SampledFrom([]int64{0, 1, 2}).Draw(t, "quantity"),
		Channel:  rapid.SampledFrom([]bellwether.Channel{"", "email", "search"}).Draw(t, "channel"),
		Campaign: rapid.SampledFrom([]bellwether.CampaignID{"", "spring", "sale", "rare"}).Draw(t, "campaign"),
		Session:  rapid.SampledFrom([]string{"", "", "s1", "s2"}).Draw(t, "session"),
		Decision: rapid.SampledFrom([]bellwether.DecisionID{"", "", "d"}).Draw(t, "decision"),
	}
	if rapid.Bool().Draw(t, "priced") {
		e.Price = bellwether.Money{Amount: 900, Currency: rapid.SampledFrom([]bellwether.Currency{"EUR", "JPY"}).Draw(t, "currency")}
	}
	if e.Type == bellwether.Identify {
		e.Traits = map[string]any{"plan": rapid.SampledFrom([]string{"basic", "plus"}).Draw(t, "plan")}
	}
	return e
}
