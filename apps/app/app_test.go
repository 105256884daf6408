package app_test

import (
	"errors"
	"testing"
	"time"

	"bellwether"
	"bellwether/apps/app"
	"bellwether/internal/apptest"
	"bellwether/learn"
	"bellwether/web"

	"github.com/google/go-cmp/cmp"
)

// TestWithHistory: a history that a request brings replaces what happened, in the catalogue's spelling; who the person is stays.
func TestWithHistory(t *testing.T) {
	s := apptest.Open(t)
	s.Catalogue(3)
	s.Accept(
		bellwether.Event{ID: "1", Type: bellwether.Purchase, Anonymous: "phone", Item: apptest.Item(0), Consent: []bellwether.Purpose{"marketing"}},
		bellwether.Event{ID: "2", Type: bellwether.Identify, Anonymous: "phone", Subject: "ana", Consent: []bellwether.Purpose{"marketing"}, Traits: map[string]any{"plan": "plus"}},
	)
	who, err := s.Person(t.Context(), "", "phone")
	if err != nil {
		t.Fatal(err)
	}
	visits := s.Events([]app.Visit{{Item: " ITEM-01", Type: bellwether.ViewItem, Price: 900, Time: s.Now()}, {Type: bellwether.PageView, Time: s.Now()}})
	as, err := s.WithHistory(who, visits)
	if err != nil {
		t.Fatal(err)
	}
	if as.Subject != "ana" || as.Bucket != who.Bucket || !cmp.Equal(as.Consent, who.Consent) || len(as.Events) != 2 || as.SubjectAt(1, s.Now()) != "ana" {
		t.Errorf("%+v", as)
	}
	if e := as.Events[0]; e.Item != apptest.Item(1) || e.Subject != "ana" || e.Price != (bellwether.Money{Amount: 900, Currency: "EUR"}) || !e.Received.Equal(s.Now()) {
		t.Errorf("%+v", e)
	}
	if as.Events[1].Traits["plan"] != "plus" {
		t.Error("the traits are gone")
	}
	if visits[0].Subject != "" || len(who.Events) != 2 {
		t.Error("what was given has changed")
	}
	if none, err := s.WithHistory(who, []bellwether.Event{}); err != nil || none.Known || len(none.Events) != 0 {
		t.Errorf("an empty history: %+v, %v", none, err)
	}
	if s.Events(nil) != nil {
		t.Error("no history became an empty one")
	}
	if _, err := s.Person(t.Context(), "", ""); !errors.Is(err, app.ErrBadRequest) {
		t.Errorf("nobody: %v", err)
	}
}

// TestSignedIn lists people by name, and no devices.
func TestSignedIn(t *testing.T) {
	s := apptest.Open(t)
	s.Walk(30, 1, 5)
	s.Accept(
		bellwether.Event{ID: "a", Type: bellwether.PageView, Anonymous: "device"},
		bellwether.Event{ID: "b", Type: bellwether.PageView, Anonymous: "phone"},
		bellwether.Event{ID: "c", Type: bellwether.Identify, Anonymous: "phone", Subject: apptest.Person(3)},
	)
	got, err := s.SignedIn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var want []bellwether.Subject
	for i := range 30 {
		want = append(want, apptest.Person(i))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestFrom finds the project of a call, and says so where there is none.
func TestFrom(t *testing.T) {
	p := &app.Project{ID: "shop"}
	ctx := web.WithProject(t.Context(), p.ID, web.Read, struct{ *app.Project }{p})
	if got, err := app.From(ctx); err != nil || got != p {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := app.From(t.Context()); err == nil {
		t.Error("a project outside of a call")
	}
}

func TestFailuresAreNamedOnce(t *testing.T) {
	names := map[string]bool{}
	odd := errors.New("odd")
	list := append(app.Failures([]app.Application{{Failures: []web.Failure{{Err: odd, Status: 409, Name: "odd"}}}}), web.Failures...)
	for _, f := range list {
		if names[f.Name] || f.Status < 400 || f.Err == nil {
			t.Errorf("%+v", f)
		}
		names[f.Name] = true
	}
	if !names["odd"] || !names["unknown-task"] {
		t.Errorf("names %v", names)
	}
}

// TestInputs are those of the project, as of the moment.
func TestInputs(t *testing.T) {
	s := apptest.Open(t)
	s.Catalogue(2)
	asOf := s.Now().Add(-time.Hour)
	in, err := s.Inputs(asOf)
	if err != nil || in.Project != "test" || !in.AsOf.Equal(asOf) || len(in.Items) != 2 || in.Currency != "EUR" || in.Temperature != .5 || in.Decision == nil || in.Person == nil {
		t.Errorf("%+v, %v", in, err)
	}
	if d := in.Dataset("x"); d.Project != "test" || d.Name != "x" || !d.AsOf.Equal(asOf) {
		t.Errorf("%+v", d)
	}
	if len(app.Tasks([]app.Application{{Tasks: []learn.Task{{Name: "a"}}}, {}, {Tasks: []learn.Task{{Name: "b"}, {Name: "c"}}}})) != 3 {
		t.Error("a task is lost")
	}
}
