// Package apptest helps to test applications: a shop, which is a project of a store of its own with a clock that the test moves
// ([Open]), and an application that is made for tests alone ([Application]).
package apptest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"bellwether"
	"bellwether/apps/app"
	"bellwether/collect"
	"bellwether/decide"
	"bellwether/history"
	"bellwether/learn"
	"bellwether/store"
	"bellwether/web"
	"bellwether/web/page"

	"github.com/spf13/cobra"
)

// Begin is when a shop's clock starts.
var Begin = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// Shop is a project at work.
type Shop struct {
	*app.Project
	T        testing.TB
	Training learn.Training // of turns
	Notes    []string       // what the registry recorded

	dir   string
	apps  []app.Application
	store *store.Store
	now   atomic.Int64
}

// Open returns a shop with applications. It is closed when the test ends.
func Open(t testing.TB, apps ...app.Application) *Shop {
	t.Helper()
	s := &Shop{T: t, dir: t.TempDir(), apps: apps, Training: learn.Training{Epochs: 2, Preset: "tiny"}}
	s.SetClock(Begin)
	s.open()
	t.Cleanup(s.close)
	return s
}

// SetClock sets the shop's clock.
func (s *Shop) SetClock(at time.Time) { s.now.Store(at.UnixNano()) }

// Now is the time by the shop's clock.
func (s *Shop) Now() time.Time { return time.Unix(0, s.now.Load()).UTC() }

// Note implements [learn.Recorder].
func (s *Shop) Note(_ context.Context, kind bellwether.EventType, traits map[string]any) error {
	s.Notes = append(s.Notes, fmt.Sprint(kind, " ", traits["application"], " ", traits["model"]))
	return nil
}

// must ends the test at an error.
func (s *Shop) must(err error) {
	s.T.Helper()
	if err != nil {
		s.T.Fatal(err)
	}
}

func (s *Shop) open() {
	s.T.Helper()
	ctx := context.Background()
	var err error
	s.store, err = store.Open(ctx, s.dir, store.Options{})
	s.must(err)
	p := &app.Project{ID: "test", Clock: s.Now, Currency: "EUR", Logger: slog.New(slog.DiscardHandler), Options: app.Options{}.WithDefaults()}
	p.Store, err = s.store.Project(ctx, p.ID)
	s.must(err)
	p.History, err = history.Open(ctx, p.Store, history.Options{Clock: s.Now, Currency: p.Currency})
	s.must(err)
	p.Collector, err = collect.New(ctx, p.Store, collect.Options{Clock: s.Now, Currency: p.Currency})
	s.must(err)
	p.Decider, err = decide.New(p.Store, p.History, decide.Options{
		Clock: s.Now, HoldoutShare: 0.1, Default: decide.Softmax{Temperature: p.Options.Temperature},
		Policies: map[bellwether.Surface]decide.Policy{"email": decide.Uniform{}},
	})
	s.must(err)
	p.Registry, err = learn.NewRegistry(p.Store, app.Tasks(s.apps), learn.Options{Clock: s.Now, Currency: p.Currency, Recorder: s})
	s.must(err)
	s.must(p.Registry.Restore(ctx))
	s.Project = p
}

func (s *Shop) close() {
	if s.Project == nil {
		return
	}
	if err := errors.Join(s.History.Close(), s.Collector.Close(), s.store.Close()); err != nil {
		s.T.Error(err)
	}
	s.Project = nil
}

// Reopen closes the shop and opens it again, as a restart does.
func (s *Shop) Reopen() {
	s.T.Helper()
	s.close()
	s.open()
}

// Item is the name of item number i.
func Item(i int) bellwether.ItemID { return bellwether.ItemID(fmt.Sprintf("item-%02d", i)) }

// Person is the name of person number i.
func Person(i int) bellwether.Subject { return bellwether.Subject(fmt.Sprintf("person-%03d", i)) }

// Accept takes events in, and waits until requests see them.
func (s *Shop) Accept(events ...bellwether.Event) {
	s.T.Helper()
	in := make([]collect.Incoming, len(events))
	for i, e := range events {
		in[i] = collect.Incoming{Event: e, Source: "test"}
	}
	r, err := s.Collector.Accept(s.T.Context(), in)
	s.must(err)
	if r.Rejected > 0 {
		s.T.Fatalf("%d events were rejected", r.Rejected)
	}
	s.Flush()
}

// AcceptItems takes items in, and waits until requests see them.
func (s *Shop) AcceptItems(items ...bellwether.Item) {
	s.T.Helper()
	_, err := s.Collector.AcceptItems(s.T.Context(), Texts(s.T, items...))
	s.must(err)
	s.Flush()
}

// Texts are items as requests bring them.
func Texts(t testing.TB, items ...bellwether.Item) []json.RawMessage {
	t.Helper()
	texts := make([]json.RawMessage, len(items))
	for i := range items {
		var err error
		if texts[i], err = json.Marshal(&items[i]); err != nil {
			t.Fatal(err)
		}
	}
	return texts
}

// Flush waits until requests see the whole log.
func (s *Shop) Flush() {
	s.T.Helper()
	last, err := s.Store.Log.Last(s.T.Context())
	s.must(err)
	s.must(s.History.Wait(s.T.Context(), last))
}

// Catalogue writes n items that cost 10 EUR each, of three categories.
func (s *Shop) Catalogue(n int) {
	s.T.Helper()
	var items []bellwether.Item
	for i := range n {
		items = append(items, bellwether.Item{
			ID: Item(i), Title: fmt.Sprint("Thing ", i), Category: fmt.Sprint("category ", i%3),
			Price: bellwether.Money{Amount: 1000, Currency: "EUR"}, Cost: bellwether.Money{Amount: 600, Currency: "EUR"},
		})
	}
	s.AcceptItems(items...)
}

// Walk lets people 0…n−1 view items in a circle for days, a step a day, from a place of their own: the next item is
// the number after the last one. Every third view ends in a purchase, of one half of the people.
func (s *Shop) Walk(n, days, items int) {
	s.T.Helper()
	for day := range days {
		at := Begin.AddDate(0, 0, day)
		s.SetClock(at.Add(time.Hour))
		var events []bellwether.Event
		add := func(e bellwether.Event) {
			e.ID = bellwether.EventID(fmt.Sprintf("%s/%s/%d/%s", e.Subject, e.Type, day, e.Item))
			e.Occurred = at
			events = append(events, e)
		}
		for p := range n {
			it := Item((p + day) % items)
			add(bellwether.Event{Type: bellwether.ViewItem, Subject: Person(p), Item: it})
			if p%2 == 0 && day%3 == 0 {
				add(bellwether.Event{Type: bellwether.Purchase, Subject: Person(p), Item: it, Quantity: 1, Price: bellwether.Money{Amount: 1000, Currency: "EUR"}})
			}
		}
		s.Accept(events...)
	}
}

// Turn runs a turn of every task: a pass over people, and then each is fitted, judged and promoted. It returns the work by task, and why a
// task has none.
func (s *Shop) Turn() (done map[string]*learn.Work, failed map[string]error) {
	s.T.Helper()
	done, failed = map[string]*learn.Work{}, map[string]error{}
	for _, t := range s.Registry.Tasks() {
		w, err := s.Learn(t)
		if err == nil {
			err = s.Registry.Judge(s.T.Context(), w, nil)
		}
		if err == nil {
			err = s.Registry.Promote(s.T.Context(), w, false)
		}
		if err != nil {
			failed[t.Name] = err
			continue
		}
		done[t.Name] = w
	}
	return done, failed
}

// Learn trains a task on the log up to now.
func (s *Shop) Learn(t *learn.Task) (*learn.Work, error) {
	s.T.Helper()
	s.must(s.History.Refresh(s.T.Context(), s.Now()))
	m, err := s.Material(t, s.Now())
	if err != nil {
		return nil, err
	}
	return s.Registry.Train(s.T.Context(), t, m, s.Training, nil)
}

// Material assembles a task's data in a pass as of a moment.
func (s *Shop) Material(t *learn.Task, asOf time.Time) (learn.Material, error) {
	s.T.Helper()
	in, err := s.Inputs(asOf)
	s.must(err)
	a := t.Data(in)
	tally, err := s.History.Pass(s.T.Context(), history.PassOptions{AsOf: asOf}, a)
	s.must(err)
	return t.Assembled(a, asOf, tally.Cursor)
}

// Server returns the web server of the shop's applications.
func (s *Shop) Server() *web.Server {
	s.T.Helper()
	keys, err := web.LoadKeys(s.T.Context(), s.store, s.Now)
	s.must(err)
	o := web.Options{Keys: keys, Clock: s.Now, Failures: app.Failures(s.apps), Project: func(id bellwether.ProjectID) any {
		if id != s.ID {
			return nil
		}
		return s.Project
	}}
	for _, a := range s.apps {
		o.Routes = append(o.Routes, a.Routes...)
	}
	pages, refused, err := app.Console(s.apps, page.Options{Clock: s.Now})
	s.must(err)
	o.Routes, o.Refused = append(o.Routes, pages...), refused
	server, err := web.New(o)
	s.must(err)
	return server
}

// Ask asks a route as the owner of the data folder does, and returns what it answers.
func (s *Shop) Ask(method, path string, in any) (string, error) {
	s.T.Helper()
	var out strings.Builder
	client := web.InProcess(s.Server(), s.ID, web.ClientOptions{Failures: app.Failures(s.apps)})
	err := client.Do(s.T.Context(), method, path, in, &out, nil)
	return out.String(), err
}

// Run runs a command of the applications and returns what it writes.
func (s *Shop) Run(json bool, args ...string) (string, error) {
	s.T.Helper()
	sh := &shell{json: json, client: web.InProcess(s.Server(), s.ID, web.ClientOptions{Failures: app.Failures(s.apps)})}
	root := &cobra.Command{Use: "bellwether", SilenceUsage: true, SilenceErrors: true}
	for _, a := range s.apps {
		if a.Commands != nil {
			root.AddCommand(a.Commands(sh)...)
		}
	}
	var out strings.Builder
	root.SetOut(&out)
	root.SetErr(io.Discard)
	root.SetArgs(args)
	err := root.ExecuteContext(s.T.Context())
	return out.String(), err
}

// shell is a plain [app.Shell].
type shell struct {
	json   bool
	client *web.Client
}

// Client implements [app.Shell].
func (sh *shell) Client(context.Context) (*web.Client, error) { return sh.client, nil }

// JSON implements [app.Shell].
func (sh *shell) JSON() bool { return sh.json }

// Report implements [app.Shell].
func (sh *shell) Report() func(bellwether.Progress) { return nil }

// Print implements [app.Shell].
func (sh *shell) Print(w io.Writer, v any, text func(io.Writer) error) error {
	if sh.json {
		return json.NewEncoder(w).Encode(v)
	}
	return text(w)
}
