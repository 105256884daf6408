package pipeline

import (
	"context"
	"fmt"
	"io"
	"testing"
	"time"

	"bellwether"
	"bellwether/prepare"
	"bellwether/serve"

	"github.com/google/go-cmp/cmp"
)

// listener is a recommender that remembers what it was asked about.
type listener struct {
	items []bellwether.ItemID
	heard []bellwether.Step
}

func (l *listener) Family() string             { return "listener" }
func (l *listener) Save(io.Writer) error       { return nil }
func (l *listener) Items() []bellwether.ItemID { return l.items }
func (l *listener) Score(_ context.Context, histories [][]bellwether.Step, _ [][]float32) error {
	l.heard = append([]bellwether.Step(nil), histories[0]...)
	return nil
}

// A request turns a person's events into the steps that training made of them.
func TestRequestsSeeTheStepsOfTraining(t *testing.T) {
	kinds := []bellwether.EventType{bellwether.ViewItem, bellwether.AddToCart, bellwether.Purchase}
	var events []bellwether.Event
	for i := range 40 {
		e := bellwether.Event{
			ID: bellwether.EventID(fmt.Sprint("e", i)), Type: kinds[i*i%3], Subject: "ana", Item: item(i * i / 3 % 7), Quantity: int64(i % 4),
			Occurred: begin.Add(time.Duration(i*i) * time.Hour), Received: begin.Add(time.Duration(i*i) * time.Hour),
			Price: bellwether.Money{Amount: int64(900 + i), Currency: "EUR"},
		}
		if i%3 == 0 {
			e.Channel, e.Campaign = bellwether.Channel(fmt.Sprint("channel ", i%2)), "spring"
		}
		if i%5 == 0 {
			e.Price.Currency = "JPY"
		}
		if i%6 == 1 {
			e.Decision = "d"
		}
		events = append(events, e)
	}
	cleaned, err := prepare.Clean(t.Context(), prepare.Input{Rules: prepare.Rules{Currency: "EUR"}, Events: func(yield func(bellwether.Event, error) bool) {
		for _, e := range events {
			if !yield(e, nil) {
				return
			}
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	q, err := prepare.Sequences(cleaned, prepare.SequenceOptions{Collapse: true, Unprompted: true})
	if err != nil {
		t.Fatal(err)
	}
	m := &listener{items: q.Items}
	v, err := serve.NewServing("r-1", "recommend", m, serve.Vocabulary{Types: q.Types, Channels: q.Channels, Campaigns: q.Campaigns})
	if err != nil {
		t.Fatal(err)
	}
	s := serve.New(time.Now)
	s.Swap(v)
	if _, err := s.Recommend(t.Context(), serve.Query{Subject: "ana", History: visitsOf(cleaned.Events, "EUR"), K: 3}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(q.Steps[0], m.heard); diff != "" || len(m.heard) < 10 || len(q.Campaigns) != 1 {
		t.Errorf("%d steps, of training and of a request (-want +got):\n%s", len(m.heard), diff)
	}
}
