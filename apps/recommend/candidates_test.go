package recommend

import (
	"bytes"
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"bellwether"
	"bellwether/internal/modeltest"
	"bellwether/learn"
	"bellwether/models"
	"bellwether/models/ensemble"
	"bellwether/models/sequence"

	"github.com/google/go-cmp/cmp"
)

// walks are people who mostly go from item i to i + 1; the last two steps are held out.
func walks(people, items int) *bellwether.Dataset {
	rng := rand.New(rand.NewPCG(1, 2))
	q := &bellwether.Sequences{Types: []bellwether.EventType{"purchase"}}
	for i := range items {
		q.Items = append(q.Items, bellwether.ItemID(rune('a'+i)))
	}
	for p := range people {
		item := rng.IntN(items)
		var steps []bellwether.Step
		for day := range 4 + rng.IntN(6) {
			steps = append(steps, bellwether.Step{Item: int32(item), Time: int64(day+1) * 86400})
			if item = (item + 1) % items; rng.IntN(4) == 0 {
				item = rng.IntN(items)
			}
		}
		end := len(steps) - 2
		q.Steps, q.TrainEnd = append(q.Steps, steps), append(q.TrainEnd, end)
		q.Validation = append(q.Validation, bellwether.Target{Person: int32(p), At: int32(end)})
		q.Test = append(q.Test, bellwether.Target{Person: int32(p), At: int32(end + 1)})
	}
	return &bellwether.Dataset{Name: "recommend", Digest: "walks", Sequences: q}
}

var quick = learn.FitOptions{Training: learn.Training{Preset: "tiny", Epochs: 2, Seed: 1}, Clock: time.Now}

// fit fits every candidate.
func fit(ctx context.Context, d *bellwether.Dataset, o learn.FitOptions, report func(bellwether.Progress)) ([]learn.Fitted, error) {
	return learn.FitAll(ctx, Candidates(o), d, o.Minutes, o.Clock, report)
}

// find returns the candidate of a name.
func find(t *testing.T, fitted []learn.Fitted, name string) *learn.Fitted {
	t.Helper()
	for i := range fitted {
		if fitted[i].Name == name {
			return &fitted[i]
		}
	}
	t.Fatalf("no %s among %v", name, names(fitted))
	return nil
}

func names(fitted []learn.Fitted) (out []string) {
	for _, f := range fitted {
		out = append(out, f.Name)
	}
	return out
}

func candidates(t *testing.T, d *bellwether.Dataset, o learn.FitOptions) []learn.Fitted {
	t.Helper()
	fitted, err := fit(t.Context(), d, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	return fitted
}

func file(t *testing.T, m bellwether.Model) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := m.Save(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func score(t *testing.T, m bellwether.Model, history ...bellwether.Step) []float32 {
	t.Helper()
	s := m.(bellwether.Scorer)
	out := make([]float32, len(s.Items()))
	if err := s.Score(t.Context(), [][]bellwether.Step{history}, [][]float32{out}); err != nil {
		t.Fatalf("%s: %v", m.Family(), err)
	}
	return out
}

func TestCandidates(t *testing.T) {
	d := walks(150, 20)
	fitted := candidates(t, d, quick)
	want := []string{"popularity", "popularity-7d", "seen-before", "last-item", "own-frequent", "markov", "item-knn", "item-knn-200", "rules", "blend", "transformer", "ensemble"}
	if diff := cmp.Diff(want, names(fitted)); diff != "" {
		t.Fatal(diff)
	}
	for _, f := range fitted {
		if trained := f.Name == "transformer" || f.Name == "ensemble"; f.Baseline == trained || f.Parameters == 0 || f.FitSeconds < 0 {
			t.Errorf("%s: baseline %v, %d parameters, %v s", f.Name, f.Baseline, f.Parameters, f.FitSeconds)
		}
		t.Run(f.Name, func(t *testing.T) {
			saved := file(t, f.Model)
			back, err := models.Load(f.Model.Family(), bytes.NewReader(saved))
			if err != nil {
				t.Fatal(err)
			}
			for _, history := range [][]bellwether.Step{nil, {{Item: 3}}, {{Item: 3}, {Item: 4, Time: 9}, {Item: 3}}} {
				if a, b := score(t, f.Model, history...), score(t, back, history...); !slices.Equal(a, b) {
					t.Errorf("after %v the loaded model scores %v, not %v", history, b, a)
				}
			}
			if !bytes.Equal(saved, file(t, back)) {
				t.Error("saving what was loaded gives another file")
			}
		})
	}
	if s := find(t, fitted, "transformer").Settings; s["dim"] != 32. || s["seed"] != uint64(1) {
		t.Errorf("the Transformer's settings are %v", s)
	}
}

func TestCandidatesAreDeterministic(t *testing.T) {
	a, b := candidates(t, walks(80, 12), quick), candidates(t, walks(80, 12), quick)
	for i := range a {
		if !bytes.Equal(file(t, a[i].Model), file(t, b[i].Model)) {
			t.Errorf("%s: the same seed gives another model", a[i].Name)
		}
	}
}

// TestCandidatesOfOddData: what cannot be fitted is skipped, said so, and the rest is fitted.
func TestCandidatesOfOddData(t *testing.T) {
	timeless := walks(60, 8)
	for p := range timeless.Sequences.Steps {
		for s := range timeless.Sequences.Steps[p] {
			timeless.Sequences.Steps[p][s].Time = 0
		}
	}
	fresh := walks(60, 8)
	for p := range fresh.Sequences.TrainEnd {
		fresh.Sequences.TrainEnd[p] = 1
	}
	unasked := walks(60, 8)
	unasked.Sequences.Validation = nil
	unknown := walks(60, 8)
	for p := range unknown.Sequences.Steps {
		unknown.Sequences.Steps[p][0].Item = -1
	}
	for _, c := range []struct {
		name    string
		d       *bellwether.Dataset
		skipped string
		note    string
	}{
		{"no times", timeless, "popularity-7d", "no times"},
		{"one event each", fresh, "transformer", "nobody has two events"},
		{"no validation targets", unasked, "ensemble", "no validation targets"},
		{"one item", walks(30, 1), "", ""},
		{"unknown items", unknown, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var notes []string
			fitted, err := fit(t.Context(), c.d, quick, func(p bellwether.Progress) { notes = append(notes, p.Note) })
			if err != nil {
				t.Fatal(err)
			}
			if got := names(fitted); slices.Contains(got, c.skipped) || len(got) < 8 {
				t.Errorf("fitted %v", got)
			}
			if !strings.Contains(strings.Join(notes, "\n"), c.note) {
				t.Errorf("the notes %q do not say %q", notes, c.note)
			}
			for _, f := range fitted {
				for _, v := range score(t, f.Model, bellwether.Step{Item: -1}) {
					if math.IsNaN(float64(v)) {
						t.Fatalf("%s scores NaN", f.Name)
					}
				}
			}
		})
	}
}

func TestCandidatesRefuse(t *testing.T) {
	bad := walks(10, 5)
	bad.Sequences.Steps[3][0].Item = 99
	for name, d := range map[string]*bellwether.Dataset{"no sequences": {}, "an item beyond": bad, "no items": {Sequences: &bellwether.Sequences{}}} {
		if _, err := fit(t.Context(), d, quick, nil); err == nil || !strings.Contains(err.Error(), "train popularity") {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

// TestCandidatesCancelled: what was fitted before the end comes back with the error.
func TestCandidatesCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	fitted, err := fit(ctx, walks(100, 10), learn.FitOptions{Training: learn.Training{Preset: "tiny", Epochs: 1000}, Clock: time.Now}, func(p bellwether.Progress) {
		if p.Step == "train" && p.Note == "blend" {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if n := len(fitted); n != 10 {
		t.Errorf("fitted %v, want the ten plain rows", names(fitted))
	}
}

// TestMinutes: the budget ends the Transformer's training by the clock that is handed in.
func TestMinutes(t *testing.T) {
	now := time.Unix(0, 0)
	clock := func() time.Time { now = now.Add(time.Second); return now }
	done := make(chan []learn.Fitted, 1)
	go func() {
		fitted, err := fit(t.Context(), walks(60, 10), learn.FitOptions{Training: learn.Training{Preset: "tiny", Minutes: 5}, Clock: clock}, nil)
		if err != nil {
			t.Error(err)
		}
		done <- fitted
	}()
	select {
	case fitted := <-done:
		if len(fitted) != 12 {
			t.Fatalf("fitted %v", names(fitted))
		}
		if s := find(t, fitted, "transformer").FitSeconds; s > 5*60 {
			t.Errorf("the Transformer took %v s of a budget of 300", s)
		}
	case <-time.After(time.Minute):
		t.Fatal("the budget did not end the training")
	}
}

func TestCheckpointsAndWarmStart(t *testing.T) {
	kept := map[string]*modeltest.Memory{}
	s := quick
	s.Checkpoints = func(family string) bellwether.Checkpoint {
		kept[family] = &modeltest.Memory{}
		return kept[family]
	}
	first := candidates(t, walks(60, 10), s)
	if c := kept[sequence.Family]; c == nil || c.Count == 0 {
		t.Errorf("the Transformer kept no checkpoint: %v", kept)
	}
	warm := quick
	warm.Warm = find(t, first, "ensemble").Model // the Transformer may be a part of the ensemble
	cold, started := candidates(t, walks(60, 10), quick), candidates(t, walks(60, 10), warm)
	if customerModel(warm.Warm) == nil {
		warm.Warm = find(t, first, "transformer").Model
		started = candidates(t, walks(60, 10), warm)
	}
	if bytes.Equal(file(t, find(t, cold, "transformer").Model), file(t, find(t, started, "transformer").Model)) {
		t.Error("a warm start changes nothing")
	}
}

func TestCustomerModelIsFound(t *testing.T) {
	fitted := candidates(t, walks(40, 6), quick)
	transformer := find(t, fitted, "transformer").Model.(*sequence.Model)
	e, err := ensemble.New(ensemble.Part{Name: "transformer", Scorer: transformer, Scale: ensemble.Softmax, Weight: 1})
	if err != nil {
		t.Fatal(err)
	}
	served, err := sequence.NewRanker(transformer, sequence.RankerOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if customerModel(e) != transformer || customerModel(served) != transformer || customerModel(fitted[0].Model) != nil || customerModel(nil) != nil {
		t.Error("the Transformer of an ensemble, or in service, is not found, or one is found where there is none")
	}
}
