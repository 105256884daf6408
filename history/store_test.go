package history

import (
	"context"
	"fmt"
	"testing"
	"time"

	"bellwether"
	"bellwether/store"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// opened is a history over a real store, and its project.
func opened(t testing.TB, o Options) (*History, *store.Project) {
	t.Helper()
	ctx := context.Background()
	st, err := store.Open(ctx, t.TempDir(), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	p, err := st.Project(ctx, "memory")
	if err != nil {
		t.Fatal(err)
	}
	h, err := Open(ctx, p, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close() })
	return h, p
}

func appendAll(t testing.TB, p *store.Project, events []bellwether.Event, items []bellwether.Item) {
	t.Helper()
	var records []store.Record
	for i := range items {
		data, err := store.Encode(&items[i])
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, store.Record{Kind: store.KindItem, ID: string(items[i].ID), Data: data})
	}
	for i := range events {
		data, err := store.Encode(&events[i])
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, store.Record{Kind: store.KindEvent, ID: string(events[i].ID), Data: data})
	}
	for len(records) > 0 {
		n := min(len(records), 1000)
		if _, err := p.Log.Append(context.Background(), records[:n]...); err != nil {
			t.Fatal(err)
		}
		records = records[n:]
	}
}

// TestStoredHistory holds the history over a store to the one in memory, before and after it is opened again.
func TestStoredHistory(t *testing.T) {
	o := Options{Currency: "EUR", Rates: map[bellwether.Currency]float64{"USD": .9}, Clock: func() time.Time { return start.AddDate(0, 1, 0) }}
	ctx := context.Background()
	for seed := range 5 {
		var events []bellwether.Event
		var items []bellwether.Item
		for k := range 10 { // several small logs are one large one
			more := rapid.Custom(func(t *rapid.T) []bellwether.Event {
				var e []bellwether.Event
				e, items = dirtyLog(t)
				return e
			}).Example(100*seed + k)
			for i := range more {
				more[i].ID += bellwether.EventID(fmt.Sprint("-", k))
			}
			events = append(events, more...)
		}
		want, err := FromEvents(events, nil, items, o, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		h, p := opened(t, o)
		appendAll(t, p, events, items)
		if err := h.Refresh(ctx, time.Time{}); err != nil {
			t.Fatal(err)
		}
		compareHistories(t, want, h)
		if err := h.Close(); err != nil {
			t.Fatal(err)
		}
		again, err := Open(ctx, p, o)
		if err != nil {
			t.Fatal(err)
		}
		compareHistories(t, want, again)
		if err := again.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func compareHistories(t *testing.T, want, got *History) {
	t.Helper()
	var people [2]*copies
	var tallies [2]Tally
	for i, h := range []*History{want, got} {
		people[i] = &copies{map[bellwether.Subject]Person{}}
		var err error
		if tallies[i], err = h.Pass(context.Background(), PassOptions{}, people[i]); err != nil {
			t.Fatal(err)
		}
		tallies[i].Cursor = 0
	}
	if d := cmp.Diff(people[0].people, people[1].people); d != "" {
		t.Fatalf("people differ: %s", d)
	}
	if d := cmp.Diff(tallies[0], tallies[1]); d != "" {
		t.Fatalf("tallies differ: %s", d)
	}
	var popular [2][]bellwether.ScoredItem
	for i, h := range []*History{want, got} {
		popular[i], _ = h.Popular(start.AddDate(1, 0, 0))
	}
	if d := cmp.Diff(popular[0], popular[1]); d != "" {
		t.Fatalf("what is popular differs: %s", d)
	}
}

// BenchmarkHistory tells what an event costs in the fold, in learning the limits, in a pass and in a request.
func BenchmarkHistory(b *testing.B) {
	const people, each = 20_000, 25
	var events []bellwether.Event
	for k := range each {
		for i := range people {
			at := start.Add(time.Duration(k)*9*time.Hour + time.Duration(i)*time.Second)
			events = append(events, bellwether.Event{
				ID: bellwether.EventID(fmt.Sprintf("00000000-0000-%08d-%08d", i, k)), Type: []bellwether.EventType{bellwether.ViewItem, bellwether.AddToCart, bellwether.Purchase}[k%3],
				Occurred: at, Received: at.Add(time.Second), Subject: bellwether.Subject(fmt.Sprintf("customer-%06d", i)), Session: fmt.Sprintf("s-%d-%d", i, k/4),
				Item: bellwether.ItemID(fmt.Sprintf("item-%05d", (i*7+k*k*31)%20_000)), Price: bellwether.Money{Amount: int64(100 + i%900), Currency: "EUR"}, Quantity: 1,
				Channel: "search", Campaign: "spring", UserAgent: "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140 Safari/537.36",
			})
		}
	}
	ctx := context.Background()
	h, p := opened(b, Options{Currency: "EUR"})
	began := time.Now()
	appendAll(b, p, events, nil)
	written := time.Since(began)
	if _, err := h.caughtUp(ctx); err != nil {
		b.Fatal(err)
	}
	n := float64(len(events))
	b.Logf("written in %.2f µs an event, folded in %.2f", float64(written.Microseconds())/n, float64(time.Since(began).Microseconds())/n)
	b.Run("learn", func(b *testing.B) {
		for b.Loop() {
			if err := h.Learn(ctx, time.Time{}); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/event")
	})
	b.Run("pass", func(b *testing.B) {
		for b.Loop() {
			if _, err := h.Pass(ctx, PassOptions{}, h.NewPopularity(start)); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/event")
	})
	b.Run("person", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			if _, err := h.Person(ctx, bellwether.Subject(fmt.Sprintf("customer-%06d", i*17%people)), ""); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// TestImportTakenBack: what came with an import that a note takes back is not read, its logins join nobody, and what it had displaced
// comes forth again; the rule says how much it was.
func TestImportTakenBack(t *testing.T) {
	ctx := context.Background()
	o := Options{Currency: "EUR", Clock: func() time.Time { return start.AddDate(0, 1, 0) }}
	h, p := opened(t, o)
	event := func(id string, minute int, change func(*bellwether.Event)) bellwether.Event {
		at := start.Add(time.Duration(minute) * time.Minute)
		e := bellwether.Event{ID: bellwether.EventID(id), Type: bellwether.ViewItem, Occurred: at, Received: at, Subject: "ann", Item: "mug"}
		change(&e)
		return e
	}
	appendAll(t, p, []bellwether.Event{
		event("own", 0, func(*bellwether.Event) {}),
		event("wrong", 1, func(e *bellwether.Event) { e.Import, e.Type = "t-1", bellwether.Purchase }),
		event("device", 2, func(e *bellwether.Event) { e.Subject, e.Anonymous = "", "phone" }),
		event("login", 3, func(e *bellwether.Event) {
			e.Import, e.Type, e.Anonymous, e.Item = "t-1", bellwether.Identify, "phone", ""
		}),
	}, nil)
	look := func() (ann, bob int, tally Tally) {
		t.Helper()
		all := &copies{map[bellwether.Subject]Person{}}
		tally, err := h.Pass(ctx, PassOptions{}, all)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []bellwether.Subject{"ann", "bob"} {
			one, err := h.Person(ctx, name, "")
			if err != nil {
				t.Fatal(err)
			}
			if len(one.Events) != len(all.people[name].Events) {
				t.Errorf("%s has %d events in a request and %d in a pass", name, len(one.Events), len(all.people[name].Events))
			}
		}
		return len(all.people["ann"].Events), len(all.people["bob"].Events), tally
	}
	if ann, bob, _ := look(); ann != 4 || bob != 0 {
		t.Errorf("before: ann has %d events, bob %d", ann, bob)
	}
	if _, err := p.Log.Append(ctx, store.Record{Kind: store.KindNote, ID: undoneNote + "t-1"}); err != nil {
		t.Fatal(err)
	}
	ann, _, tally := look()
	if ann != 1 || tally.Rule("undone").Dropped != 2 {
		t.Errorf("after: ann has %d events, %+v", ann, tally.Rule("undone"))
	}
	if who, err := h.Resolve("", "phone"); err != nil || who != "~phone" {
		t.Errorf("the device belongs to %q, %v", who, err)
	}
	appendAll(t, p, []bellwether.Event{event("right", 5, func(e *bellwether.Event) {
		e.Subject, e.Anonymous, e.Type, e.Item = "bob", "phone", bellwether.Identify, ""
	})}, nil)
	if ann, bob, _ := look(); ann != 1 || bob != 2 {
		t.Errorf("afterwards: ann has %d events, bob %d", ann, bob)
	}
}
