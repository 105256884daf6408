package learn

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"bellwether"
	"bellwether/dataset"
	"bellwether/history"
	"bellwether/models/sequence"
	"bellwether/store"

	"github.com/google/go-cmp/cmp"
)

// guess is a classifier that gives every row of the positive class one probability and the others another. Its file is its numbers.
type guess struct{ Yes, No float64 }

// OutOfTime says of one that is very sure that it had no time to doubt.
func (g *guess) OutOfTime() bool { return g.Yes == .7 }

func (g *guess) Family() string         { return "guess" }
func (g *guess) Save(w io.Writer) error { return json.NewEncoder(w).Encode(g) }
func (g *guess) Parameters() int64      { return 2 }

func (g *guess) Predict(_ context.Context, t *bellwether.Table) ([]float64, error) {
	out := make([]float64, t.Rows())
	for i := range out {
		out[i] = g.No
		if t.Columns[0].Numbers[i] == 1 {
			out[i] = g.Yes
		}
	}
	return out, nil
}

// sightings is an assembler: a row for each person, who is of the positive class if their events are many.
type sightings struct {
	in    Inputs
	count []int
}

func (s *sightings) Fork() history.Reducer { return &sightings{in: s.in} }
func (s *sightings) Add(p *history.Person) error {
	s.count = append(s.count, len(p.Events))
	return nil
}

func (s *sightings) Merge(next history.Reducer) error {
	s.count = append(s.count, next.(*sightings).count...)
	return nil
}
func (s *sightings) Done() error    { return nil }
func (s *sightings) Share() float64 { return .5 }
func (s *sightings) Dataset() (*bellwether.Dataset, error) {
	if len(s.count) == 0 {
		return nil, fmt.Errorf("%w: nobody came", ErrNoData)
	}
	d := s.in.Dataset("many")
	d.Table = &bellwether.Table{Columns: []bellwether.Column{{Name: "events"}}, Positive: "many"}
	for i, n := range s.count {
		y := float64(min(n/2, 1))
		d.Table.Columns[0].Numbers = append(d.Table.Columns[0].Numbers, y)
		d.Table.Target = append(d.Table.Target, y)
		d.Table.Subjects = append(d.Table.Subjects, bellwether.Subject(fmt.Sprint(i)))
		d.Table.Split = append(d.Table.Split, []bellwether.Split{bellwether.Train, bellwether.Validation, bellwether.Test}[i%3])
	}
	d.Digest = dataset.Digest(d)
	return d, nil
}

// lab is a registry over a store of its own, with the task "many".
type lab struct {
	t      *testing.T
	dir    string
	store  *store.Store
	r      *Registry
	notes  []string
	yes    float64 // what the candidate called model learns
	veto   bool
	served int
	warm   bellwether.Model
}

func newLab(t *testing.T) *lab {
	l := &lab{t: t, dir: t.TempDir(), yes: .8}
	l.open()
	t.Cleanup(func() { l.close() })
	return l
}

func (l *lab) task(name string) Task {
	return Task{
		Name: name, Metric: "logloss",
		Data: func(in Inputs) Assembler { return &sightings{in: in} },
		Candidates: func(o FitOptions) []Candidate {
			l.warm = o.Warm
			give := func(g guess) func(context.Context, Fitting) (bellwether.Model, error) {
				return func(ctx context.Context, f Fitting) (bellwether.Model, error) {
					return &g, o.Checkpoints("guess").Store(ctx, func(w io.Writer) error { _, err := w.Write([]byte("state")); return err })
				}
			}
			return []Candidate{
				{Name: "coin", Baseline: true, Train: give(guess{.5, .5})},
				{Name: "never", Train: func(context.Context, Fitting) (bellwether.Model, error) {
					return nil, fmt.Errorf("%w: no reason", ErrSkip)
				}},
				{Name: "model", Train: give(guess{l.yes, .2}), Settings: Says(map[string]any{"yes": l.yes})},
			}
		},
		Judge: JudgeClasses,
		Compare: func(ctx context.Context, a, b bellwether.Model, d *bellwether.Dataset) (map[string]bellwether.Estimate, error) {
			loss := b.(*guess).Yes - a.(*guess).Yes
			return map[string]bellwether.Estimate{"logloss": {Value: loss, Interval: []float64{loss - .01, loss + .01}, Level: .95}}, nil
		},
		Guard: func(_ context.Context, a Assembler, v *Serving) (bool, string, error) {
			if _, ok := a.(*sightings); !ok {
				return false, "", fmt.Errorf("asked about a %T", a)
			}
			return l.veto, "the guard looked at " + string(v.Version), nil
		},
		Serve: func(m bellwether.Model, _ *sequence.Cache) (bellwether.Model, error) {
			if m.(*guess).Yes > 1 {
				return nil, errors.New("damaged")
			}
			l.served++
			return m, nil
		},
		Warnings: func(*bellwether.Dataset) []string { return []string{"a toy"} },
	}
}

// Note implements [Recorder].
func (l *lab) Note(_ context.Context, kind bellwether.EventType, traits map[string]any) error {
	l.notes = append(l.notes, fmt.Sprint(kind, " ", traits["application"], " ", traits["model"], " after ", traits["previous"], ": ", traits["reason"]))
	return nil
}

func (l *lab) open() {
	l.t.Helper()
	var err error
	if l.store, err = store.Open(l.t.Context(), l.dir, store.Options{}); err != nil {
		l.t.Fatal(err)
	}
	p, err := l.store.Project(l.t.Context(), "test")
	if err != nil {
		l.t.Fatal(err)
	}
	l.r, err = NewRegistry(p, []Task{l.task("many"), l.task("other")}, Options{
		Clock: func() time.Time { return begin }, Recorder: l,
		Load: func(family string, r io.Reader) (bellwether.Model, error) {
			g := new(guess)
			return g, json.NewDecoder(r).Decode(g)
		},
	})
	if err != nil {
		l.t.Fatal(err)
	}
}

func (l *lab) close() {
	if l.store == nil {
		return
	}
	if err := l.store.Close(); err != nil {
		l.t.Error(err)
	}
	l.store = nil
}

func (l *lab) must(name string) *Task {
	l.t.Helper()
	task, err := l.r.Task(name)
	if err != nil {
		l.t.Fatal(err)
	}
	return task
}

// material assembles a table of 360 people.
func (l *lab) material(task *Task, more int) Material {
	l.t.Helper()
	a := task.Data(Inputs{Project: "test", AsOf: begin})
	for i := range 360 {
		if err := a.Add(&history.Person{Events: make([]bellwether.Event, 1+i/3%2+more)}); err != nil {
			l.t.Fatal(err)
		}
	}
	m, err := task.Assembled(a, begin, 7)
	if err != nil {
		l.t.Fatal(err)
	}
	return m
}

func (l *lab) train() *Work {
	l.t.Helper()
	task := l.must("many")
	w, err := l.r.Train(l.t.Context(), task, l.material(task, 0), Training{}, nil)
	if err != nil {
		l.t.Fatal(err)
	}
	return w
}

// turn trains, judges and promotes.
func (l *lab) turn() *Work {
	l.t.Helper()
	w := l.train()
	if err := l.r.Judge(l.t.Context(), w, nil); err != nil {
		l.t.Fatal(err)
	}
	if err := l.r.Promote(l.t.Context(), w, false); err != nil {
		l.t.Fatal(err)
	}
	return w
}

func (l *lab) inService() string {
	v, err := l.r.Serving("many")
	if err != nil {
		return err.Error()
	}
	return string(v.Version)
}

func (l *lab) objects() (names []string) {
	l.t.Helper()
	list, err := l.r.objects.List(l.t.Context(), "")
	if err != nil {
		l.t.Fatal(err)
	}
	for _, o := range list {
		names = append(names, o.Name)
	}
	return names
}

func TestTurns(t *testing.T) {
	l := newLab(t)
	if _, err := l.r.Serving("many"); !errors.Is(err, ErrNoModel) {
		t.Errorf("before any turn: %v", err)
	}
	first := l.turn()
	if !first.Promoted || !strings.HasPrefix(first.Reason, "no model was in service; model has the best validation logloss") || l.inService() != "many-000001" {
		t.Errorf("promoted %v: %s; %s serves", first.Promoted, first.Reason, l.inService())
	}
	if l.warm != nil {
		t.Error("there was a model to start from")
	}
	card, err := l.r.Card(t.Context(), "many", "many-000001")
	if err != nil {
		t.Fatal(err)
	}
	if card.Chosen != "model" || card.Family != "guess" || card.Parameters != 2 || card.Settings["yes"] != .8 || len(card.Rows) != 2 || card.Rows[0].Name != "coin" || !card.Rows[0].Baseline {
		t.Errorf("the card is of %s %s with %d rows: %s", card.Chosen, card.Family, len(card.Rows), card.Reason)
	}
	if diff := cmp.Diff([]string{
		"learned from a sample of 50.0 % of the people: the others are beyond the budget of steps or rows",
		`column "events" alone has AUC 1.000, above 0.98: likely a leak of the target; drop it, or allow it by name`, "a toy",
	}, card.Warnings); diff != "" {
		t.Error(diff)
	}

	l.yes = .7 // a worse one, which time ended
	if w := l.turn(); w.Promoted || l.inService() != "many-000001" || !strings.Contains(w.Reason, "of model against many-000001 in service: +0.1000 (95 % bound +0.1100 of 2 candidates), the same recipe on fresher data") {
		t.Errorf("a worse one: promoted %v, %s", w.Promoted, w.Reason)
	}
	const late = "model: the time ran out before its training was done: more minutes, or a faster machine, give another model"
	if card, err := l.r.Card(t.Context(), "many", "many-000002"); err != nil || !slices.Contains(card.Warnings, late) {
		t.Errorf("the card of what time ended warns of %q, %v", card.Warnings, err)
	}
	if g, ok := l.warm.(*guess); !ok || g.Yes != .8 {
		t.Errorf("candidates could start from %v", l.warm)
	}
	l.yes, l.veto = .9, true
	if w := l.turn(); w.Promoted || l.inService() != "many-000001" || !strings.HasSuffix(w.Reason, "; the guard looked at many-000003") {
		t.Errorf("a better one with a veto: promoted %v, %s", w.Promoted, w.Reason)
	}
	l.veto = false
	if w := l.turn(); !w.Promoted || l.inService() != "many-000004" {
		t.Errorf("a better one: promoted %v, %s", w.Promoted, w.Reason)
	}
	for i, want := range []string{"model_promoted many many-000001 after : no model", "model_shadowed many many-000002 after many-000001", "model_shadowed many many-000003", "model_promoted many many-000004 after many-000001"} {
		if !strings.HasPrefix(l.notes[i], want) {
			t.Errorf("note %d is %q, want %q", i, l.notes[i], want)
		}
	}

	// What no later step reads is gone; cards and runs stay.
	want := []string{
		"models/many/many-000001/card.json", "models/many/many-000001/run.json", "models/many/many-000002/card.json", "models/many/many-000002/run.json",
		"models/many/many-000003/card.json", "models/many/many-000003/run.json",
		"models/many/many-000004/card.json", "models/many/many-000004/fit/coin", "models/many/many-000004/fit/model", "models/many/many-000004/run.json",
	}
	if diff := cmp.Diff(want, l.objects()); diff != "" {
		t.Error(diff)
	}
	l.close()
	l.open()
	if err := l.r.Restore(t.Context()); err != nil || l.inService() != "many-000004" {
		t.Errorf("after a restart %s serves: %v", l.inService(), err)
	}
	if cards, err := l.r.Cards(t.Context()); err != nil || len(cards) != 1 || cards[0].Version != "many-000004" {
		t.Errorf("%d cards, %v", len(cards), err)
	}
}

// TestRecipes: a retrained recipe that is as good takes over; another recipe that is as good does not, and neither does one that does not
// beat the plain row beyond chance.
func TestRecipes(t *testing.T) {
	l := newLab(t)
	turn := func(o Training) *Work {
		t.Helper()
		w, err := l.r.Train(t.Context(), l.must("many"), l.material(l.must("many"), 0), o, nil)
		if err == nil {
			err = l.r.Judge(t.Context(), w, nil)
		}
		if err == nil {
			err = l.r.Promote(t.Context(), w, false)
		}
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
	l.yes = .505
	if w := turn(Training{}); !w.Promoted || w.Card.Chosen != "coin" || w.Card.Family != "guess" || !strings.Contains(w.Reason, "the plain row coin serves: model has the best validation logloss") {
		t.Errorf("%s: %s", w.Card.Chosen, w.Reason)
	}
	if card, err := l.r.Card(t.Context(), "many", "many-000001"); err != nil || card.Chosen != "coin" {
		t.Errorf("the card says %s, %v", card.Chosen, err)
	}
	l.yes = .8
	if w := turn(Training{}); !w.Promoted || w.Card.Chosen != "model" || !strings.Contains(w.Card.Reason, "it beats every plain row beyond chance") {
		t.Errorf("%s: %s", w.Card.Chosen, w.Reason)
	}
	l.yes = .809
	if w := turn(Training{Preset: "large"}); w.Promoted || strings.Contains(w.Reason, "the same recipe") {
		t.Errorf("another recipe that is no better serves: %s", w.Reason)
	}
	if w := turn(Training{Seed: 7, Minutes: 3}); !w.Promoted || !strings.Contains(w.Reason, "the same recipe on fresher data") {
		t.Errorf("the same recipe does not serve: %s", w.Reason)
	}
	if w := turn(Training{}); w.Promoted {
		t.Errorf("what is no better took over: %s", w.Reason)
	}
}

func TestByHand(t *testing.T) {
	l := newLab(t)
	task := l.must("many")
	again := func(_ context.Context, run Run) (Material, error) {
		if run.Cursor != 7 || !run.AsOf.Equal(begin) || run.Given {
			t.Errorf("assembled again as of %v, %d", run.AsOf, run.Cursor)
		}
		return l.material(task, 0), nil
	}
	if _, err := l.r.Resume(t.Context(), task, again); !errors.Is(err, ErrNoRun) {
		t.Errorf("before any run: %v", err)
	}
	l.train()
	w, err := l.r.Resume(t.Context(), task, again)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.r.Promote(t.Context(), w, true); !errors.Is(err, ErrNotJudged) {
		t.Errorf("promoting what was not judged: %v", err)
	}
	if err := l.r.Judge(t.Context(), w, nil); err != nil {
		t.Fatal(err)
	}
	if w, err = l.r.Resume(t.Context(), task, again); err != nil || w.Card.Chosen != "model" || len(w.Fitted) != 2 || w.Fitted[1].Parameters != 2 {
		t.Fatalf("%s, %v", w.Run.Version, err)
	}
	if err := l.r.Promote(t.Context(), w, true); err != nil || w.Reason != "a person asked for it" || l.inService() != "many-000001" {
		t.Errorf("%s, %v", w.Reason, err)
	}
	_, err = l.r.Resume(t.Context(), task, func(context.Context, Run) (Material, error) { return l.material(task, 1), nil })
	if !errors.Is(err, ErrOtherData) {
		t.Errorf("other data: %v", err)
	}

	w.Data.Table.Allowed = []string{"events"} // it tells the class, as it should
	m, err := task.Given("test", w.Data.Table, begin)
	if err != nil {
		t.Fatal(err)
	}
	w, err = l.r.Train(t.Context(), task, m, Training{}, nil)
	if err != nil || !w.Run.Given {
		t.Fatalf("%s, %v", w.Run.Version, err)
	}
	if w, err = l.r.Resume(t.Context(), task, func(_ context.Context, run Run) (Material, error) {
		return task.Given("test", m.Data.Table, begin.Add(time.Hour))
	}); err != nil || !w.Run.Given {
		t.Errorf("the same table again: %v", err)
	}
}

// TestDamagedModelIsNotPromoted: one that cannot be laid out for requests stays out, and what serves goes on.
func TestDamagedModelIsNotPromoted(t *testing.T) {
	l := newLab(t)
	l.turn()
	l.yes = 1.5
	w := l.train()
	w.Card = bellwether.Card{Chosen: "model", Rows: make([]bellwether.CardRow, 1)}
	if err := l.r.Promote(t.Context(), w, true); err == nil || !strings.Contains(err.Error(), "damaged") || w.Promoted || l.inService() != "many-000001" {
		t.Errorf("%v; %s serves", err, l.inService())
	}
}

func TestUnknownTasks(t *testing.T) {
	l := newLab(t)
	for name, ask := range map[string]func(string) error{
		"task":    func(n string) error { _, err := l.r.Task(n); return err },
		"slot":    func(n string) error { _, err := l.r.Slot(n); return err },
		"serving": func(n string) error { _, err := l.r.Serving(n); return err },
		"newest":  func(n string) error { _, err := l.r.Newest(t.Context(), n); return err },
		"service": func(n string) error { _, err := l.r.InService(t.Context(), n); return err },
		"current": func(n string) error { _, err := l.r.Current(t.Context(), n); return err },
	} {
		if err := ask("ads"); !errors.Is(err, ErrUnknownTask) || !strings.Contains(err.Error(), "many, other") {
			t.Errorf("%s: %v", name, err)
		}
	}
	p, err := l.store.Project(t.Context(), "test")
	if err != nil {
		t.Fatal(err)
	}
	for _, names := range [][]string{{"twice", "twice"}, {""}, {"a/b"}, {"A"}} {
		var tasks []Task
		for _, n := range names {
			tasks = append(tasks, Task{Name: n})
		}
		if _, err := NewRegistry(p, tasks, Options{}); err == nil {
			t.Errorf("tasks %q are accepted", names)
		}
	}
}

// TestCompanion: a model of the run in service that does not serve itself is found, and kept.
func TestCompanion(t *testing.T) {
	l := newLab(t)
	l.turn()
	v, err := l.r.Serving("many")
	if err != nil {
		t.Fatal(err)
	}
	a, err := l.r.Companion(t.Context(), v, "guess")
	if err != nil || a.(*guess).Yes != .5 {
		t.Fatalf("%v, %v; want the first of its family", a, err)
	}
	if b, _ := l.r.Companion(t.Context(), v, "guess"); a != b {
		t.Error("it is loaded again")
	}
	if m, err := l.r.Companion(t.Context(), v, "astrology"); m != nil || err != nil {
		t.Errorf("of a family that the run lacks: %v, %v", m, err)
	}
}

// TestFolderOfBefore: the models of a folder that was written when runs stored their data go on serving; the data go at the next run.
func TestFolderOfBefore(t *testing.T) {
	l := newLab(t)
	put := func(name, text string) {
		t.Helper()
		if err := l.r.objects.Put(t.Context(), name, strings.NewReader(text)); err != nil {
			t.Fatal(err)
		}
	}
	put("models/many/many-000041/run.json", `{"version":"many-000041","application":"many","started":"2026-01-01T00:00:00Z","as_of":"2026-01-01T00:00:00Z","cursor":3,
		"digest":"d","types":["view_item"],"fits":[{"name":"model","family":"guess","baseline":false,"fit_seconds":1,"parameters":2}]}`)
	put("models/many/many-000041/data", "bytes")
	put("models/many/many-000041/fit/model", `{"Yes":0.6,"No":0.4}`)
	put("models/many/many-000041/card.json", `{"version":"many-000041","chosen":"model","rows":[]}`)
	for key, value := range map[string]string{
		"service.many": `{"version":"many-000041","name":"model","family":"guess"}`, "newest.many": "many-000041", "version.many": "41",
	} {
		if _, err := l.r.kv.Put(t.Context(), key, []byte(value)); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.r.Restore(t.Context()); err != nil || l.inService() != "many-000041" {
		t.Fatalf("%s serves: %v", l.inService(), err)
	}
	if w := l.turn(); w.Run.Version != "many-000042" || !w.Promoted {
		t.Errorf("%s: promoted %v, %s", w.Run.Version, w.Promoted, w.Reason)
	}
	if names := l.objects(); slices.Contains(names, "models/many/many-000041/data") || !slices.Contains(names, "models/many/many-000041/card.json") {
		t.Errorf("objects are %v", names)
	}
}

// TestRestoreGoesOn: a model that cannot be read leaves the others in service, and is named.
func TestRestoreGoesOn(t *testing.T) {
	l := newLab(t)
	l.turn()
	if _, err := l.r.kv.Put(t.Context(), "service.other", []byte(`{"version":"other-000001","name":"model","family":"guess"}`)); err != nil {
		t.Fatal(err)
	}
	l.close()
	l.open()
	if err := l.r.Restore(t.Context()); err == nil || !strings.Contains(err.Error(), "other-000001") || l.inService() != "many-000001" {
		t.Errorf("%s serves: %v", l.inService(), err)
	}
}

func TestNumbersAreTakenOnce(t *testing.T) {
	l := newLab(t)
	taken := make(chan int, 20)
	for range 20 {
		go func() {
			n, err := Number(context.Background(), l.r.kv, "turn")
			if err != nil {
				t.Error(err)
			}
			taken <- n
		}()
	}
	seen := map[int]bool{}
	for range 20 {
		seen[<-taken] = true
	}
	if len(seen) != 20 || !seen[1] || !seen[20] {
		t.Errorf("numbers %v", seen)
	}
}
