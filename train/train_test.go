package train

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"bellwether"
	"bellwether/internal/modeltest"
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

var quick = RecommendSettings{Preset: "tiny", Epochs: 2, Seed: 1}

func names(fitted []Fitted) (out []string) {
	for _, f := range fitted {
		out = append(out, f.Name)
	}
	return out
}

func recommend(t *testing.T, d *bellwether.Dataset, s RecommendSettings) []Fitted {
	t.Helper()
	fitted, err := Recommend(t.Context(), d, s, nil)
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

func TestRecommend(t *testing.T) {
	d := walks(150, 20)
	fitted := recommend(t, d, quick)
	want := []string{"popularity", "popularity-7d", "markov", "item-knn", "item-knn-200", "rules", "blend", "transformer", "ensemble"}
	if diff := cmp.Diff(want, names(fitted)); diff != "" {
		t.Fatal(diff)
	}
	for _, f := range fitted {
		if trained := f.Name == "transformer" || f.Name == "ensemble"; f.Baseline == trained || f.Parameters == 0 || f.FitSeconds < 0 {
			t.Errorf("%s: baseline %v, %d parameters, %v s", f.Name, f.Baseline, f.Parameters, f.FitSeconds)
		}
		t.Run(f.Name, func(t *testing.T) {
			saved := file(t, f.Model)
			back, err := Load(f.Model.Family(), bytes.NewReader(saved))
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
	if s := fitted[7].Settings; s["dim"] != 32. || s["seed"] != uint64(1) {
		t.Errorf("the Transformer's settings are %v", s)
	}
}

func TestRecommendIsDeterministic(t *testing.T) {
	a, b := recommend(t, walks(80, 12), quick), recommend(t, walks(80, 12), quick)
	for i := range a {
		if !bytes.Equal(file(t, a[i].Model), file(t, b[i].Model)) {
			t.Errorf("%s: the same seed gives another model", a[i].Name)
		}
	}
}

// TestRecommendOddData: what cannot be fitted is skipped, said so, and the rest is fitted.
func TestRecommendOddData(t *testing.T) {
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
			fitted, err := Recommend(t.Context(), c.d, quick, func(p bellwether.Progress) { notes = append(notes, p.Note) })
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

func TestRecommendRefuses(t *testing.T) {
	bad := walks(10, 5)
	bad.Sequences.Steps[3][0].Item = 99
	for name, d := range map[string]*bellwether.Dataset{"no sequences": {}, "an item beyond": bad, "no items": {Sequences: &bellwether.Sequences{}}} {
		if _, err := Recommend(t.Context(), d, quick, nil); err == nil || !strings.Contains(err.Error(), "train popularity") {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

// TestRecommendCancelled: what was fitted before the end comes back with the error.
func TestRecommendCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	fitted, err := Recommend(ctx, walks(100, 10), RecommendSettings{Preset: "tiny", Epochs: 1000}, func(p bellwether.Progress) {
		if p.Step == "train" && p.Note == "blend" {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if n := len(fitted); n != 7 {
		t.Errorf("fitted %v, want the seven plain rows", names(fitted))
	}
}

// TestMinutes: the budget ends the Transformer's training by the clock that is handed in.
func TestMinutes(t *testing.T) {
	now := time.Unix(0, 0)
	clock := func() time.Time { now = now.Add(time.Second); return now }
	done := make(chan []Fitted, 1)
	go func() {
		fitted, err := Recommend(t.Context(), walks(60, 10), RecommendSettings{Preset: "tiny", Minutes: 5, Clock: clock}, nil)
		if err != nil {
			t.Error(err)
		}
		done <- fitted
	}()
	select {
	case fitted := <-done:
		if len(fitted) != 9 {
			t.Fatalf("fitted %v", names(fitted))
		}
		if s := fitted[7].FitSeconds; s > 5*60 {
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
	first := recommend(t, walks(60, 10), s)
	if c := kept[sequence.Family]; c == nil || c.Count == 0 {
		t.Errorf("the Transformer kept no checkpoint: %v", kept)
	}
	warm := quick
	warm.Warm = first[8].Model // the Transformer may be a part of the ensemble
	cold, started := recommend(t, walks(60, 10), quick), recommend(t, walks(60, 10), warm)
	if Trunk(warm.Warm) == nil {
		warm.Warm = first[7].Model
		started = recommend(t, walks(60, 10), warm)
	}
	if bytes.Equal(file(t, cold[7].Model), file(t, started[7].Model)) {
		t.Error("a warm start changes nothing")
	}
}

func TestTrunkIsFound(t *testing.T) {
	fitted := recommend(t, walks(40, 6), quick)
	transformer := fitted[7].Model.(*sequence.Model)
	e, err := ensemble.New(ensemble.Part{Name: "transformer", Scorer: transformer, Scale: ensemble.Softmax, Weight: 1})
	if err != nil {
		t.Fatal(err)
	}
	served, err := sequence.NewRanker(transformer, sequence.RankerOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if Trunk(e) != transformer || Trunk(served) != transformer || Trunk(fitted[0].Model) != nil || Trunk(nil) != nil {
		t.Error("the Transformer of an ensemble, or in service, is not found, or one is found where there is none")
	}
}

// churn is a table in which low spend means leaving.
func churn(n int) *bellwether.Dataset {
	rng := rand.New(rand.NewPCG(3, 4))
	t := &bellwether.Table{Positive: "yes", Columns: []bellwether.Column{
		{Name: "spend", Numbers: make([]float64, n)},
		{Name: "plan", Codes: make([]int32, n), Levels: []string{"basic", "plus"}},
	}}
	for i := range n {
		x := rng.NormFloat64()
		t.Columns[0].Numbers[i] = x
		t.Columns[1].Codes[i] = rng.Int32N(2)
		y := 0.0
		if x+.5*rng.NormFloat64() < -.3 {
			y = 1
		}
		t.Target = append(t.Target, y)
		t.Split = append(t.Split, []bellwether.Split{bellwether.Train, bellwether.Train, bellwether.Train, bellwether.Test}[i%4])
	}
	return &bellwether.Dataset{Name: "behaviour", Digest: "churn", Table: t}
}

func TestBehaviour(t *testing.T) {
	d := churn(2000)
	fitted, err := Behaviour(t.Context(), d, BehaviourSettings{Seed: 1, Epochs: 5}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"majority", "logistic", "dnn"}, names(fitted)); diff != "" {
		t.Fatal(diff)
	}
	loss := map[string]float64{}
	for _, f := range fitted {
		if f.Baseline == (f.Name == "dnn") {
			t.Errorf("%s: baseline %v", f.Name, f.Baseline)
		}
		back, err := Load(f.Model.Family(), bytes.NewReader(file(t, f.Model)))
		if err != nil {
			t.Fatal(err)
		}
		p, err := back.(bellwether.Classifier).Predict(t.Context(), d.Table)
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range p {
			if d.Table.Split[i] == bellwether.Test {
				loss[f.Name] += (v - d.Table.Target[i]) * (v - d.Table.Target[i])
			}
		}
	}
	if loss["logistic"] > .7*loss["majority"] || loss["dnn"] > .7*loss["majority"] {
		t.Errorf("squared errors %v: what is learned is no better than the majority's share", loss)
	}
	if _, err := Behaviour(t.Context(), &bellwether.Dataset{}, BehaviourSettings{}, nil); err == nil {
		t.Error("no table, no error")
	}
}

func TestLoadRefuses(t *testing.T) {
	blend := file(t, recommend(t, walks(20, 5), quick)[6].Model)
	for _, c := range []struct {
		family string
		file   io.Reader
		want   string
	}{
		{"astrology", bytes.NewReader(blend), `the family "astrology" is unknown`},
		{"rules", bytes.NewReader(blend), `holds the family "blend"`},
		{"transformer", bytes.NewReader(blend), ""},
		{"ensemble", bytes.NewReader(blend), `family "blend"`},
		{"dnn", strings.NewReader(""), ""},
	} {
		m, err := Load(c.family, c.file)
		if err == nil || m != nil || !strings.Contains(err.Error(), c.want) || !errors.Is(err, ErrUnreadable) {
			t.Errorf("%s: %v, error %v, want an ErrUnreadable that says %q", c.family, m, err, c.want)
		}
	}
}
