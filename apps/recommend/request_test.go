package recommend

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"bellwether"
	"bellwether/apps/app"
	"bellwether/internal/apptest"
	"bellwether/learn"
	"bellwether/models/sequence"

	"github.com/google/go-cmp/cmp"
)

func ask(s *apptest.Shop, r Request) app.Answer {
	s.T.Helper()
	a, err := Recommend(s.T.Context(), s.Project, r)
	if err != nil {
		s.T.Fatal(err)
	}
	return a
}

// outside returns somebody who is not in the holdout.
func outside(s *apptest.Shop) bellwether.Subject {
	s.T.Helper()
	for i := range 100 {
		who, err := s.History.Person(s.T.Context(), apptest.Person(i), "")
		if err != nil {
			s.T.Fatal(err)
		}
		if !s.Decider.Holdout(who.Bucket) {
			return who.Subject
		}
	}
	s.T.Fatal("everybody is in the holdout")
	return ""
}

// TestLoop goes once around: events, a turn, a decision with its key, a second turn, a restart.
func TestLoop(t *testing.T) {
	s := apptest.Open(t, Application())
	s.Catalogue(100)
	before := ask(s, Request{Subject: apptest.Person(1)})
	if before.Decision.Model != Popularity || before.Reason != "no model is in service" {
		t.Errorf("before any turn %s answered: %s", before.Decision.Model, before.Reason)
	}
	s.Walk(120, 70, 100)
	done, failed := s.Turn()
	if w := done[Name]; w == nil || !w.Promoted || len(w.Card.Rows) != 12 {
		t.Fatalf("the turn: %v", failed)
	}

	// The rule of the walk is learned: the next number is on top for somebody outside the holdout.
	who := outside(s)
	answer := ask(s, Request{Subject: who, Exclude: "none", Key: "first"})
	if answer.Decision.Model != "recommend-000001" || answer.Reason != "" {
		t.Fatalf("%s answered: %s", answer.Decision.Model, answer.Reason)
	}
	var number int
	if _, err := fmt.Sscanf(string(who), "person-%d", &number); err != nil {
		t.Fatal(err)
	}
	if want, got := string(apptest.Item((number+70)%100)), answer.Decision.Candidates[0].Action; got != want {
		t.Errorf("the best candidate is %s, want %s", got, want)
	}
	if err := answer.Decision.Validate(); err != nil {
		t.Error(err)
	}
	again := ask(s, Request{Subject: who, Exclude: "none", Key: "first"})
	if diff := cmp.Diff(answer.Decision, again.Decision); diff != "" {
		t.Errorf("the same key gave another decision:\n%s", diff)
	}

	// The second turn compares with the first.
	s.SetClock(s.Now().AddDate(0, 0, 8))
	second, failed := s.Turn()
	if w := second[Name]; w == nil || !strings.Contains(w.Reason, "recommend-000001") {
		t.Errorf("the second turn does not say what it compared with: %v, %v", w, failed)
	}
	v, err := s.Registry.Serving(Name)
	if err != nil {
		t.Fatal(err)
	}
	s.Reopen()
	if w, err := s.Registry.Serving(Name); err != nil || w.Version != v.Version {
		t.Errorf("after a restart %v is in service, want %s", err, v.Version)
	}
	after := ask(s, Request{Subject: who, Exclude: "none", Key: "first"})
	if diff := cmp.Diff(answer.Decision, after.Decision); diff != "" {
		t.Errorf("after a restart the same key gave another decision:\n%s", diff)
	}
}

func TestTurnWithoutData(t *testing.T) {
	s := apptest.Open(t, Application())
	if _, failed := s.Turn(); !errors.Is(failed[Name], learn.ErrNoData) {
		t.Errorf("an empty shop: %v", failed[Name])
	}
	if _, err := Recommend(t.Context(), s.Project, Request{Subject: "anybody"}); !errors.Is(err, ErrNothing) {
		t.Errorf("an empty shop answered %v", err)
	}
	s.Walk(5, 6, 4)
	if _, failed := s.Turn(); !errors.Is(failed[Name], learn.ErrNoData) || !strings.Contains(failed[Name].Error(), "5 people have 3 events") {
		t.Errorf("five people: %v", failed[Name])
	}
	task, err := s.Registry.Task(Name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := task.Given(s.ID, &bellwether.Table{}, s.Now()); err == nil {
		t.Error("a table is taken")
	}
}

func TestFilters(t *testing.T) {
	s := apptest.Open(t, Application())
	s.Catalogue(6)
	none := int64(0)
	s.AcceptItems(bellwether.Item{ID: "sold-out", Category: "category 0", Stock: &none}, bellwether.Item{ID: "tomorrow", From: apptest.Begin.AddDate(1, 0, 0)})
	s.Walk(4, 6, 6) // person-000 has bought item-00 and item-03, and seen all
	for _, test := range []struct {
		name    string
		request Request
		without []string
	}{
		{"purchased", Request{}, []string{"item-00", "item-03", "sold-out", "tomorrow"}},
		{"category", Request{Category: "category 1"}, []string{"item-00", "item-02", "item-03", "item-05"}},
		{"none", Request{Exclude: "none"}, []string{"sold-out", "tomorrow"}},
		{"history of the request", Request{History: []bellwether.Event{{Type: bellwether.Purchase, Item: " ITEM-05", Occurred: apptest.Begin}}}, []string{"item-05", "sold-out"}},
	} {
		test.request.Subject, test.request.Preview = "person-000", true
		for _, c := range ask(s, test.request).Decision.Candidates {
			for _, w := range test.without {
				if c.Action == w {
					t.Errorf("%s: %s is a candidate", test.name, w)
				}
			}
		}
	}
	if _, err := Recommend(t.Context(), s.Project, Request{Subject: "person-000", Exclude: "seen"}); !errors.Is(err, ErrNothing) {
		t.Errorf("somebody who saw everything got %v", err)
	}
	for _, r := range []Request{{Subject: "person-000", Exclude: "everything"}, {}} {
		if _, err := Recommend(t.Context(), s.Project, r); !errors.Is(err, app.ErrBadRequest) {
			t.Errorf("%+v gave %v", r, err)
		}
	}
}

// TestPurchasesAreKnownForGood: what was bought is not offered again, however much was done since.
func TestPurchasesAreKnownForGood(t *testing.T) {
	s := apptest.Open(t, Application())
	s.Catalogue(4)
	s.Accept(bellwether.Event{ID: "bought", Type: bellwether.Purchase, Subject: "ana", Item: "ITEM-01", Occurred: apptest.Begin.Add(-time.Hour)})
	for part := range 5 {
		var events []bellwether.Event
		for i := range 100 {
			events = append(events, bellwether.Event{
				ID: bellwether.EventID(fmt.Sprint("view ", part, " ", i)), Type: bellwether.ViewItem, Subject: "ana", Item: apptest.Item(2),
				Occurred: apptest.Begin.Add(time.Duration(part*100+i) * time.Minute),
			})
		}
		s.SetClock(apptest.Begin.Add(time.Duration(part+1) * 100 * time.Minute))
		s.Accept(events...)
	}
	a := ask(s, Request{Subject: "ana", Preview: true})
	for _, c := range a.Decision.Candidates {
		if c.Action == "item-01" {
			t.Errorf("what was bought 501 events ago is a candidate: %v", a.Decision.Filters)
		}
	}
	if len(a.Decision.Candidates) != 3 {
		t.Errorf("%d candidates", len(a.Decision.Candidates))
	}
}

// TestLogin holds that what a person did before signing in is known afterwards, and that the arm of the holdout stays.
func TestLogin(t *testing.T) {
	s := apptest.Open(t, Application())
	s.Catalogue(3)
	anonymous := ask(s, Request{Anonymous: "phone", Preview: true}).Decision.Holdout
	s.Accept(
		bellwether.Event{ID: "1", Type: bellwether.Purchase, Anonymous: "phone", Item: apptest.Item(0)},
		bellwether.Event{ID: "2", Type: bellwether.Identify, Anonymous: "phone", Subject: "ann", Traits: map[string]any{"email": "ann@example.com"}},
		bellwether.Event{ID: "3", Type: bellwether.Identify, Anonymous: "phone", Subject: "bob"}, // a shared device: ann's stays ann's
	)
	for _, test := range []struct {
		subject   bellwether.Subject
		anonymous bellwether.AnonymousID
		bought    bool
		is        bellwether.Subject
	}{{"ann", "", true, "ann"}, {"", "phone", true, "ann"}, {"bob", "", false, "bob"}, {"", "tablet", false, "~tablet"}} {
		a := ask(s, Request{Subject: test.subject, Anonymous: test.anonymous, Preview: true})
		bought := len(a.Decision.Candidates) == 2
		if bought != test.bought || a.Decision.Subject != test.is {
			t.Errorf("%s%s is %s with %d candidates", test.subject, test.anonymous, a.Decision.Subject, len(a.Decision.Candidates))
		}
		if test.is == "ann" && a.Decision.Holdout != anonymous {
			t.Error("the arm changed at the sign-in")
		}
	}
}

// TestHoldoutGetsPopularity: whoever is in the holdout, or previewed as if, gets popular items while a model serves others.
func TestHoldoutGetsPopularity(t *testing.T) {
	s := apptest.Open(t, Application())
	s.Catalogue(10)
	s.Walk(60, 12, 10)
	if _, failed := s.Turn(); failed[Name] != nil {
		t.Fatal(failed[Name])
	}
	who, yes := outside(s), true
	if a := ask(s, Request{Subject: who, Exclude: "none", Preview: true}); a.Decision.Model == Popularity || a.Decision.Holdout {
		t.Errorf("outside the holdout %s answered: %s", a.Decision.Model, a.Reason)
	}
	a := ask(s, Request{Subject: who, Exclude: "none", Preview: true, Holdout: &yes})
	if a.Decision.Model != Popularity || !a.Decision.Holdout || a.Reason != "popularity was asked for" {
		t.Errorf("in the holdout %s answered: %s", a.Decision.Model, a.Reason)
	}
	popular, err := s.History.Popular(s.Now())
	if err != nil || a.Decision.Candidates[0].Action != string(popular[0].Item) {
		t.Errorf("the first candidate is %v, %v", a.Decision.Candidates[0], err)
	}
	in := 0
	for i := range 60 {
		person, err := s.History.Person(t.Context(), apptest.Person(i), "")
		if err != nil {
			t.Fatal(err)
		}
		a := ask(s, Request{Subject: person.Subject, Exclude: "none", Preview: true})
		if a.Decision.Holdout != s.Decider.Holdout(person.Bucket) || a.Decision.Holdout != (a.Decision.Model == Popularity) {
			t.Errorf("%s: %s, holdout %v", person.Subject, a.Decision.Model, a.Decision.Holdout)
		}
		if a.Decision.Holdout {
			in++
		}
	}
	if in == 0 {
		t.Error("nobody is in the holdout")
	}
}

// Everybody gets what each would get alone, in the order of their names; what one of them cannot have costs nobody else anything.
func TestEverybody(t *testing.T) {
	s := apptest.Open(t, Application())
	s.Walk(60, 20, 30)
	s.Accept(bellwether.Event{ID: "device", Type: bellwether.ViewItem, Anonymous: "device", Item: apptest.Item(1)})
	if _, failed := s.Turn(); failed[Name] != nil {
		t.Fatal(failed[Name])
	}
	r := Request{Surface: "home", K: 3, Exclude: "none", Preview: true}
	last, n := bellwether.Subject(""), 0
	err := Everybody(t.Context(), s.Project, r, func(who bellwether.Subject, a app.Answer, err error) error {
		if err != nil || who <= last {
			t.Errorf("%s after %s: %v", who, last, err)
		}
		r.Subject, last = who, who
		n++
		if diff := cmp.Diff(ask(s, r).Decision.Candidates, a.Decision.Candidates); diff != "" {
			t.Errorf("%s alone and with everybody:\n%s", who, diff)
		}
		return nil
	})
	if err != nil || n != 60 {
		t.Errorf("%d people, %v", n, err)
	}

	// Decisions with a key are made once, however often they are asked for.
	r.Preview, r.Key, r.Subject = false, "monday", ""
	ids := map[bellwether.Subject]bellwether.DecisionID{}
	for range 2 {
		err := Everybody(t.Context(), s.Project, r, func(who bellwether.Subject, a app.Answer, err error) error {
			if id := ids[who]; err != nil || a.Decision.ID == "" || id != "" && id != a.Decision.ID {
				t.Errorf("%s: decision %q after %q, %v", who, a.Decision.ID, id, err)
			}
			ids[who] = a.Decision.ID
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}

	r = Request{Surface: "home", K: 3, Category: "nothing", Preview: true}
	failed := 0
	err = Everybody(t.Context(), s.Project, r, func(_ bellwether.Subject, _ app.Answer, err error) error {
		if errors.Is(err, ErrNothing) {
			failed++
		}
		return nil
	})
	if err != nil || failed != 60 {
		t.Errorf("%d people without an item, %v", failed, err)
	}
	enough := errors.New("enough")
	if err := Everybody(t.Context(), s.Project, r, func(bellwether.Subject, app.Answer, error) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("%v, want the error of each", err)
	}
}

// The customer model leaves as safetensors, as ONNX and as a card, before it is evaluated, and once it is
// in service as the one in service although a newer one was trained.
func TestExport(t *testing.T) {
	s := apptest.Open(t, Application())
	write := func(what string, w io.Writer) error {
		for _, e := range Application().Exports {
			if e.Name == what {
				return e.Write(t.Context(), s.Project, w)
			}
		}
		return fmt.Errorf("there is no export %s", what)
	}
	export := func(what string) []byte {
		t.Helper()
		var b bytes.Buffer
		if err := write(what, &b); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		return b.Bytes()
	}
	if err := write("model", io.Discard); !errors.Is(err, learn.ErrNoRun) {
		t.Errorf("before any training: %v", err)
	}
	s.Catalogue(20)
	s.Walk(40, 20, 20)
	task, err := s.Registry.Task(Name)
	if err != nil {
		t.Fatal(err)
	}
	train := func() *learn.Work {
		t.Helper()
		w, err := s.Learn(task)
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
	version := func() (string, int) {
		t.Helper()
		var card struct {
			Version string
			Figures []any
			Items   struct{ Count int }
		}
		if err := json.Unmarshal(export("model-card"), &card); err != nil {
			t.Fatal(err)
		}
		if card.Items.Count != 20 {
			t.Errorf("the card has %d items, want 20", card.Items.Count)
		}
		return card.Version, len(card.Figures)
	}
	w := train()
	if v, figures := version(); v != "recommend-000001" || figures != 0 {
		t.Errorf("%s with %d figures was exported, want the newest with none yet", v, figures)
	}
	if err := errors.Join(s.Registry.Judge(t.Context(), w, nil), s.Registry.Promote(t.Context(), w, true)); err != nil {
		t.Fatal(err)
	}
	train()
	if v, figures := version(); v != "recommend-000001" || figures < 3 {
		t.Errorf("%s with %d figures was exported, want the one in service with those of every row", v, figures)
	}
	m, err := sequence.Load(bytes.NewReader(export("model")))
	if err != nil {
		t.Fatal(err)
	}
	var want bytes.Buffer
	if err := sequence.WriteONNX(&want, m); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(export("model-onnx"), want.Bytes()) {
		t.Error("the ONNX file is of another model")
	}
}

// TestEvaluatedAgain: the data of a run are assembled again by a pass as of its moment, and are the same to the bit while
// newer events have come in.
func TestEvaluatedAgain(t *testing.T) {
	s := apptest.Open(t, Application())
	s.Catalogue(20)
	s.Walk(40, 20, 20)
	task, err := s.Registry.Task(Name)
	if err != nil {
		t.Fatal(err)
	}
	w, err := s.Learn(task)
	if err != nil {
		t.Fatal(err)
	}
	s.SetClock(s.Now().AddDate(0, 0, 1))
	s.Accept(bellwether.Event{ID: "later", Type: bellwether.ViewItem, Subject: apptest.Person(1), Item: apptest.Item(3)})
	again, err := s.Registry.Resume(t.Context(), task, func(_ context.Context, run learn.Run) (learn.Material, error) { return s.Material(task, run.AsOf) })
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(w.Data, again.Data); diff != "" {
		t.Error(diff)
	}
}
