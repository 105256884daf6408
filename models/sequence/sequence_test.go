package sequence

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"bellwether"
	"bellwether/internal/modeltest"
	"bellwether/tensor/nn"
)

// walks are people who go around a ring of items, two steps forward or one, so
// that what comes next follows from the last two items. The last two steps of
// each are validation and test.
func walks(people, items int) *bellwether.Dataset {
	rng := rand.New(rand.NewPCG(1, 2))
	q := &bellwether.Sequences{Types: []bellwether.EventType{"view_item", "purchase"}}
	for i := range items {
		q.Items = append(q.Items, bellwether.ItemID(fmt.Sprint("item ", i)))
	}
	for p := range people {
		item, stride := rng.IntN(items), 1+rng.IntN(2)
		var steps []bellwether.Step
		for i := range 5 + rng.IntN(8) {
			steps = append(steps, bellwether.Step{Item: int32(item), Type: uint8(i % 2), Quantity: 1, Price: 100, Time: int64(i * i * 5000)})
			item = (item + stride) % items
		}
		n := len(steps)
		q.Steps, q.TrainEnd = append(q.Steps, steps), append(q.TrainEnd, n-2)
		q.People = append(q.People, bellwether.Subject(fmt.Sprint("p", p)))
		q.Validation = append(q.Validation, bellwether.Target{Person: int32(p), At: int32(n - 2)})
		q.Test = append(q.Test, bellwether.Target{Person: int32(p), At: int32(n - 1)})
	}
	return &bellwether.Dataset{Digest: "walks", Sequences: q}
}

// known adds to walks what steps and items may have beside.
func known(d *bellwether.Dataset) *bellwether.Dataset {
	q := d.Sequences
	q.Channels, q.Campaigns = []bellwether.Channel{"email", "search"}, []bellwether.CampaignID{"spring"}
	for i := range q.Items {
		q.Categories = append(q.Categories, string(rune('a'+i%3)))
		q.Content = append(q.Content, float32(i%2), float32(i%3), -1)
	}
	for _, steps := range q.Steps {
		for i := range steps {
			steps[i].Channel, steps[i].Campaign, steps[i].Price = uint8(i%3), uint16(i%2), 100*int64(steps[i].Item)
		}
	}
	return d
}

func small() *Settings {
	return &Settings{Dim: 16, Blocks: 1, Heads: 2, Gated: true, Length: 10, Dropout: .1, Loss: "full", Rate: 3e-3, Batch: 16}
}

func load(r io.Reader) (bellwether.Model, error) { return Load(r) }

func outputs(t testing.TB, m bellwether.Model) []float64 {
	t.Helper()
	q := known(walks(10, 20)).Sequences
	histories, out := append([][]bellwether.Step{nil}, q.Steps...), [][]float32{}
	for range histories {
		out = append(out, make([]float32, 20))
	}
	if err := m.(bellwether.Scorer).Score(context.Background(), histories, out); err != nil {
		t.Fatal(err)
	}
	var all []float64
	for _, row := range out {
		for _, x := range row {
			all = append(all, float64(x))
		}
	}
	return all
}

func TestModel(t *testing.T) {
	for name, change := range map[string]func(*Settings){
		"full": func(*Settings) {},
		"sampled": func(s *Settings) {
			s.Loss, s.Negatives, s.SwiGLU, s.RMSNorm, s.Average, s.Clip = "sampled", 8, true, true, .9, 1
			s.Delete = .2
		},
		"experts": func(s *Settings) { s.Experts, s.Top = 4, 2 },
		"gbce": func(s *Settings) {
			s.Loss, s.Negatives, s.Calibration, s.Gated = "gbce", 8, .75, false
			s.Tasks = map[string]float32{"type": .1, "wait": .1}
			s.Fields, s.Content = fieldNames, true
		},
	} {
		t.Run(name, func(t *testing.T) {
			modeltest.Run(t, modeltest.Family{
				Trainer: func(seed uint64, c bellwether.Checkpoint) bellwether.Trainer {
					s := small()
					change(s)
					return Trainer{Settings: s, Seed: seed, Epochs: 3, Checkpoint: c}
				},
				Data:    func() *bellwether.Dataset { return known(walks(60, 20)) },
				Load:    load,
				Outputs: outputs,
				Poison:  func(d *bellwether.Dataset) { d.Sequences.Steps[7][1].Item = 20 },
				Overfit: func(t testing.TB) (float64, float64) { return overfit(t, change), .05 },
			})
		})
	}
}

// overfit returns the share of people whose next item is not ranked first after
// training on them alone.
func overfit(t testing.TB, change func(*Settings)) float64 {
	t.Helper()
	s := small()
	change(s)
	s.Dropout, s.Delete, s.Rate, s.Batch, s.Average = 0, 0, 1e-2, 64, 0
	d := known(walks(16, 20))
	q := d.Sequences
	q.Validation, q.TrainEnd = nil, nil
	for _, steps := range q.Steps {
		q.TrainEnd = append(q.TrainEnd, len(steps))
	}
	m, err := Trainer{Settings: s, Epochs: 600}.Train(context.Background(), d, nil)
	if err != nil {
		t.Fatal(err)
	}
	wrong := 0.0
	row := make([]float32, 20)
	for _, steps := range q.Steps {
		last := len(steps) - 1
		if err := m.(*Model).Score(context.Background(), [][]bellwether.Step{steps[:last]}, [][]float32{row}); err != nil {
			t.Fatal(err)
		}
		for _, x := range row {
			if x > row[steps[last].Item] {
				wrong++
				break
			}
		}
	}
	return wrong / float64(len(q.Steps))
}

// rankFirstTime is rank among the items that the person had nothing to do with yet; no rank at all if the target is none of them.
func rankFirstTime(scores []float32, steps []bellwether.Step, at int) float64 {
	o := bellwether.Offer{Exclude: bellwether.ExcludeSeen}
	if !o.Allows(steps[:at], steps[at].Time, steps[at].Item) {
		return math.Inf(1)
	}
	return rank(scores, o.Withhold(nil, steps[:at], steps[at].Time), steps[at].Item)
}

// The order of two items tells the stride: a model that learns it ranks the next
// item first for nearly everybody, which popularity or the last item alone cannot.
func TestLearnsWhatComesNext(t *testing.T) {
	d := walks(600, 30)
	s := small()
	s.Dim, s.Rate = 32, 1e-2
	m, err := Trainer{Settings: s, Epochs: 15, Seed: 1}.Train(context.Background(), d, nil)
	if err != nil {
		t.Fatal(err)
	}
	q := d.Sequences
	row, right := make([]float32, 30), 0.0
	for _, target := range q.Test {
		steps := q.Steps[target.Person]
		if err := m.(*Model).Score(context.Background(), [][]bellwether.Step{steps[:target.At]}, [][]float32{row}); err != nil {
			t.Fatal(err)
		}
		if rank(row, nil, steps[target.At].Item) == 0 {
			right++
		}
	}
	if share := right / float64(len(q.Test)); share < .95 {
		t.Errorf("%.3f of the next items are ranked first, want .95", share)
	}
}

// Types alternate and 5,000 seconds pass between events until the data end: the tasks learn both.
func TestForecast(t *testing.T) {
	s := small()
	s.Tasks, s.Rate = map[string]float32{"type": .3, "wait": .3}, 1e-2
	d := walks(200, 20)
	for _, steps := range d.Sequences.Steps {
		for i := range steps {
			steps[i].Time = int64(1e6 - (len(steps)-i)*5000)
		}
	}
	m, err := Trainer{Settings: s, Epochs: 12}.Train(context.Background(), d, nil)
	if err != nil {
		t.Fatal(err)
	}
	steps := d.Sequences.Steps[0][:4]
	got, err := m.(*Model).Forecast(context.Background(), [][]bellwether.Step{steps, nil, steps[:3]})
	if err != nil {
		t.Fatal(err)
	}
	if got[0].Types[0] < .9 || got[2].Types[1] < .9 || got[1].Types != nil {
		t.Errorf("types %v and %v, want view_item and purchase", got[0].Types, got[2].Types)
	}
	sum := 0.0
	for _, w := range got[0].Waits {
		sum += w
	}
	if got[0].Waits[13] < .9 || math.Abs(sum-1) > 1e-6 { // 4096 ≤ 5000 < 8192
		t.Errorf("waits %v, want nearly all in bucket 13", got[0].Waits)
	}
	if _, err := m.(*Model).Forecast(context.Background(), [][]bellwether.Step{{{Item: 20}}}); err == nil {
		t.Error("an unknown item was accepted")
	}
}

func TestScoreTogetherEqualsAlone(t *testing.T) {
	d := walks(200, 20)
	m, err := Trainer{Settings: small(), Epochs: 1}.Train(context.Background(), d, nil)
	if err != nil {
		t.Fatal(err)
	}
	histories := d.Sequences.Steps
	together, alone := make([][]float32, len(histories)), make([]float32, 20)
	for i := range together {
		together[i] = make([]float32, 20)
	}
	if err := m.(*Model).Score(context.Background(), histories, together); err != nil {
		t.Fatal(err)
	}
	for i, h := range histories {
		if err := m.(*Model).Score(context.Background(), [][]bellwether.Step{h}, [][]float32{alone}); err != nil {
			t.Fatal(err)
		}
		for j := range alone {
			if math.Abs(float64(alone[j]-together[i][j])) > 1e-5 {
				t.Fatalf("history %d, item %d: %g alone, %g among others", i, j, alone[j], together[i][j])
			}
		}
	}
}

func TestScoreWithoutHistoryIsPopularity(t *testing.T) {
	d := walks(20, 5)
	for p := range d.Sequences.Steps {
		d.Sequences.Steps[p][0].Item = 3
	}
	m, err := Trainer{Settings: small(), Epochs: 1}.Train(context.Background(), d, nil)
	if err != nil {
		t.Fatal(err)
	}
	row, sum := make([]float32, 5), 0.0
	if err := m.(*Model).Score(context.Background(), [][]bellwether.Step{{}}, [][]float32{row}); err != nil {
		t.Fatal(err)
	}
	for i, x := range row {
		sum += math.Exp(float64(x))
		if x > row[3] {
			t.Errorf("item %d is above the most popular one: %v", i, row)
		}
	}
	if math.Abs(sum-1) > 1e-4 {
		t.Errorf("the shares sum to %g", sum)
	}
}

func TestScoreRefuses(t *testing.T) {
	m, err := Trainer{Settings: small(), Epochs: 1}.Train(context.Background(), walks(20, 5), nil)
	if err != nil {
		t.Fatal(err)
	}
	score := func(h []bellwether.Step, n int) error {
		return m.(*Model).Score(context.Background(), [][]bellwether.Step{h}, [][]float32{make([]float32, n)})
	}
	if err := score([]bellwether.Step{{Item: 5}}, 5); err == nil || !strings.Contains(err.Error(), "item 5") {
		t.Errorf("an unknown item: %v", err)
	}
	if err := score([]bellwether.Step{{Item: -1}, {Item: 2}}, 5); err != nil {
		t.Errorf("a step without an item: %v", err)
	}
	if err := score([]bellwether.Step{{Item: 1}}, 4); err == nil {
		t.Error("a short row was accepted")
	}
}

func TestTrainRefuses(t *testing.T) {
	for name, spoil := range map[string]func(d *bellwether.Dataset, tr *Trainer){
		"no sequences":     func(d *bellwether.Dataset, _ *Trainer) { d.Sequences = nil },
		"unknown type":     func(d *bellwether.Dataset, _ *Trainer) { d.Sequences.Steps[0][0].Type = 2 },
		"end too far":      func(d *bellwether.Dataset, _ *Trainer) { d.Sequences.TrainEnd[0] = 99 },
		"nobody":           func(d *bellwether.Dataset, _ *Trainer) { clear(d.Sequences.TrainEnd) },
		"validation":       func(d *bellwether.Dataset, _ *Trainer) { d.Sequences.Validation[0].At = 99 },
		"preset":           func(_ *bellwether.Dataset, tr *Trainer) { tr.Settings, tr.Preset = nil, "huge" },
		"task":             func(_ *bellwether.Dataset, tr *Trainer) { tr.Settings.Tasks = map[string]float32{"mood": 1} },
		"field":            func(_ *bellwether.Dataset, tr *Trainer) { tr.Settings.Fields = []string{"colour"} },
		"heads":            func(_ *bellwether.Dataset, tr *Trainer) { tr.Settings.Heads = 3 },
		"loss":             func(_ *bellwether.Dataset, tr *Trainer) { tr.Settings.Loss = "hinge" },
		"negatives":        func(_ *bellwether.Dataset, tr *Trainer) { tr.Settings.Loss = "sampled" },
		"dropout":          func(_ *bellwether.Dataset, tr *Trainer) { tr.Settings.Dropout = 1 },
		"a rate too large": func(_ *bellwether.Dataset, tr *Trainer) { tr.Settings.Rate = 1e30 },
	} {
		d, tr := walks(20, 5), Trainer{Settings: small(), Epochs: 3}
		spoil(d, &tr)
		if _, err := tr.Train(context.Background(), d, nil); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestCheckpointOfAnotherVocabulary(t *testing.T) {
	c := &modeltest.Memory{}
	tr := Trainer{Settings: small(), Epochs: 2, Checkpoint: c}
	if _, err := tr.Train(context.Background(), walks(20, 5), nil); err != nil {
		t.Fatal(err)
	}
	other := walks(20, 5)
	other.Sequences.Items[2] = "renamed"
	if _, err := tr.Train(context.Background(), other, nil); !errors.Is(err, nn.ErrCheckpoint) {
		t.Errorf("error %v, want ErrCheckpoint", err)
	}
}

func TestWarmStartFollowsIDs(t *testing.T) {
	old, err := Trainer{Settings: small(), Epochs: 2}.Train(context.Background(), known(walks(20, 5)), nil)
	if err != nil {
		t.Fatal(err)
	}
	d := known(walks(20, 6))
	d.Sequences.Channels[0], d.Sequences.Channels[1], d.Sequences.Campaigns[0] = "search", "new", "autumn"
	d.Sequences.Items[0], d.Sequences.Items[5] = "item 4", "new" // was item 4's id taken along?
	d.Sequences.Items[4] = "item 0"
	r, err := Trainer{Settings: small(), Warm: old.(*Model), Seed: 9}.prepare(d)
	if err != nil {
		t.Fatal(err)
	}
	table, was := r.model.itemTable(), old.(*Model).itemTable()
	if table.Row(0)[3] != was.Row(4)[3] || table.Row(4)[3] != was.Row(0)[3] || table.Row(5)[3] == was.Row(4)[3] {
		t.Error("rows did not follow their ids")
	}
	row := func(m *Model, field string, i int32) float32 {
		for _, p := range m.params {
			if p.Name == "fields."+field+".weight" {
				return p.Row(i)[3]
			}
		}
		t.Fatalf("there is no field %q", field)
		return 0
	}
	for _, c := range []struct {
		field    string
		now, was int32
		same     bool
	}{{"channel", 0, 0, true}, {"channel", 1, 2, true}, {"channel", 2, 1, false}, {"campaign", 0, 0, true}, {"campaign", 1, 1, false}, {"type", 1, 1, true}} {
		if got := row(r.model, c.field, c.now) == row(old.(*Model), c.field, c.was); got != c.same {
			t.Errorf("row %d of %s is row %d of the old one: %v", c.now, c.field, c.was, got)
		}
	}
}

func TestPackTakesTheLatestSteps(t *testing.T) {
	d := walks(2, 20)
	q := d.Sequences
	q.Steps[0], q.TrainEnd[0] = q.Steps[0][:5], 4
	long := make([]bellwether.Step, 30)
	for i := range long {
		long[i] = bellwether.Step{Item: int32(i % 20)}
	}
	long[29].Item = -1
	q.Steps[1], q.TrainEnd[1], q.Validation = long, 30, nil
	r, err := Trainer{Settings: small()}.prepare(d)
	if err != nil {
		t.Fatal(err)
	}
	if learned := r.pack([]Person{r.person(0), r.person(1)}, 1); learned != 3+9 {
		t.Errorf("%d targets, want 3 and 9", learned)
	}
	k := &r.tokens
	if k.offsets[1] != 3 || k.offsets[2] != 13 || k.ids[0][3] != 19 || k.targets[3] != 0 || k.targets[12] != -1 || k.ids[1][3] != 0 {
		t.Errorf("tokens %+v", k)
	}
}

func FuzzLoad(f *testing.F) {
	var b bytes.Buffer
	m, err := Trainer{Settings: small(), Epochs: 1}.Train(context.Background(), walks(20, 5), nil)
	if err != nil || m.Save(&b) != nil {
		f.Fatal(err)
	}
	w, _ := nn.ReadWeights(bytes.NewReader(b.Bytes()))
	f.Add([]byte(w.Card), []byte(`["a"]`))
	f.Fuzz(func(t *testing.T, card, vocabulary []byte) {
		hostile := &nn.Weights{Card: card, Arrays: append([]nn.Array{}, w.Arrays...)}
		for i := range hostile.Arrays {
			if a := &hostile.Arrays[i]; a.Name == "vocabulary" {
				a.Bytes = vocabulary
			}
		}
		if m, err := restore(hostile); err == nil {
			outputsOf(m)
		}
	})
}

func outputsOf(m *Model) {
	row := make([]float32, len(m.Items()))
	_ = m.Score(context.Background(), [][]bellwether.Step{{{Item: 0}}}, [][]float32{row})
}

// An epoch of many batches is cut into rounds, so that hours of it are not lost with an interruption; everybody has a turn in it.
func TestLongEpochsAreCut(t *testing.T) {
	d := walks(2100, 8)
	s := &Settings{Dim: 4, Blocks: 0, Heads: 1, Length: 5, Loss: "full", Rate: 1e-3, Batch: 1}
	r, err := Trainer{Settings: s, Epochs: 1}.prepare(d)
	if err != nil {
		t.Fatal(err)
	}
	fit, err := r.plan(d, nil)
	if err != nil {
		t.Fatal(err)
	}
	if fit.Batches != 700 || fit.Epochs != 3 || fit.Patience != 24 {
		t.Errorf("%d rounds of %d batches, patience %d; want 3 of 700 and that of 8 epochs", fit.Epochs, fit.Batches, fit.Patience)
	}
	seen, next := map[bellwether.Subject]int{}, fit.Batch
	fit.Batch = func(epoch, batch, pass int) (float64, error) {
		loss, err := next(epoch, batch, pass)
		for _, p := range r.persons {
			seen[p.ID]++
		}
		return loss, err
	}
	if _, err := r.train(context.Background(), fit); err != nil {
		t.Fatal(err)
	}
	for id, n := range seen {
		if n != 1 {
			t.Errorf("%s had %d turns", id, n)
		}
	}
	if len(seen) != 2100 {
		t.Errorf("%d people had a turn", len(seen))
	}
}
