//go:build slow

package sequence

import (
	"cmp"
	"context"
	"os"
	"slices"
	"strconv"
	"testing"

	"bellwether"
	"bellwether/internal/market"
)

// The market's gate of docs/science.md §2: the next item that a customer looks at is among the ten best of the model at least .85
// times as often as among those of the oracle that knows the true utilities. The shop shows nothing, so that every view is
// the customer's own choice; nothing is left out of the ranking, since customers come back to what they looked at.
func TestMarketQuality(t *testing.T) {
	seed, err := strconv.ParseUint(cmp.Or(os.Getenv("BELLWETHER_SEED"), "101"), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	w, err := market.New(market.Small(), seed)
	if err != nil {
		t.Fatal(err)
	}
	d, views, customers := marketViews(t, w)
	m, seconds := learned(t, d, 4)
	var ours, oracle, popular, n float64
	q := d.Sequences
	out := [][]float32{make([]float32, len(q.Items))}
	best := w.Bestsellers(10)
	for _, k := range q.Test {
		n++
		steps := q.Steps[k.Person]
		target := int(steps[k.At].Item)
		if err := m.Score(context.Background(), [][]bellwether.Step{steps[:k.At]}, out); err != nil {
			t.Fatal(err)
		}
		if among(out[0], target) {
			ours++
		}
		last, now := views[k.Person][k.At-1], views[k.Person][k.At]
		if among(w.NextItem(customers[k.Person], now.Day, market.State{Category: w.Items[last.Item].Category + 1}), target) {
			oracle++
		}
		if slices.Contains(best, target) {
			popular++
		}
	}
	t.Logf("%s: %d views; HR@10 over %g people: model %.4f after %.0f s, oracle %.4f, bestsellers %.4f; %.3f of the oracle's",
		w.Name(), q.Count(), n, ours/n, seconds, oracle/n, popular/n, ours/oracle)
	if ours < .85*oracle {
		t.Errorf("HR@10 is %.3f of the oracle's, want .85", ours/oracle)
	}
}

// marketViews are what everybody looked at: the last view is the test's, the one before the validation's.
func marketViews(t *testing.T, w *market.World) (d *bellwether.Dataset, views [][]market.Event, customers []int) {
	t.Helper()
	q := &bellwether.Sequences{Types: []bellwether.EventType{bellwether.ViewItem}}
	for j := range w.Items {
		q.Items = append(q.Items, w.Items[j].ID)
	}
	for i := range w.Customers {
		events, err := w.History(i, w.Days, market.Fixed{})
		if err != nil {
			t.Fatal(err)
		}
		events = slices.DeleteFunc(events, func(e market.Event) bool { return e.Type != bellwether.ViewItem })
		if len(events) < 3 {
			continue
		}
		var steps []bellwether.Step
		for _, e := range events {
			steps = append(steps, bellwether.Step{Item: int32(e.Item), Time: e.Occurred().Unix()})
		}
		p, n := int32(len(q.Steps)), len(steps)
		q.People, q.Steps, q.TrainEnd = append(q.People, w.Customers[i].ID), append(q.Steps, steps), append(q.TrainEnd, n-2)
		q.Validation = append(q.Validation, bellwether.Target{Person: p, At: int32(n - 2)})
		q.Test = append(q.Test, bellwether.Target{Person: p, At: int32(n - 1)})
		views, customers = append(views, events), append(customers, i)
	}
	return &bellwether.Dataset{Name: "market", Digest: w.Name(), Sequences: q}, views, customers
}

// among reports whether fewer than ten values are above that of index target.
func among[T float32 | float64](values []T, target int) bool {
	above := 0
	for _, v := range values {
		if v > values[target] {
			above++
		}
	}
	return above < 10
}
