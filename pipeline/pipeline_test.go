package pipeline

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"bellwether"
	"bellwether/collect"
	"bellwether/decide"
	"bellwether/serve"
	"bellwether/store"

	"github.com/google/go-cmp/cmp"
)

var begin = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// shop is an engine over a store of its own, with a clock that the test moves.
type shop struct {
	t      *testing.T
	dir    string
	store  *store.Store
	engine *Engine
	now    atomic.Int64
}

func newShop(t *testing.T) *shop {
	t.Helper()
	s := &shop{t: t, dir: t.TempDir()}
	s.now.Store(begin.UnixNano())
	s.open()
	t.Cleanup(func() { s.close() })
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
	s.engine, err = Open(s.t.Context(), p, Options{
		Clock: func() time.Time { return time.Unix(0, s.now.Load()).UTC() }, Currency: "EUR", HoldoutShare: 0.1,
		Training: Training{Epochs: 2, Preset: "tiny"},
		Policies: map[bellwether.Surface]decide.Policy{"email": decide.Uniform{}},
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *shop) close() {
	if s.engine != nil {
		if err := errors.Join(s.engine.Close(), s.store.Close()); err != nil {
			s.t.Error(err)
		}
	}
	s.engine = nil
}

// catalogue writes n items that cost 10 EUR each.
func (s *shop) catalogue(n int) {
	s.t.Helper()
	var items []bellwether.Item
	for i := range n {
		items = append(items, bellwether.Item{
			ID: item(i), Category: fmt.Sprint("category ", i%3),
			Price: bellwether.Money{Amount: 1000, Currency: "EUR"}, Cost: bellwether.Money{Amount: 600, Currency: "EUR"},
		})
	}
	if _, err := s.engine.AcceptItems(s.t.Context(), items); err != nil {
		s.t.Fatal(err)
	}
}

func item(i int) bellwether.ItemID { return bellwether.ItemID(fmt.Sprintf("item-%02d", i)) }

func name(i int) bellwether.Subject { return bellwether.Subject(fmt.Sprintf("person-%03d", i)) }

// walk lets people 0…n−1 view items in a circle for days, a step a day, from a place of their own: the next item is
// the number after the last one. Every third view ends in a purchase, of one half of the people.
func (s *shop) walk(n, days, items int) {
	s.t.Helper()
	for day := range days {
		at := begin.AddDate(0, 0, day)
		s.now.Store(at.Add(time.Hour).UnixNano())
		var in []collect.Incoming
		add := func(e bellwether.Event) {
			e.ID = bellwether.EventID(fmt.Sprintf("%s/%s/%d/%s", e.Subject, e.Type, day, e.Item))
			e.Occurred = at
			in = append(in, collect.Incoming{Event: e, Source: "test"})
		}
		for p := range n {
			it := item((p + day) % items)
			add(bellwether.Event{Type: bellwether.ViewItem, Subject: name(p), Item: it})
			if p%2 == 0 && day%3 == 0 {
				add(bellwether.Event{Type: bellwether.Purchase, Subject: name(p), Item: it, Quantity: 1, Price: bellwether.Money{Amount: 1000, Currency: "EUR"}})
			}
		}
		if _, err := s.engine.Collector.Accept(s.t.Context(), in); err != nil {
			s.t.Fatal(err)
		}
	}
	s.flush()
}

func (s *shop) flush() {
	s.t.Helper()
	if err := s.engine.Flush(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
}

func (s *shop) recommend(r RecommendRequest) Answer {
	s.t.Helper()
	a, err := s.engine.Recommend(s.t.Context(), r)
	if err != nil {
		s.t.Fatal(err)
	}
	return a
}

// TestLoop goes once around: events, a turn, a decision, its outcome, a second turn, a restart.
func TestLoop(t *testing.T) {
	s := newShop(t)
	s.catalogue(100)
	before := s.recommend(RecommendRequest{Subject: name(1)})
	if before.Decision.Model != serve.PopularityVersion || before.Reason != "no model is in service" {
		t.Errorf("before any turn %s answered: %s", before.Decision.Model, before.Reason)
	}
	s.walk(120, 70, 100)
	r, err := s.engine.Turn(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range r.Applications {
		if !a.Promoted {
			t.Errorf("%s was not promoted: %s", a.Application, a.Reason)
		}
		if len(a.Rows) < 3 {
			t.Errorf("%s has %d rows, too few for a model beside baselines", a.Application, len(a.Rows))
		}
	}

	// The rule of the walk is learned: the next number is on top for somebody outside the holdout.
	who := outside(t, s.engine)
	answer := s.recommend(RecommendRequest{Subject: who, Exclude: "none", Key: "first"})
	if answer.Decision.Model != "recommend-000001" || answer.Reason != "" {
		t.Fatalf("%s answered: %s", answer.Decision.Model, answer.Reason)
	}
	var number int
	if _, err := fmt.Sscanf(string(who), "person-%d", &number); err != nil {
		t.Fatal(err)
	}
	if want, got := string(item((number+70)%100)), answer.Decision.Candidates[0].Action; got != want {
		t.Errorf("the best candidate is %s, want %s", got, want)
	}
	if err := answer.Decision.Validate(); err != nil {
		t.Error(err)
	}
	again := s.recommend(RecommendRequest{Subject: who, Exclude: "none", Key: "first"})
	if diff := cmp.Diff(answer.Decision, again.Decision); diff != "" {
		t.Errorf("the same key gave another decision:\n%s", diff)
	}

	// A click on the slate is credited to it.
	chosen := answer.Decision.Chosen()
	_, err = s.engine.Collector.Accept(t.Context(), []collect.Incoming{{Event: bellwether.Event{
		ID: "click", Type: bellwether.SelectItem, Subject: who, Item: bellwether.ItemID(chosen[0]), Position: 1, Decision: answer.Decision.ID,
	}}})
	if err != nil {
		t.Fatal(err)
	}
	s.now.Add(int64(8 * 24 * time.Hour))
	report, err := s.engine.Report(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if report.Counts.Credited != 1 {
		t.Errorf("%d outcomes are credited, want the click", report.Counts.Credited)
	}

	// The second turn compares with the first; nothing new was learned, so nothing needs to change.
	second, err := s.engine.Turn(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if a := second.Applications[0]; !strings.Contains(a.Reason, "recommend-000001") {
		t.Errorf("the second turn does not say what it compared with: %s", a.Reason)
	}
	inService := s.engine.Service.Current("recommend").Version

	s.close()
	s.open()
	if v := s.engine.Service.Current("recommend"); v == nil || v.Version != inService {
		t.Errorf("after a restart %v is in service, want %s", v, inService)
	}
	after := s.recommend(RecommendRequest{Subject: who, Exclude: "none", Key: "first"})
	if diff := cmp.Diff(answer.Decision, after.Decision); diff != "" {
		t.Errorf("after a restart the same key gave another decision:\n%s", diff)
	}
	turns, err := s.engine.Turns(t.Context(), 10)
	if err != nil || len(turns) != 2 || turns[1].Number != 2 {
		t.Errorf("turns are %v, %v", turns, err)
	}
	promoted := 0
	for e, err := range s.engine.Events(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if e.Type == bellwether.ModelPromoted {
			promoted++
		}
	}
	if promoted < 2 {
		t.Errorf("%d promotions are in the log", promoted)
	}
}

// outside returns somebody who is not in the holdout.
func outside(t *testing.T, e *Engine) bellwether.Subject {
	t.Helper()
	for i := range 100 {
		if !e.Decider.Holdout(e.bucket(name(i))) {
			return name(i)
		}
	}
	t.Fatal("everybody is in the holdout")
	return ""
}

func TestTurnWithoutData(t *testing.T) {
	s := newShop(t)
	r, err := s.engine.Turn(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range r.Applications {
		if a.Promoted || !strings.Contains(a.Reason, "too little data") {
			t.Errorf("%s: %v, %s", a.Application, a.Promoted, a.Reason)
		}
	}
	_, err = s.engine.Recommend(t.Context(), RecommendRequest{Subject: "anybody"})
	if !errors.Is(err, ErrNothingToRecommend) {
		t.Errorf("an empty shop answered %v", err)
	}
}

// TestTurnFails holds that a step that fails leaves the old model in service and says why, in the log too.
func TestTurnFails(t *testing.T) {
	s := newShop(t)
	s.catalogue(6)
	s.walk(40, 10, 6)
	if _, err := s.engine.Turn(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	old := s.engine.Service.Current("recommend")
	ctx, cancel := context.WithCancel(t.Context())
	_, err := s.engine.Turn(ctx, func(p bellwether.Progress) {
		if strings.HasPrefix(p.Step, "recommend: train") {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("a cancelled turn returned %v", err)
	}
	if s.engine.Service.Current("recommend") != old {
		t.Error("the model in service changed")
	}
	failed := ""
	for e, err := range s.engine.Events(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if e.Type == bellwether.TurnFailed {
			failed = fmt.Sprint(e.Traits["application"], " ", e.Traits["step"])
		}
	}
	if failed != "recommend train" && failed != "behaviour assemble" && failed != "behaviour train" {
		t.Errorf("the log names %q as failed", failed)
	}
}

func TestFilters(t *testing.T) {
	s := newShop(t)
	s.catalogue(6)
	none := int64(0)
	_, err := s.engine.AcceptItems(t.Context(), []bellwether.Item{
		{ID: "sold-out", Category: "category 0", Stock: &none}, {ID: "tomorrow", From: begin.AddDate(1, 0, 0)},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.walk(4, 6, 6) // person-000 has bought item-00 and item-03, and seen all
	for _, test := range []struct {
		name    string
		request RecommendRequest
		without []string
		filters []string
	}{
		{"purchased", RecommendRequest{}, []string{"item-00", "item-03", "sold-out", "tomorrow"}, nil},
		{"category", RecommendRequest{Category: "category 1"}, []string{"item-00", "item-02", "item-03", "item-05"}, nil},
		{"none", RecommendRequest{Exclude: "none"}, []string{"sold-out", "tomorrow"}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.request.Subject, test.request.Preview = "person-000", true
			a := s.recommend(test.request)
			for _, c := range a.Decision.Candidates {
				for _, w := range test.without {
					if c.Action == w {
						t.Errorf("%s is a candidate", w)
					}
				}
			}
		})
	}
	_, err = s.engine.Recommend(t.Context(), RecommendRequest{Subject: "person-000", Exclude: "seen"})
	if !errors.Is(err, ErrNothingToRecommend) {
		t.Errorf("somebody who saw everything got %v", err)
	}
	_, err = s.engine.Recommend(t.Context(), RecommendRequest{Subject: "person-000", Exclude: "everything"})
	if !errors.Is(err, ErrBadRequest) {
		t.Errorf("an unknown exclude gave %v", err)
	}
}

// TestLogin holds that what a person did before signing in is known afterwards.
func TestLogin(t *testing.T) {
	s := newShop(t)
	s.catalogue(3)
	_, err := s.engine.Collector.Accept(t.Context(), []collect.Incoming{
		{Event: bellwether.Event{ID: "1", Type: bellwether.Purchase, Anonymous: "phone", Item: item(0)}},
		{Event: bellwether.Event{ID: "2", Type: bellwether.Identify, Anonymous: "phone", Subject: "ann", Traits: map[string]any{"email": "ann@example.com"}}},
		{Event: bellwether.Event{ID: "3", Type: bellwether.Identify, Anonymous: "phone", Subject: "bob"}}, // a shared device: ann's stays ann's
	})
	if err != nil {
		t.Fatal(err)
	}
	s.flush()
	for _, test := range []struct {
		subject   bellwether.Subject
		anonymous bellwether.AnonymousID
		bought    bool
		is        bellwether.Subject
	}{{"ann", "", true, "ann"}, {"", "phone", true, "ann"}, {"bob", "", false, "bob"}, {"", "tablet", false, "~tablet"}} {
		a := s.recommend(RecommendRequest{Subject: test.subject, Anonymous: test.anonymous, Preview: true})
		bought := len(a.Decision.Candidates) == 2
		if bought != test.bought || a.Decision.Subject != test.is {
			t.Errorf("%s%s is %s with %d candidates", test.subject, test.anonymous, a.Decision.Subject, len(a.Decision.Candidates))
		}
	}
}

func TestActWithHoldout(t *testing.T) {
	s := newShop(t)
	s.walk(4, 2, 3)
	yes := true
	a, err := s.engine.Act(t.Context(), ActionRequest{Subject: "x", Surface: "email", Actions: []string{"send", "none"}, Preview: true, Holdout: &yes})
	if err != nil {
		t.Fatal(err)
	}
	if got := a.Decision.Chosen()[0]; got != "none" || !a.Decision.Holdout {
		t.Errorf("the holdout gets %s", got)
	}
	if _, err := s.engine.Act(t.Context(), ActionRequest{Subject: "x", Surface: "email"}); !errors.Is(err, ErrBadRequest) {
		t.Errorf("no actions gave %v", err)
	}
}
