package neighbours

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"bellwether"
	"bellwether/internal/modeltest"
	"bellwether/tensor/nn"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var everyTrainer = []bellwether.Trainer{Popularity{}, Popularity7Days{}, Markov{}, ItemKNN{}, ItemKNN{Neighbours: 2}, Rules{}, Blend{}, SeenBefore{}, LastItem{}, OwnFrequent{}}

// made has the training histories given; step n of each happens on day n.
func made(items int, histories ...[]int32) *bellwether.Dataset {
	q := &bellwether.Sequences{}
	for i := range items {
		q.Items = append(q.Items, bellwether.ItemID(string(rune('a'+i))))
	}
	for _, h := range histories {
		var steps []bellwether.Step
		for day, i := range h {
			steps = append(steps, bellwether.Step{Item: i, Time: int64(day+1) * 24 * 60 * 60})
		}
		q.Steps = append(q.Steps, steps)
		q.TrainEnd = append(q.TrainEnd, len(h))
	}
	return &bellwether.Dataset{Sequences: q}
}

func train(t testing.TB, trainer bellwether.Trainer, d *bellwether.Dataset) *Model {
	t.Helper()
	m, err := trainer.Train(context.Background(), d, nil)
	if err != nil {
		t.Fatal(err)
	}
	return m.(*Model)
}

func scores(t testing.TB, m *Model, history ...int32) []float32 {
	t.Helper()
	var steps []bellwether.Step
	for _, i := range history {
		steps = append(steps, bellwether.Step{Item: i})
	}
	out := make([]float32, len(m.Items()))
	if err := m.Score(context.Background(), [][]bellwether.Step{steps}, [][]float32{out}); err != nil {
		t.Fatal(err)
	}
	return out
}

var nearly = cmp.Comparer(func(a, b float32) bool { return math.Abs(float64(a-b)) <= 2e-6*max(1, math.Abs(float64(b))) })

func TestByHand(t *testing.T) {
	// n: a 3, b 3, c 1, d 0.
	d := made(4, []int32{0, 1, 2}, []int32{0, 1}, []int32{1, 0})
	third := float32(1. / 3)
	knn := func(together, i, j float64) float32 { return float32(together / (math.Sqrt(i*j) + 10)) }
	rule := func(weight, i, j float64) float32 { return float32(weight * math.Pow(i, -.5) * math.Pow(j, -.3)) }
	for _, c := range []struct {
		trainer bellwether.Trainer
		history []int32
		want    []float32
	}{
		{Popularity{}, []int32{2}, []float32{1, 1, third, 0}},
		{SeenBefore{}, []int32{2, 3, 2}, []float32{1e-4, 1e-4, 1 + 1e-4*third, 1}},
		{LastItem{}, []int32{3, 2, -1, 3, 0}, []float32{1 + 1e-4, 1e-4, 1./3 + 1e-4*third, 1. / 2}},
		{OwnFrequent{}, []int32{2, 3, -1, 2}, []float32{1e-4, 1e-4, 2 + 1e-4*third, 1}},
		{Markov{}, []int32{1, 0}, []float32{.001, 2.001, .001 * third, 0}},
		{ItemKNN{}, []int32{0}, []float32{0, knn(3, 3, 3), knn(1, 3, 1), 0}},
		{ItemKNN{}, []int32{0, 2}, []float32{knn(1, 3, 1), .8*knn(3, 3, 3) + knn(1, 3, 1), .8 * knn(1, 3, 1), 0}},
		{Rules{}, []int32{0}, []float32{0, rule(2, 3, 3), rule(.5, 3, 1), 0}},
		{Rules{}, []int32{0, 1}, []float32{rule(1, 3, 3), .5 * rule(2, 3, 3), .5*rule(.5, 3, 1) + rule(1, 3, 1), 0}},
		{Blend{}, []int32{0}, []float32{0, knn(3, 3, 3) + rule(2, 3, 3), knn(1, 3, 1) + rule(.5, 3, 1), 0}},
	} {
		if diff := cmp.Diff(c.want, scores(t, train(t, c.trainer, d), c.history...), nearly); diff != "" {
			t.Errorf("%s after %v:\n%s", c.trainer.Family(), c.history, diff)
		}
	}
}

func TestPopularityOfSevenDays(t *testing.T) {
	// The newest step is on day 12: days 6 to 12 count, in which b occurs twice and a five times less.
	d := made(3, []int32{0, 0, 0, 0, 0, 1, 2, 2}, []int32{2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1})
	got := scores(t, train(t, Popularity7Days{}, d))
	if math.Trunc(float64(got[0])) != 0 || math.Trunc(float64(got[1])) != 3 || math.Trunc(float64(got[2])) != 7 {
		t.Errorf("counts of the last seven days are %v, want 0, 3 and 7", got)
	}
	for p := range d.Sequences.Steps {
		for s := range d.Sequences.Steps[p] {
			d.Sequences.Steps[p][s].Time = 0
		}
	}
	if _, err := (Popularity7Days{}).Train(t.Context(), d, nil); !errors.Is(err, ErrNoTimes) {
		t.Errorf("without times: error %v", err)
	}
}

// TestNothingAfterTrainEnd: held-out steps change no score.
func TestNothingAfterTrainEnd(t *testing.T) {
	for _, trainer := range everyTrainer {
		short := made(5, []int32{0, 1, 2}, []int32{1, 2})
		long := made(5, []int32{0, 1, 2, 3, 4}, []int32{1, 2, 4, 4})
		copy(long.Sequences.TrainEnd, short.Sequences.TrainEnd)
		var a, b bytes.Buffer
		if err := errors.Join(train(t, trainer, short).Save(&a), train(t, trainer, long).Save(&b)); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(a.Bytes(), b.Bytes()) {
			t.Errorf("%s looked at the held-out steps", trainer.Family())
		}
	}
}

func TestEmptyAndUnknownHistory(t *testing.T) {
	d := made(4, []int32{0, 1, 2}, []int32{1, 2}, []int32{-1, 2, -1})
	want := []int32{2, 1, 0, 3} // by popularity
	for _, trainer := range everyTrainer {
		m := train(t, trainer, d)
		for _, history := range [][]int32{nil, {-1}, {-1, -1}} {
			if got := order(scores(t, m, history...)); !slices.Equal(got, want) {
				t.Errorf("%s after %v orders %v, want popularity's %v", trainer.Family(), history, got, want)
			}
		}
		if a, b := scores(t, m, 1, 0), scores(t, m, 1, -1, 0, -1); !slices.Equal(a, b) {
			t.Errorf("%s: unknown steps change %v to %v", trainer.Family(), a, b)
		}
	}
}

func order(s []float32) []int32 {
	out := []int32{}
	for i := range s {
		out = append(out, int32(i))
	}
	slices.SortStableFunc(out, func(a, b int32) int { return int(math.Copysign(1, float64(s[b]-s[a]))) })
	return out
}

func TestVocabularyOfOne(t *testing.T) {
	for _, trainer := range everyTrainer {
		m := train(t, trainer, made(1, []int32{0, 0}))
		for _, v := range append(scores(t, m), scores(t, m, 0, 0)...) {
			if v != v || v <= 0 {
				t.Errorf("%s scores the only item %v", trainer.Family(), v)
			}
		}
	}
}

func TestNobody(t *testing.T) {
	for _, trainer := range everyTrainer {
		m, err := trainer.Train(t.Context(), made(2), nil)
		if trainer.Family() == (Popularity7Days{}).Family() {
			continue // has no times
		}
		if err != nil {
			t.Fatal(err)
		}
		want := []float32{0, 0}
		if owns[trainer.Family()] != nil {
			want[1] = 1 // what the person had knows nothing of others
		}
		if got := scores(t, m.(*Model), 1); !slices.Equal(got, want) {
			t.Errorf("%s, fitted on nobody, scores %v", trainer.Family(), got)
		}
	}
}

func TestTrainRefuses(t *testing.T) {
	for name, d := range map[string]*bellwether.Dataset{
		"no dataset":           nil,
		"no sequences":         {},
		"no items":             made(0),
		"an item beyond":       made(2, []int32{0, 2}),
		"an item below":        made(2, []int32{0, -2}),
		"a missing end":        {Sequences: &bellwether.Sequences{Items: []bellwether.ItemID{"a"}, Steps: make([][]bellwether.Step, 1)}},
		"an end beyond a life": {Sequences: &bellwether.Sequences{Items: []bellwether.ItemID{"a"}, Steps: make([][]bellwether.Step, 1), TrainEnd: []int{1}}},
	} {
		for _, trainer := range everyTrainer {
			if _, err := trainer.Train(t.Context(), d, nil); err == nil {
				t.Errorf("%s trains on a dataset with %s", trainer.Family(), name)
			}
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, trainer := range everyTrainer {
		if _, err := trainer.Train(ctx, made(2, []int32{0, 1}), nil); !errors.Is(err, context.Canceled) {
			t.Errorf("%s, cancelled: error %v", trainer.Family(), err)
		}
	}
}

func TestScoreRefuses(t *testing.T) {
	m := train(t, Blend{}, made(2, []int32{0, 1}))
	one := [][]bellwether.Step{{{Item: 0}}}
	for _, c := range []struct {
		histories [][]bellwether.Step
		out       [][]float32
		want      string
	}{
		{one, nil, "1 histories"},
		{one, [][]float32{make([]float32, 3)}, "room for 3 scores, the vocabulary has 2"},
		{[][]bellwether.Step{{{Item: 2}}}, [][]float32{make([]float32, 2)}, "step 0 has item 2"},
	} {
		if err := m.Score(t.Context(), c.histories, c.out); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want one that says %q", err, c.want)
		}
	}
}

// walks are 200 people who mostly go from item i to i + 1.
func walks() *bellwether.Dataset {
	rng := rand.New(rand.NewPCG(1, 2))
	var histories [][]int32
	for range 200 {
		item := rng.Int32N(26)
		var h []int32
		for range 3 + rng.IntN(9) {
			h = append(h, item)
			if item = (item + 1) % 26; rng.IntN(4) == 0 {
				item = rng.Int32N(26)
			}
		}
		histories = append(histories, h)
	}
	return made(26, histories...)
}

func TestFamilies(t *testing.T) {
	for _, trainer := range everyTrainer {
		t.Run(trainer.Family(), func(t *testing.T) {
			modeltest.Run(t, modeltest.Family{
				Trainer: func(uint64, bellwether.Checkpoint) bellwether.Trainer { return trainer },
				Data:    walks,
				Load:    func(r io.Reader) (bellwether.Model, error) { return Load(r) },
				Outputs: func(t testing.TB, m bellwether.Model) (out []float64) {
					for _, v := range append(scores(t, m.(*Model)), scores(t, m.(*Model), 3, 4, 5)...) {
						out = append(out, float64(v))
					}
					return out
				},
				Poison:   func(d *bellwether.Dataset) { d.Sequences.Steps[7][1].Item = 99 },
				Seedless: true,
			})
		})
	}
}

// TestTablesAgainstDefinition compares the sparse tables with the sums that define them.
func TestTablesAgainstDefinition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		history := rapid.SliceOfN(rapid.Int32Range(-1, 5), 0, 9)
		d := made(6, rapid.SliceOfN(history, 1, 8).Draw(t, "histories")...)
		got := scores(tb{}, train(tb{}, Blend{}, d), 0, 4)
		want := define(d.Sequences, []int{0, 4})
		if diff := cmp.Diff(want, got, nearly); diff != "" {
			t.Fatal(diff)
		}
	})
}

// tb is a testing.TB for inside a property, where failures are the property's.
type tb struct{ testing.TB }

func (tb) Helper()           {}
func (tb) Fatal(args ...any) { panic(args) }

// define is blend written as in docs/science.md §2, item pair by item pair.
func define(q *bellwether.Sequences, history []int) []float32 {
	n := make([]float64, len(q.Items))
	var known [][]int
	for _, steps := range q.Steps {
		var h []int
		for _, s := range steps {
			if s.Item >= 0 {
				n[s.Item]++
				h = append(h, int(s.Item))
			}
		}
		known = append(known, h)
	}
	out := make([]float32, len(n))
	for j := range out {
		sum := tieBreak * n[j] / max(1, slices.Max(n))
		for age, i := range []int{history[1], history[0]} {
			if i == j {
				continue
			}
			both, rule := 0.0, 0.0
			for _, h := range known {
				if slices.Contains(h, i) && slices.Contains(h, j) {
					both++
				}
				for a := range h {
					for lag := 1; lag <= 5 && a+lag < len(h); lag++ {
						if h[a] == i && h[a+lag] == j {
							rule += 1 / float64(lag)
						}
					}
				}
			}
			sum += math.Pow(.8, float64(age)) * both / (math.Sqrt(n[i]*n[j]) + 10)
			sum += math.Pow(.5, float64(age)) * rule / (math.Pow(max(1, n[i]), .5) * math.Pow(max(1, n[j]), .3))
		}
		out[j] = float32(sum)
	}
	return out
}

func TestKeepsTheNearest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.IntRange(1, 6), 1, 40).Draw(t, "values")
		k := rapid.IntRange(1, 40).Draw(t, "k")
		a := &accumulator{value: make([]float32, len(values))}
		for j, v := range values {
			a.add(int32(j), float32(v))
		}
		a.keep(k, nil)
		var m matrix
		a.flush(&m)
		want := order(float32s(values))
		want = want[:min(k, len(want))]
		slices.Sort(want)
		if !slices.Equal(m.columns, want) {
			t.Fatalf("kept %v of %v, want the %d largest, the first of equals: %v", m.columns, values, k, want)
		}
	})
}

func float32s(x []int) (out []float32) {
	for _, v := range x {
		out = append(out, float32(v))
	}
	return out
}

// TestLongHistoryIsBounded: a robot's history costs what its newest items cost.
func TestLongHistoryIsBounded(t *testing.T) {
	h := make([]bellwether.Step, 3*longest)
	q := &bellwether.Sequences{Steps: [][]bellwether.Step{h}, TrainEnd: []int{len(h)}, Items: make([]bellwether.ItemID, len(h))}
	for i := range h {
		h[i].Item = int32(i)
	}
	if r := distinct(q); len(r.at) != longest || r.items[1] != int32(len(h)-1) {
		t.Errorf("%d places, the first of item %d; want %d, the newest first", len(r.at), r.items[1], longest)
	}
}

func TestScoreAllocatesNothing(t *testing.T) {
	m := train(t, Blend{}, walks())
	histories, out := [][]bellwether.Step{{{Item: 1}, {Item: 2}}}, [][]float32{make([]float32, 26)}
	if n := testing.AllocsPerRun(100, func() { _ = m.Score(t.Context(), histories, out) }); n != 0 {
		t.Errorf("Score allocates %v times", n)
	}
}

// TestLoadRefuses what passes the checksum and is no model.
func TestLoadRefuses(t *testing.T) {
	m := train(t, Markov{}, walks())
	for name, spoil := range map[string]func(w *nn.Weights){
		"no card":               func(w *nn.Weights) { w.Card = nil },
		"another family":        func(w *nn.Weights) { w.Card = []byte(`{"family":"dnn"}`) },
		"many tables":           func(w *nn.Weights) { w.Card = []byte(`{"family":"markov","tables":[{},{},{},{},{},{},{},{},{}]}`) },
		"a table that is not":   func(w *nn.Weights) { w.Card = []byte(`{"family":"markov","tables":[{},{}]}`) },
		"a long memory":         func(w *nn.Weights) { w.Card = []byte(`{"family":"markov","tables":[{"recent":65537}]}`) },
		"no vocabulary":         func(w *nn.Weights) { w.Array("vocabulary").Name = "x" },
		"another vocabulary":    func(w *nn.Weights) { w.Array("vocabulary").Bytes = []byte(`["a"]`) },
		"not finite":            func(w *nn.Weights) { w.Array("popularity").Floats[3] = float32(math.NaN()) },
		"an infinite value":     func(w *nn.Weights) { w.Array("tables.0.values").Floats[3] = float32(math.Inf(1)) },
		"numbers as integers":   func(w *nn.Weights) { w.Array("tables.0.lengths").Floats = []float32{1} },
		"integers as numbers":   func(w *nn.Weights) { w.Array("popularity").Floats, w.Array("popularity").Bytes = nil, make([]byte, 26) },
		"a negative length":     func(w *nn.Weights) { w.Array("tables.0.lengths").Bytes[3] = 0x80 },
		"a long row":            func(w *nn.Weights) { w.Array("tables.0.lengths").Bytes[0] = 27 },
		"a column out of range": func(w *nn.Weights) { w.Array("tables.0.columns").Bytes[0] = 26 },
		"a negative column":     func(w *nn.Weights) { w.Array("tables.0.columns").Bytes[3] = 0x80 },
		"columns cut":           func(w *nn.Weights) { a := w.Array("tables.0.columns"); a.Bytes = a.Bytes[4:] },
	} {
		w := weights(t, m)
		spoil(w)
		if _, err := Restore(w); !errors.Is(err, nn.ErrFormat) && !errors.Is(err, nn.ErrMismatch) {
			t.Errorf("%s: error %v", name, err)
		}
	}
	if _, err := Load(strings.NewReader("BWNB\x01\x05blend")); !errors.Is(err, nn.ErrFormat) {
		t.Errorf("a file of the format before: %v", err)
	}
}

// weights returns a copy of a model's weights.
func weights(t testing.TB, m *Model) *nn.Weights {
	t.Helper()
	var b bytes.Buffer
	if err := m.Save(&b); err != nil {
		t.Fatal(err)
	}
	w, err := nn.ReadWeights(&b)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// FuzzRestore tries what lies behind the checksum: a card and arrays of any content.
func FuzzRestore(f *testing.F) {
	for _, trainer := range everyTrainer {
		m, err := trainer.Train(context.Background(), made(4, []int32{0, 1, 2}, []int32{1, 2, 3}), nil)
		if err != nil {
			f.Fatal(err)
		}
		w := weights(f, m.(*Model))
		bytesOf := func(name string) []byte {
			a := w.Array(name)
			if a == nil {
				return nil
			}
			b := slices.Clone(a.Bytes)
			for _, v := range a.Floats {
				b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
			}
			return b
		}
		f.Add([]byte(w.Card), bytesOf("vocabulary"), bytesOf("popularity"), bytesOf("tables.0.lengths"), bytesOf("tables.0.columns"), bytesOf("tables.0.values"))
	}
	numbers := func(b []byte) []float32 {
		v := []float32{}
		for ; len(b) >= 4; b = b[4:] {
			v = append(v, math.Float32frombits(binary.LittleEndian.Uint32(b)))
		}
		return v
	}
	f.Fuzz(func(t *testing.T, card, vocabulary, popularity, lengths, columns, values []byte) {
		m, err := Restore(&nn.Weights{Card: card, Arrays: []nn.Array{
			{Name: "vocabulary", Bytes: vocabulary},
			{Name: "popularity", Floats: numbers(popularity)},
			{Name: "tables.0.lengths", Bytes: lengths},
			{Name: "tables.0.columns", Bytes: columns},
			{Name: "tables.0.values", Floats: numbers(values)},
		}})
		if err != nil {
			return
		}
		if len(m.Items()) > 0 {
			scores(t, m, 0, int32(len(m.Items())-1))
		}
		var once, twice bytes.Buffer
		if err := m.Save(&once); err != nil {
			t.Fatal(err)
		}
		back, err := Load(bytes.NewReader(once.Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		if err := back.Save(&twice); err != nil || !bytes.Equal(once.Bytes(), twice.Bytes()) {
			t.Errorf("saved again, the file differs (%v)", err)
		}
	})
}

func BenchmarkScore(b *testing.B) {
	m := train(b, Blend{}, &bellwether.Dataset{Sequences: readSequences(b, "sequences/amazon-beauty.txt.gz")})
	histories, out := [][]bellwether.Step{{{Item: 1}, {Item: 200}, {Item: 3000}, {Item: 17}}}, [][]float32{make([]float32, len(m.Items()))}
	b.ReportAllocs()
	for b.Loop() {
		if err := m.Score(b.Context(), histories, out); err != nil {
			b.Fatal(err)
		}
	}
}
