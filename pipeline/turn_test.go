package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"bellwether"
	"bellwether/apps/recommend"
	"bellwether/internal/apptest"
	"bellwether/learn"
	"bellwether/store"

	"github.com/google/go-cmp/cmp"
)

// TestLoop goes once around: events, a turn, a decision, its outcome, which becomes a record, a second turn, a restart.
func TestLoop(t *testing.T) {
	s := newShop(t)
	s.catalogue(100)
	before := s.recommend(recommend.Request{Subject: apptest.Person(1)})
	if before.Decision.Model != recommend.Popularity || before.Reason != "no model is in service" {
		t.Errorf("before any turn %s answered: %s", before.Decision.Model, before.Reason)
	}
	s.walk(120, 70, 100)
	r := s.turn(TurnOptions{})
	if len(r.Tasks) != 2 || r.Number != 1 || r.People != 120 || r.Events != 120*70+60*24 || r.Decisions != 1 || r.Settled != 1 {
		t.Errorf("turn %d has %d tasks, %d people, %d events, %d decisions, %d settled", r.Number, len(r.Tasks), r.People, r.Events, r.Decisions, r.Settled)
	}
	for _, a := range r.Tasks {
		if !a.Promoted || len(a.Rows) < 3 {
			t.Errorf("%s with %d rows: promoted is %v: %s", a.Task, len(a.Rows), a.Promoted, a.Reason)
		}
	}

	// The rule of the walk is learned: the next number is on top for somebody outside the holdout.
	n := s.outside()
	who := apptest.Person(n)
	ask := recommend.Request{Subject: who, Exclude: "none", Key: "first"}
	answer := s.recommend(ask)
	if answer.Decision.Model != "recommend-000001" || answer.Reason != "" {
		t.Fatalf("%s answered: %s", answer.Decision.Model, answer.Reason)
	}
	if want, got := string(apptest.Item((n+70)%100)), answer.Decision.Candidates[0].Action; got != want {
		t.Errorf("the best candidate is %s, want %s", got, want)
	}

	// A click on the slate is credited to it, once the report is renewed.
	s.accept(bellwether.Event{
		ID: "click", Type: bellwether.SelectItem, Subject: who, Item: bellwether.ItemID(answer.Decision.Chosen()[0]), Position: 1,
		Decision: answer.Decision.ID, Occurred: s.Clock(),
	})
	s.later(60)
	if old, err := s.Report(t.Context()); err != nil || old.Counts.Credited != 0 {
		t.Errorf("the stored report has %d credited outcomes, %v", old.Counts.Credited, err)
	}
	refreshed, err := s.Refresh(t.Context())
	if err != nil || refreshed.Settled != 1 || refreshed.Number != 0 {
		t.Errorf("refreshing settled %d outcomes as turn %d, %v: want the second decision's", refreshed.Settled, refreshed.Number, err)
	}
	report, err := s.Report(t.Context())
	if err != nil || report.Counts.Credited != 1 {
		t.Errorf("%d outcomes are credited, want the click: %v", report.Counts.Credited, err)
	}
	if _, kinds := s.logged(""); kinds[store.KindOutcome] != 2 {
		t.Errorf("%d outcomes are records of the log", kinds[store.KindOutcome])
	}

	// What is settled isn't settled again, and is still credited. The second turn compares with the first.
	second := s.turn(TurnOptions{})
	if second.Settled != 0 {
		t.Errorf("the second turn settled %d outcomes again", second.Settled)
	}
	if report, err = s.Report(t.Context()); err != nil || report.Counts.Credited != 1 {
		t.Errorf("after the second turn %d outcomes are credited: %v", report.Counts.Credited, err)
	}
	if a := second.Tasks[0]; !strings.Contains(a.Reason, "recommend-000001") {
		t.Errorf("the second turn does not say what it compared with: %s", a.Reason)
	}
	inService := s.serving("recommend")

	s.reopen()
	if v := s.serving("recommend"); v != inService {
		t.Errorf("after a restart %s is in service, want %s", v, inService)
	}
	if diff := cmp.Diff(answer.Decision, s.recommend(ask).Decision); diff != "" {
		t.Errorf("after a restart the same key gave another decision:\n%s", diff)
	}
	stored, err := s.Report(t.Context())
	if err != nil || !stored.AsOf.Equal(report.AsOf) || cmp.Diff(stored.Counts, report.Counts) != "" || cmp.Diff(stored.Earned, report.Earned) != "" {
		t.Errorf("after a restart the report is another one: %v", err)
	}
	turns, err := s.Registry.Turns(t.Context(), 10)
	if err != nil || len(turns) != 2 || turns[1].Number != 2 || turns[1].Cursor < turns[0].Cursor {
		t.Errorf("turns are %v, %v", turns, err)
	}
	promoted, _ := s.logged(bellwether.ModelPromoted)
	var names []string
	for _, e := range promoted {
		names = append(names, fmt.Sprint(e.Traits["application"], " ", e.Traits["model"]))
	}
	for _, want := range []string{"recommend recommend-000001", "behaviour behaviour-000001"} {
		if !slices.Contains(names, want) {
			t.Errorf("%s is not among the promotions of the log: %v", want, names)
		}
	}
}

func TestTurnWithoutData(t *testing.T) {
	s := newShop(t)
	for _, a := range s.turn(TurnOptions{}).Tasks {
		if a.Promoted || !strings.Contains(a.Reason, "too little data") {
			t.Errorf("%s: %v, %s", a.Task, a.Promoted, a.Reason)
		}
	}
	if _, err := recommend.Recommend(t.Context(), s.Project.Project, recommend.Request{Subject: "anybody"}); !errors.Is(err, recommend.ErrNothing) {
		t.Errorf("an empty shop answered %v", err)
	}
	if r, err := s.Report(t.Context()); err != nil || r.Counts.Decisions != 0 {
		t.Errorf("the report of nothing: %+v, %v", r, err)
	}
}

// TestUntrained: a turn without learning publishes what is popular and the report, and has a number.
func TestUntrained(t *testing.T) {
	s := newShop(t)
	s.walk(30, 10, 6)
	r := s.turn(TurnOptions{Untrained: true})
	if len(r.Tasks) != 0 || r.Number != 1 || r.People != 30 || r.Read != r.Events || r.Steps != 300 {
		t.Errorf("%+v", r)
	}
	if v := s.serving("recommend"); v != "" {
		t.Errorf("%s is in service", v)
	}
	a := s.recommend(recommend.Request{Subject: "new", Preview: true})
	if a.Decision.Model != recommend.Popularity || len(a.Decision.Candidates) != 6 {
		t.Errorf("%s answered with %d items", a.Decision.Model, len(a.Decision.Candidates))
	}
	report, err := s.Report(t.Context())
	if err != nil || !report.AsOf.Equal(r.AsOf) {
		t.Errorf("the report is of %v, the turn of %v: %v", report.AsOf, r.AsOf, err)
	}
}

// TestTurnFails holds that a step that fails leaves the old model in service and says why, in the log too, and that turns run one at a time.
func TestTurnFails(t *testing.T) {
	s := newShop(t)
	s.catalogue(6)
	s.walk(40, 10, 6)
	s.turn(TurnOptions{})
	old := s.serving("recommend")
	if old == "" {
		t.Fatal("no model is in service")
	}
	ctx, cancel := context.WithCancel(t.Context())
	_, err := s.Turn(ctx, TurnOptions{}, func(p bellwether.Progress) {
		if strings.HasPrefix(p.Step, "recommend: train") {
			for name, try := range map[string]func() error{
				"turn":    func() error { _, err := s.Turn(t.Context(), TurnOptions{}, nil); return err },
				"refresh": func() error { _, err := s.Refresh(t.Context()); return err },
				"train":   func() error { _, err := s.Train(t.Context(), "recommend", nil, nil, nil); return err },
				"promote": func() error { _, _, err := s.Promote(t.Context(), "recommend", nil, true, nil); return err },
			} {
				if err := try(); !errors.Is(err, learn.ErrTurnRunning) {
					t.Errorf("%s during a turn: %v", name, err)
				}
			}
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("a cancelled turn returned %v", err)
	}
	if v := s.serving("recommend"); v != old {
		t.Errorf("%s is in service", v)
	}
	failed, _ := s.logged(bellwether.TurnFailed)
	if len(failed) == 0 || failed[0].Traits["application"] != "recommend" || failed[0].Traits["step"] != "train" {
		t.Errorf("the log names %v as failed", failed)
	}
}
