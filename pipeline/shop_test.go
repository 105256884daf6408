package pipeline

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"bellwether"
	"bellwether/apps/app"
	"bellwether/apps/recommend"
	"bellwether/collect"
	"bellwether/decide"
	"bellwether/internal/apptest"
	"bellwether/learn"
	"bellwether/store"
)

// shop is a project over a store of its own, with a clock that the test moves.
type shop struct {
	t     *testing.T
	dir   string
	store *store.Store
	*Project
	now atomic.Int64
}

func newShop(t *testing.T) *shop {
	t.Helper()
	s := &shop{t: t, dir: t.TempDir()}
	s.now.Store(apptest.Begin.UnixNano())
	s.open()
	t.Cleanup(s.close)
	return s
}

func (s *shop) open() {
	s.t.Helper()
	var err error
	if s.store, err = store.Open(s.t.Context(), s.dir, store.Options{}); err != nil {
		s.t.Fatal(err)
	}
	p, err := s.store.Project(s.t.Context(), "test")
	if err != nil {
		s.t.Fatal(err)
	}
	s.Project, err = Open(s.t.Context(), p, Options{
		Clock: func() time.Time { return time.Unix(0, s.now.Load()).UTC() }, Currency: "EUR", HoldoutShare: 0.1,
		Training: learn.Training{Epochs: 2, Preset: "tiny"},
		Policies: map[bellwether.Surface]decide.Policy{"email": decide.Uniform{}},
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *shop) close() {
	if s.Project != nil {
		if err := errors.Join(s.Project.Close(), s.store.Close()); err != nil {
			s.t.Error(err)
		}
	}
	s.Project = nil
}

// reopen closes the shop and opens it again, as a restart does.
func (s *shop) reopen() {
	s.t.Helper()
	s.close()
	s.open()
}

// later moves the clock by days.
func (s *shop) later(days int) { s.now.Add(int64(days) * int64(24*time.Hour)) }

// catalogue writes n items that cost 10 EUR each.
func (s *shop) catalogue(n int) {
	s.t.Helper()
	var items []bellwether.Item
	for i := range n {
		items = append(items, bellwether.Item{
			ID: apptest.Item(i), Category: fmt.Sprint("category ", i%3),
			Price: bellwether.Money{Amount: 1000, Currency: "EUR"}, Cost: bellwether.Money{Amount: 600, Currency: "EUR"},
		})
	}
	if _, err := s.AcceptItems(s.t.Context(), apptest.Texts(s.t, items...)); err != nil {
		s.t.Fatal(err)
	}
}

func (s *shop) accept(events ...bellwether.Event) {
	s.t.Helper()
	in := make([]collect.Incoming, len(events))
	for i, e := range events {
		in[i] = collect.Incoming{Event: e, Source: "test"}
	}
	r, err := s.Collector.Accept(s.t.Context(), in)
	if err != nil || r.Rejected > 0 {
		s.t.Fatalf("%+v, %v", r, err)
	}
	if err := s.Flush(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
}

// walk lets people 0…n−1 view items in a circle for days, a step a day, from a place of their own: the next item is
// the number after the last one. Every third view ends in a purchase, of one half of the people.
func (s *shop) walk(n, days, items int) {
	s.t.Helper()
	for day := range days {
		at := apptest.Begin.AddDate(0, 0, day)
		s.now.Store(at.Add(time.Hour).UnixNano())
		var events []bellwether.Event
		add := func(e bellwether.Event) {
			e.ID = bellwether.EventID(fmt.Sprintf("%s/%s/%d/%s", e.Subject, e.Type, day, e.Item))
			e.Occurred = at
			events = append(events, e)
		}
		for p := range n {
			it := apptest.Item((p + day) % items)
			add(bellwether.Event{Type: bellwether.ViewItem, Subject: apptest.Person(p), Item: it})
			if p%2 == 0 && day%3 == 0 {
				add(bellwether.Event{Type: bellwether.Purchase, Subject: apptest.Person(p), Item: it, Quantity: 1, Price: bellwether.Money{Amount: 1000, Currency: "EUR"}})
			}
		}
		s.accept(events...)
	}
}

func (s *shop) recommend(r recommend.Request) app.Answer {
	s.t.Helper()
	a, err := recommend.Recommend(s.t.Context(), s.Project.Project, r)
	if err != nil {
		s.t.Fatal(err)
	}
	return a
}

func (s *shop) turn(o TurnOptions) TurnReport {
	s.t.Helper()
	r, err := s.Turn(s.t.Context(), o, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return r
}

// serving is the version in service of a task, "" where there is none.
func (s *shop) serving(task string) bellwether.ModelVersion {
	v, err := s.Registry.Serving(task)
	if err != nil {
		return ""
	}
	return v.Version
}

// outside returns the number of somebody who is not in the holdout.
func (s *shop) outside() int {
	s.t.Helper()
	for i := range 100 {
		who, err := s.History.Person(s.t.Context(), apptest.Person(i), "")
		if err != nil {
			s.t.Fatal(err)
		}
		if !s.Decider.Holdout(who.Bucket) {
			return i
		}
	}
	s.t.Fatal("everybody is in the holdout")
	return 0
}

// logged are the events of one type in the log, and how many records there are of each kind.
func (s *shop) logged(kind bellwether.EventType) (out []bellwether.Event, kinds map[store.Kind]int) {
	s.t.Helper()
	kinds = map[store.Kind]int{}
	err := s.Store.Log.Read(s.t.Context(), 0, func(b store.Batch) error {
		for _, r := range b.Records {
			kinds[r.Kind]++
			if r.Kind != store.KindEvent {
				continue
			}
			var e bellwether.Event
			if err := store.Decode(r.Data, &e); err != nil {
				return err
			}
			if e.Type == kind {
				out = append(out, e)
			}
		}
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return out, kinds
}
