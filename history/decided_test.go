package history

import (
	"context"
	"fmt"
	"testing"
	"time"

	"bellwether"
	"bellwether/store"
)

// decision is one about somebody at an hour after the start.
func decision(id string, about bellwether.Subject, hour int) bellwether.Decision {
	return bellwether.Decision{
		ID: bellwether.DecisionID(id), Subject: about, Surface: "home", Policy: "uniform", Time: start.Add(time.Duration(hour) * time.Hour), Actions: []int{0}, Propensity: 1,
		Candidates: []bellwether.Candidate{{Action: "a", Propensity: 1}},
	}
}

func appendRecord(t *testing.T, p *store.Project, kind store.Kind, id string, v any) {
	t.Helper()
	data, err := store.Encode(v)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Log.Append(t.Context(), store.Record{Kind: kind, ID: id, Data: data}); err != nil {
		t.Fatal(err)
	}
}

// TestDecisionsOfAPass: what is settled comes as its outcome, what is open as the decision, and what is taken later not at all; the decisions
// about a device are of whom it was joined to last, whatever the scope.
func TestDecisionsOfAPass(t *testing.T) {
	ctx := context.Background()
	h, p := opened(t, Options{Currency: "EUR"})
	login := func(id string, who bellwether.Subject, hour int, consent ...bellwether.Purpose) bellwether.Event {
		at := start.Add(time.Duration(hour) * time.Hour)
		return bellwether.Event{ID: bellwether.EventID(id), Type: bellwether.Identify, Subject: who, Anonymous: "dev", Occurred: at, Received: at, Consent: consent}
	}
	view := func(id string, who bellwether.Subject) bellwether.Event {
		return bellwether.Event{ID: bellwether.EventID(id), Type: bellwether.ViewItem, Subject: who, Item: "mug", Occurred: start, Received: start}
	}
	appendAll(t, p, []bellwether.Event{view("v1", "ann"), view("v2", "bob"), login("l1", "ann", 1), login("l2", "bob", 2, "ads")}, nil)
	for id, d := range map[string]bellwether.Decision{"settled": decision("settled", "ann", 1), "open": decision("open", "ann", 2), "later": decision("later", "ann", 9), "device": decision("device", "~dev", 0)} {
		appendRecord(t, p, store.KindDecision, id, &d)
	}
	appendRecord(t, p, store.KindOutcome, "settled", &bellwether.Outcome{Decision: "settled", Time: start.Add(time.Hour), Matured: true})
	seen := &copies{map[bellwether.Subject]Person{}}
	if _, err := h.Pass(ctx, PassOptions{AsOf: start.Add(5 * time.Hour)}, seen); err != nil {
		t.Fatal(err)
	}
	ids := func(who bellwether.Subject) (open, settled []bellwether.DecisionID) {
		person := seen.people[who]
		for _, d := range person.Decisions {
			open = append(open, d.ID)
		}
		for _, o := range person.Outcomes {
			settled = append(settled, o.Decision)
		}
		return open, settled
	}
	if open, settled := ids("ann"); fmt.Sprint(open, settled) != "[open] [settled]" {
		t.Errorf("of ann %v are open and %v are settled", open, settled)
	}
	if open, settled := ids("bob"); fmt.Sprint(open, settled) != "[device] []" {
		t.Errorf("of bob, whom the device was joined to last, %v are open and %v are settled", open, settled)
	}
}

// TestCrowdedKeepsTheNewest: of more events than are read, the oldest are left out.
func TestCrowdedKeepsTheNewest(t *testing.T) {
	var events []bellwether.Event
	for i := range maxEvents + 50 {
		at := start.Add(time.Duration(i) * time.Minute)
		events = append(events, bellwether.Event{ID: bellwether.EventID(fmt.Sprint("e", i)), Type: bellwether.ViewItem, Subject: "machine", Item: "mug", Occurred: at, Received: at})
	}
	h, err := FromEvents(events, nil, nil, Options{}, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	p, err := h.Person(t.Context(), "machine", "")
	if err != nil {
		t.Fatal(err)
	}
	if n := len(p.Events); n != maxEvents || p.Events[0].ID != "e50" || p.Events[n-1].ID != events[len(events)-1].ID {
		t.Errorf("%d events from %s to %s", n, p.Events[0].ID, p.Events[n-1].ID)
	}
}

// TestNewestIsKept: a moment before the newest receipt that was counted is asked of the log again.
func TestNewestIsKept(t *testing.T) {
	h, p := opened(t, Options{Currency: "EUR"})
	var events []bellwether.Event
	for i, who := range []bellwether.Subject{"ann", "bob", "cid", "dan", "eve", "fay"} {
		at := start.Add(time.Duration([]int{3, 60, 7, 2, 9, 1}[i]) * time.Minute)
		events = append(events, bellwether.Event{ID: bellwether.EventID(fmt.Sprint("e", i)), Type: bellwether.ViewItem, Subject: who, Item: "mug", Occurred: at, Received: at})
	}
	appendAll(t, p, events, nil)
	if err := h.Learn(t.Context(), time.Time{}); err != nil {
		t.Fatal(err)
	}
	k, err := h.recall(t.Context())
	if err != nil || k == nil || !k.Newest.Equal(start.Add(time.Hour)) {
		t.Errorf("%+v, %v", k, err)
	}
}
