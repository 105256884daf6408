package history

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"bellwether"

	"github.com/google/go-cmp/cmp"
)

// anew forgets what was counted and learns from everything.
func anew(t *testing.T, h *History, asOf time.Time) *Limits {
	t.Helper()
	if err := h.project.Objects.Delete(context.Background(), learnedName); err != nil {
		t.Fatal(err)
	}
	if err := h.Learn(context.Background(), asOf); err != nil {
		t.Fatal(err)
	}
	return h.Limits()
}

// someEvents are sales of many prices in two currencies, with campaigns of several spellings, in the order of their receipt.
func someEvents(r *rand.Rand, n int, from time.Time) []bellwether.Event {
	out := make([]bellwether.Event, n)
	for i := range out {
		at := from.Add(time.Duration(i) * time.Second)
		out[i] = bellwether.Event{
			ID: bellwether.EventID(fmt.Sprint(at.UnixNano())), Type: []bellwether.EventType{bellwether.Purchase, bellwether.AddToCart, "Add-To-Cart", "rated"}[r.IntN(4)],
			Subject: bellwether.Subject(fmt.Sprint("p", r.IntN(50))), Occurred: at.Add(-time.Duration(r.IntN(1e6)) * time.Millisecond), Received: at,
			Item: bellwether.ItemID([]string{"a", "A ", "b", "c"}[r.IntN(4)]), Quantity: int64(r.IntN(9)), Value: float64(r.IntN(2000)) / 8,
			Price: bellwether.Money{Amount: int64(1 + r.IntN(3000)), Currency: []bellwether.Currency{"EUR", "USD"}[r.IntN(2)]}, Campaign: bellwether.CampaignID([]string{"Spring", "spring", "spring  sale", ""}[r.IntN(4)]),
		}
	}
	return out
}

// TestLearnsWhatIsNew holds limits that grew turn by turn to those that are learned from everything at once.
func TestLearnsWhatIsNew(t *testing.T) {
	ctx := context.Background()
	o := Options{Currency: "EUR", Rates: map[bellwether.Currency]float64{"USD": .9}}
	h, p := opened(t, o)
	r := rand.New(rand.NewPCG(1, 2))
	at := start
	for turn := range 6 {
		var items []bellwether.Item
		if turn == 3 { // the catalogue has its price from now on: "c" is not learned any more, and "A " is "a"
			items = []bellwether.Item{{ID: "c", Price: bellwether.Money{Amount: 500, Currency: "EUR"}}, {ID: "a"}}
		}
		appendAll(t, p, someEvents(r, 400, at), items)
		at = at.Add(400 * time.Second)
		if err := h.Learn(ctx, at); err != nil {
			t.Fatal(err)
		}
		got := h.Limits()
		if turn == 5 && (len(got.References) != 2 || got.References["c"] != 0 || len(got.Values) == 0 || len(got.Campaigns) == 0) {
			t.Errorf("limits of the last turn: %+v", got)
		}
		if d := cmp.Diff(anew(t, h, at), got); d != "" {
			t.Fatalf("turn %d: limits of everything and of what was new differ: %s", turn, d)
		}
	}
}

// TestLearnsFromTheLog has what is kept say something else than the log, to see when it is read.
func TestLearnsFromTheLog(t *testing.T) {
	ctx := context.Background()
	h, p := opened(t, Options{Currency: "EUR"})
	appendAll(t, p, someEvents(rand.New(rand.NewPCG(1, 2)), 100, start), nil)
	last := start.Add(99 * time.Second)
	truth := anew(t, h, last)
	fake := func(change func(k *learned)) *Limits {
		anew(t, h, last)
		k, err := h.recall(ctx)
		if err != nil || k == nil {
			t.Fatal(k, err)
		}
		k.Campaigns = spellings{"SPRING": 1000}
		change(k)
		if err := putLearned(ctx, p, k); err != nil {
			t.Fatal(err)
		}
		if err := h.Learn(ctx, last); err != nil {
			t.Fatal(err)
		}
		return h.Limits()
	}
	if got := fake(func(*learned) {}); got.Campaigns["SPRING"] != "" || cmp.Equal(got, truth) {
		t.Errorf("what is kept is not read: %+v", got)
	}
	for name, change := range map[string]func(*learned){
		"another version":    func(k *learned) { k.Version++ },
		"another currency":   func(k *learned) { k.Currency = "USD" },
		"another rate":       func(k *learned) { k.Rates = map[bellwether.Currency]float64{"USD": 2} },
		"a log that is more": func(k *learned) { k.Cursor += 1000 },
		"counted later":      func(k *learned) { k.Newest = last.Add(1) },
		"a damaged sketch":   func(k *learned) { k.Values["rated"] = kept{Rough: []byte{255, 1}} },
	} {
		if d := cmp.Diff(truth, fake(change)); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

// TestLearnsNothingLater leaves out what was received after the moment, and counts it when its time has come.
func TestLearnsNothingLater(t *testing.T) {
	ctx := context.Background()
	h, p := opened(t, Options{Currency: "EUR"})
	appendAll(t, p, someEvents(rand.New(rand.NewPCG(1, 2)), 200, start), nil)
	for _, seconds := range []time.Duration{150, 60, 199} {
		at := start.Add(seconds * time.Second)
		if err := h.Learn(ctx, at); err != nil {
			t.Fatal(err)
		}
		got := h.Limits()
		want, err := FromEvents(someEvents(rand.New(rand.NewPCG(1, 2)), 200, start), nil, nil, Options{Currency: "EUR"}, at)
		if err != nil {
			t.Fatal(err)
		}
		limits := *want.Limits()
		limits.Cursor, limits.Popular = got.Cursor, got.Popular
		if d := cmp.Diff(&limits, got); d != "" {
			t.Errorf("as of %v: %s", seconds, d)
		}
	}
}

// TestLearnsBesideTheAbsurd: one number at the edge of what there is stops nothing, at once or in the next turn.
func TestLearnsBesideTheAbsurd(t *testing.T) {
	h, p := opened(t, Options{Currency: "EUR"})
	var events []bellwether.Event
	for i := range 600 {
		e := bellwether.Event{ID: bellwether.EventID(fmt.Sprint("e", i)), Type: "rated", Subject: "ann", Occurred: start, Received: start.Add(time.Duration(i) * time.Second), Value: float64(i + 1)}
		if i%300 == 299 {
			e.Value = []float64{1.7e308, -1.7e308}[i/300]
		}
		events = append(events, e)
	}
	for _, part := range [][]bellwether.Event{events[:300], events[300:]} {
		appendAll(t, p, part, nil)
		if err := h.Learn(context.Background(), time.Time{}); err != nil {
			t.Fatal(err)
		}
	}
	if l := h.Limits().Values["rated"]; l.Median < 290 || l.Median > 310 || l.Deviation < 140 || l.Deviation > 160 {
		t.Errorf("%+v", l)
	}
}
