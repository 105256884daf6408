package sequence

import (
	"bytes"
	"math"
	"testing"

	"bellwether"
)

// likelihood is the mean probability of what follows at targets.
func likelihood(t *testing.T, m *Model, q *bellwether.Sequences, targets []bellwether.Target) (sum float64) {
	t.Helper()
	row := make([]float32, len(q.Items))
	for _, k := range targets {
		if err := m.Score(t.Context(), [][]bellwether.Step{q.Steps[k.Person][:k.At]}, [][]float32{row}); err != nil {
			t.Fatal(err)
		}
		all := 0.0
		for _, v := range row {
			all += math.Exp(float64(v))
		}
		sum += math.Exp(float64(row[q.Steps[k.Person][k.At].Item])) / all / float64(len(targets))
	}
	return sum
}

// TestRefit: in the steps that are kept back people turn round, which training never saw. What was judged knows nothing of it and is not
// changed; what is fitted again has learned it, in as many steps as asked for, and the same ones again give the same model.
func TestRefit(t *testing.T) {
	d := walks(300, 12)
	q := d.Sequences
	for p, steps := range q.Steps {
		for at := q.TrainEnd[p]; at < len(steps); at++ {
			steps[at].Item = (steps[at-1].Item + 12 - 3) % 12
		}
	}
	s := small()
	s.Rate = 1e-2
	trained, err := Trainer{Settings: s, Epochs: 6, Seed: 1}.Train(t.Context(), d, nil)
	if err != nil {
		t.Fatal(err)
	}
	m := trained.(*Model)
	if n := m.Settings().Steps; n <= 0 || n > 6*(300+15)/16 {
		t.Fatalf("validation was best after %d steps", n)
	}
	var before, after bytes.Buffer
	if err := m.Save(&before); err != nil {
		t.Fatal(err)
	}
	everything := *q
	everything.Validation, everything.Test, everything.TrainEnd = nil, nil, nil
	for _, steps := range q.Steps {
		everything.TrainEnd = append(everything.TrainEnd, len(steps))
	}
	all := &bellwether.Dataset{Digest: "all", Sequences: &everything}
	again := func(more float64) *Model {
		r, err := m.Refit(t.Context(), all, more, 3, nil)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	once, twice := again(2), again(2)
	if err := m.Save(&after); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(before.Bytes(), after.Bytes()) {
		t.Error("what was judged was changed")
	}
	if a, b := likelihood(t, m, q, q.Test), likelihood(t, once, q, q.Test); b < 2*a {
		t.Errorf("what was kept back has the probability %.3f, and %.3f after the refit", a, b)
	}
	if a, b := likelihood(t, once, q, q.Test), likelihood(t, twice, q, q.Test); a != b {
		t.Errorf("the same refit gives %.6f and %.6f", a, b)
	}
	if again(0) != m {
		t.Error("no more steps give another model")
	}
	everything.Channels = []bellwether.Channel{"email"}
	if _, err := m.Refit(t.Context(), all, 2, 3, nil); err == nil {
		t.Error("a refit on data with other words")
	}
}
