package history

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"bellwether"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var start = time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)

// copies is a reducer that keeps a copy of everybody.
type copies struct{ people map[bellwether.Subject]Person }

func (c *copies) Fork() Reducer { return &copies{map[bellwether.Subject]Person{}} }

func (c *copies) Add(p *Person) error {
	q := *p
	q.Events, q.Owners, q.Identities = slices.Clone(p.Events), slices.Clone(p.Owners), slices.Clone(p.Identities)
	q.Traits, q.Consent = maps.Clone(p.Traits), slices.Clone(p.Consent)
	if _, twice := c.people[p.Subject]; twice {
		return fmt.Errorf("%s came twice", p.Subject)
	}
	c.people[p.Subject] = q
	return nil
}

func (c *copies) Merge(next Reducer) error {
	for k, v := range next.(*copies).people {
		if _, twice := c.people[k]; twice {
			return fmt.Errorf("%s is in two parts", k)
		}
		c.people[k] = v
	}
	return nil
}

func (c *copies) Done() error { return nil }

// dirtyLog draws a log with what real ones have: spellings, clocks that are ahead, late and repeated events, logins on
// shared devices, aliases in chains and circles, consents that are given, withdrawn and said late, robots, odd prices.
func dirtyLog(t *rapid.T) ([]bellwether.Event, []bellwether.Item) {
	items := []bellwether.Item{
		{ID: "item-1", Price: bellwether.Money{Amount: 1000, Currency: "EUR"}, Cost: bellwether.Money{Amount: 400, Currency: "EUR"}},
		{ID: "item-2", Price: bellwether.Money{Amount: 2500, Currency: "USD"}},
		{ID: "Item-3"},
	}
	subjects := []bellwether.Subject{"", "", "ann", "bob", " ann", "cy", "ann  b"}
	devices := []bellwether.AnonymousID{"", "d1", "d2", "d3 ", "ann"}
	types := []bellwether.EventType{
		bellwether.ViewItem, bellwether.ViewItem, bellwether.AddToCart, bellwether.Purchase, bellwether.Purchase, bellwether.Identify,
		bellwether.Alias, bellwether.Survey, bellwether.Engagement, "View-Item", "custom", bellwether.MediaSpend, bellwether.Refund,
	}
	names := []bellwether.ItemID{"", "item-1", "ITEM-1", "item-2", "item-3", "other", "Other "}
	scopes := [][]bellwether.Purpose{nil, nil, nil, {}, {"ads"}, {"analytics", "ads"}}
	prices := []bellwether.Money{{}, {Amount: 1000, Currency: "EUR"}, {Amount: 1100, Currency: "USD"}, {Amount: 99, Currency: "XXX"}, {Amount: 200000, Currency: "EUR"}}
	n := rapid.IntRange(1, 40).Draw(t, "events")
	var out []bellwether.Event
	at := start
	for i := range n {
		at = at.Add(time.Duration(rapid.IntRange(0, 4000).Draw(t, "gap")) * time.Second)
		e := bellwether.Event{
			ID: bellwether.EventID(fmt.Sprintf("e%d", rapid.IntRange(0, 60).Draw(t, "id"))), Type: rapid.SampledFrom(types).Draw(t, "type"), Received: at,
			Occurred: at.Add(-time.Duration(rapid.SampledFrom([]int{0, 1, 60, 90_000, -900}).Draw(t, "late")) * time.Second),
			Subject:  rapid.SampledFrom(subjects).Draw(t, "subject"), Anonymous: rapid.SampledFrom(devices).Draw(t, "device"),
			Item: rapid.SampledFrom(names).Draw(t, "item"), Price: rapid.SampledFrom(prices).Draw(t, "price"),
			Quantity: rapid.SampledFrom([]int64{0, 1, 2, 5000}).Draw(t, "quantity"), Value: rapid.SampledFrom([]float64{0, 1, 7, 55, 1e6}).Draw(t, "value"),
			Consent: rapid.SampledFrom(scopes).Draw(t, "consent"), Order: rapid.SampledFrom([]string{"", "", "o1"}).Draw(t, "order"),
			Campaign: rapid.SampledFrom([]bellwether.CampaignID{"", "Spring", "spring"}).Draw(t, "campaign"),
		}
		switch e.Type {
		case bellwether.Alias:
			e.Previous = string(rapid.SampledFrom(subjects).Draw(t, "previous"))
			if rapid.Bool().Draw(t, "device of alias") {
				e.Previous = "d1"
			}
		case bellwether.Identify:
			e.Traits = map[string]any{"plan": fmt.Sprint("p", i%3), "n": float64(i)}
		case bellwether.MediaSpend:
			e.Subject, e.Anonymous = "", ""
		}
		if e.Type.Personal() && e.Subject == "" && e.Anonymous == "" {
			e.Anonymous = "d9"
		}
		if rapid.IntRange(0, 30).Draw(t, "robot") == 0 {
			e.UserAgent = "SomeBot/1.0"
		}
		out = append(out, e)
		if rapid.IntRange(0, 300).Draw(t, "crawl") == 0 {
			for k := range 150 {
				x := e
				x.ID, x.Type, x.Session = bellwether.EventID(fmt.Sprintf("c%d-%d", i, k)), bellwether.ViewItem, "crawl"
				x.Occurred, x.Received = at.Add(time.Duration(k)*300*time.Millisecond), at.Add(time.Minute)
				if x.Subject == "" && x.Anonymous == "" {
					x.Anonymous = "d9"
				}
				out = append(out, x)
			}
		}
	}
	return out, items
}

// TestOneHistory asks for everybody once by a pass and person by person as requests do: they are equal to the last bit,
// whoever of a person's ids is asked for, and what is popular is what these histories hold.
func TestOneHistory(t *testing.T) {
	o := Options{Currency: "EUR", Rates: map[bellwether.Currency]float64{"USD": .9}, Clock: func() time.Time { return start.AddDate(0, 1, 0) }}
	rapid.Check(t, func(t *rapid.T) {
		events, items := dirtyLog(t)
		h, err := FromEvents(events, nil, items, o, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		all := &copies{map[bellwether.Subject]Person{}}
		tally, err := h.Pass(context.Background(), PassOptions{Workers: 1 + len(events)%3}, all)
		if err != nil {
			t.Fatal(err)
		}
		popular := map[bellwether.ItemID]float64{}
		read := int64(0)
		for subject, p := range all.people {
			for i, id := range p.Identities {
				if i > 0 {
					continue
				}
				got, err := h.Person(context.Background(), id.ID, "")
				if err != nil {
					t.Fatal(err)
				}
				if owner, _ := h.Resolve(id.ID, ""); owner != subject {
					continue // a part that stays with an id that was joined within another consent
				}
				want := p
				if d := cmp.Diff(want, *got); d != "" {
					t.Fatalf("%s: pass (−) and request (+) differ: %s", subject, d)
				}
			}
			for i := range p.Events {
				e := &p.Events[i]
				if e.Subject != subject {
					t.Fatalf("an event of %s says %s", subject, e.Subject)
				}
				if e.Item != "" {
					popular[e.Item]++
				}
			}
			read += int64(len(p.Events))
		}
		if tally.Read+tally.Market != int64(len(events)) {
			t.Fatalf("%d events in the log, %d were read: each belongs to one person", len(events), tally.Read+tally.Market)
		}
		for _, r := range tally.Rules {
			if r.Changed+r.Dropped > r.Seen {
				t.Fatalf("%s changed and dropped more than it saw: %+v", r.Rule, r)
			}
		}
		list, err := h.Popular(start.AddDate(1, 0, 0))
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range list {
			if popular[s.Item] != s.Score {
				t.Fatalf("%s is popular %g times, histories hold %g", s.Item, s.Score, popular[s.Item])
			}
			delete(popular, s.Item)
		}
		if len(popular) > 0 {
			t.Fatalf("not in the list: %v", popular)
		}
	})
}
