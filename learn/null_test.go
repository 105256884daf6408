package learn

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"bellwether"
	"bellwether/dataset"
	"bellwether/history"
	"bellwether/store"
)

// noise is a classifier that knows Signal parts of the first column, and else draws by row.
type noise struct{ Seed, Signal float64 }

func (n *noise) Family() string         { return "noise" }
func (n *noise) Save(w io.Writer) error { return json.NewEncoder(w).Encode(n) }

func (n *noise) Predict(_ context.Context, t *bellwether.Table) ([]float64, error) {
	rng, out := rand.New(rand.NewPCG(uint64(n.Seed), 1)), make([]float64, t.Rows())
	for i := range out {
		out[i] = n.Signal*t.Columns[0].Numbers[i] + (1-n.Signal)*rng.Float64()
	}
	return out, nil
}

// coins is an assembler whose labels are coins that the first column knows.
type coins struct {
	history.Reducer
	d *bellwether.Dataset
}

func (c coins) Share() float64                        { return 1 }
func (c coins) Dataset() (*bellwether.Dataset, error) { return c.d, nil }

func tossed(seed uint64) coins {
	rng, t := rand.New(rand.NewPCG(seed, 2)), &bellwether.Table{Columns: []bellwether.Column{{Name: "tell"}}}
	for i := range 600 {
		y := float64(rng.IntN(2))
		t.Target, t.Columns[0].Numbers = append(t.Target, y), append(t.Columns[0].Numbers, y)
		t.Split = append(t.Split, bellwether.Split(i%3))
	}
	d := &bellwether.Dataset{Name: "coins", Table: t}
	d.Digest = dataset.Digest(d)
	return coins{d: d}
}

// world is tasks, one a seed, that learn coins: two plain rows that know nothing, and two candidates that know signal.
func world(t *testing.T, seeds int, signal *float64) *Registry {
	t.Helper()
	s, err := store.Open(t.Context(), t.TempDir(), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	p, err := s.Project(t.Context(), "test")
	if err != nil {
		t.Fatal(err)
	}
	tasks := make([]Task, seeds)
	for i := range tasks {
		turn := 0
		tasks[i] = Task{
			Name: fmt.Sprint("coins-", i), Metric: "auc", Judge: JudgeClasses, Compare: CompareClasses,
			Candidates: func(FitOptions) (out []Candidate) {
				turn++
				for k := range 4 {
					m := &noise{Seed: float64(1000*i + 100*turn + k)}
					if k >= 2 {
						m.Signal = *signal
					}
					out = append(out, Candidate{Name: fmt.Sprint("row-", k), Baseline: k < 2, Train: func(context.Context, Fitting) (bellwether.Model, error) { return m, nil }})
				}
				return out
			},
		}
	}
	r, err := NewRegistry(p, tasks, Options{Clock: func() time.Time { return begin }})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// learned runs turns of one task, and returns what was promoted.
func learned(t *testing.T, r *Registry, seed, turns int) (promoted []*Work) {
	t.Helper()
	task := r.Tasks()[seed]
	for turn := range turns {
		m, err := task.Assembled(tossed(uint64(100*seed+turn)), begin, 1)
		if err != nil {
			t.Fatal(err)
		}
		w, err := r.Train(t.Context(), task, m, Training{}, nil)
		if err == nil {
			err = r.Judge(t.Context(), w, nil)
		}
		if err == nil {
			err = r.Promote(t.Context(), w, false)
		}
		if err != nil {
			t.Fatal(err)
		}
		if w.Promoted {
			promoted = append(promoted, w)
		}
	}
	return promoted
}

// TestNullWorld: where labels are coins, nothing beyond a plain row enters service, at once or in retrainings, in 38 of 40 worlds.
func TestNullWorld(t *testing.T) {
	const seeds = 40
	entered, signal := 0, 0.
	r := world(t, seeds, &signal)
	for seed := range seeds {
		if slices.ContainsFunc(learned(t, r, seed, 2), func(w *Work) bool { return w.Card.Chosen >= "row-2" }) {
			entered++
		}
	}
	t.Logf("in %d of %d worlds without anything to learn more than a plain row entered service", entered, seeds)
	if entered > seeds/20 {
		t.Errorf("in %d of %d worlds a model that knows nothing entered service", entered, seeds)
	}
}

// TestSignalWorld: what knows a little serves from the first turn on, a plain row never comes back, and where another recipe is the best by
// chance, that of the model in service is retrained.
func TestSignalWorld(t *testing.T) {
	const seeds = 6
	signal, retrained := .47, 0
	r := world(t, seeds, &signal)
	for seed := range seeds {
		promoted := learned(t, r, seed, 4)
		if len(promoted) == 0 || promoted[0].Run.Version != bellwether.ModelVersion(fmt.Sprint("coins-", seed, "-000001")) {
			t.Fatalf("seed %d: the first turn put nothing in service", seed)
		}
		for i, w := range promoted {
			if w.Card.Chosen < "row-2" {
				t.Errorf("of models that know something, %s serves: %s", w.Card.Chosen, w.Reason)
			}
			if i > 0 && strings.Count(w.Reason, "in service:") == 2 {
				retrained++
				if w.Card.Chosen != promoted[i-1].Card.Chosen {
					t.Errorf("%s after %s: %s", w.Card.Chosen, promoted[i-1].Card.Chosen, w.Reason)
				}
			}
		}
	}
	if retrained == 0 {
		t.Error("no recipe in service was retrained beside a better one by chance")
	}
}
