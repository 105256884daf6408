package market

import (
	"errors"
	"testing"

	"bellwether"
)

// little is the stream with fewer people and things.
func little(t *testing.T) *World {
	t.Helper()
	p := Stream()
	p.Customers, p.Items, p.Days = 300, 5000, 40
	w, err := New(p, 3)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// A customer's events in the stream are those of their own history.
func TestEventsAreTheHistories(t *testing.T) {
	w := little(t)
	byCustomer, day := make([][]Event, 300), 0
	for e, err := range w.Events(Fixed{}) {
		if err != nil {
			t.Fatal(err)
		}
		if e.Day < day {
			t.Fatalf("an event of day %d follows one of day %d", e.Day, day)
		}
		day = e.Day
		byCustomer[e.Customer] = append(byCustomer[e.Customer], e)
	}
	n := 0
	for i, got := range byCustomer {
		want, err := w.History(i, w.Days, Fixed{})
		if err != nil || len(got) != len(want) {
			t.Fatalf("customer %d has %d events in the stream, %d in their history: %v", i, len(got), len(want), err)
		}
		for k := range got {
			if got[k] != want[k] {
				t.Fatalf("customer %d, event %d: %+v, want %+v", i, k, got[k], want[k])
			}
		}
		n += len(got)
	}
	if n < 1000 {
		t.Errorf("%d events of 300 customers in 40 days", n)
	}
	for range w.Events(Fixed{}) {
		break // whoever has enough may leave
	}
}

// What is viewed follows Zipf's law and the customers' tastes.
func TestConsideredItems(t *testing.T) {
	w := little(t)
	views, first, utility, average := 0, 0, 0.0, 0.0
	for e := range w.Events(Fixed{}) {
		if e.Type != bellwether.ViewItem {
			continue
		}
		views++
		if e.Item < 70 { // of 5,000: half of 1/(j+1)'s sum
			first++
		}
		if w.Items[e.Item].Launch > e.Day {
			t.Fatalf("item %d was viewed on day %d, before its launch", e.Item, e.Day)
		}
		utility += w.utility(e.Customer, e.Item, e.Day)
		average += w.utility((e.Customer+7)%300, e.Item, e.Day)
	}
	if share := float64(first) / float64(views); share < .3 || share > .7 {
		t.Errorf("%.2f of the views are of the first 70 items, want about half", share)
	}
	if utility <= average {
		t.Errorf("mean utility %g of the viewers, %g of others", utility/float64(views), average/float64(views))
	}
}

type closed struct{ Fixed }

var errClosed = errors.New("closed")

func (closed) Slate(Question) ([]int, error) { return nil, errClosed }

func TestEventsEndWithAnError(t *testing.T) {
	var last error
	for _, err := range little(t).Events(closed{}) {
		last = err
	}
	if !errors.Is(last, errClosed) {
		t.Errorf("error %v", last)
	}
}
