//go:build slow

package behaviour

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"bellwether"
	"bellwether/dataset"
	"bellwether/learn"
	"bellwether/models/dnn"
	"bellwether/store"
)

// TestNullWorld: where the class is a coin, the network serves in at most 2 of 40 worlds after a first turn and three retrainings on new coins.
func TestNullWorld(t *testing.T) {
	const seeds, turns = 40, 4
	s, err := store.Open(t.Context(), t.TempDir(), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	p, err := s.Project(t.Context(), "test")
	if err != nil {
		t.Fatal(err)
	}
	tasks := make([]learn.Task, seeds)
	for i := range tasks {
		tasks[i] = Task()
		tasks[i].Name = fmt.Sprint("coins-", i)
	}
	r, err := learn.NewRegistry(p, tasks, learn.Options{})
	if err != nil {
		t.Fatal(err)
	}
	entered := 0
	for seed, task := range r.Tasks() {
		served := false
		for turn := range turns {
			m, err := task.Given("test", coins(1000, uint64(100*seed+turn)), time.Now())
			if err != nil {
				t.Fatal(err)
			}
			w, err := r.Train(t.Context(), task, m, learn.Training{Seed: uint64(1 + seed)}, nil)
			if err == nil {
				err = r.Judge(t.Context(), w, nil)
			}
			if err == nil {
				err = r.Promote(t.Context(), w, false)
			}
			if err != nil {
				t.Fatal(err)
			}
			served = served || w.Promoted && w.Card.Chosen == dnn.Network
		}
		if served {
			entered++
		}
	}
	t.Logf("the network served in %d of %d worlds of coins", entered, seeds)
	if entered > seeds/20 {
		t.Errorf("the network served in %d of %d worlds of coins", entered, seeds)
	}
}

// coins is a table of which nothing says the class.
func coins(n int, seed uint64) *bellwether.Table {
	rng, t := rand.New(rand.NewPCG(seed, 44)), new(bellwether.Table)
	for c := range 8 {
		t.Columns = append(t.Columns, bellwether.Column{Name: fmt.Sprint("x", c)})
	}
	for range n {
		t.Target = append(t.Target, float64(rng.IntN(2)))
		for c := range t.Columns {
			t.Columns[c].Numbers = append(t.Columns[c].Numbers, rng.NormFloat64())
		}
	}
	t.Split = dataset.SplitRows(t.Target, 0, 0, seed)
	return t
}
