package ensemble

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"

	"bellwether"
	"bellwether/internal/modeltest"
	"bellwether/tensor/nn"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// after scores item j by its row of the last item of the history.
type after struct {
	Name  string
	Table [][]float32
	Vocab []bellwether.ItemID
}

func (a *after) Family() string             { return a.Name }
func (a *after) Items() []bellwether.ItemID { return a.Vocab }
func (a *after) Save(io.Writer) error       { return errors.New("of no use here") }
func (a *after) Parameters() int64          { return int64(len(a.Table) * len(a.Vocab)) }
func (a *after) Score(_ context.Context, histories [][]bellwether.Step, out [][]float32) error {
	for b, h := range histories {
		copy(out[b], a.Table[0])
		if len(h) > 0 {
			copy(out[b], a.Table[h[len(h)-1].Item])
		}
	}
	return nil
}

func (a *after) Weights() (*nn.Weights, error) {
	text, err := json.Marshal(a.Vocab)
	table := nn.Array{Name: "table", Shape: []int{len(a.Table), len(a.Vocab)}, Floats: slices.Concat(a.Table...)}
	return &nn.Weights{Card: text, Arrays: []nn.Array{table}}, err
}

func restoreAfter(family string, w *nn.Weights) (bellwether.Model, error) {
	a := &after{Name: family}
	if err := json.Unmarshal(w.Card, &a.Vocab); err != nil {
		return nil, fmt.Errorf("a part of family %q: %w", family, err)
	}
	table := w.Array("table")
	if table == nil || len(w.Arrays) != 1 || len(a.Vocab) == 0 {
		return nil, fmt.Errorf("a part of family %q without its table", family)
	}
	for rows := range slices.Chunk(table.Floats, len(a.Vocab)) {
		a.Table = append(a.Table, rows)
	}
	return a, nil
}

func vocabulary(n int) (out []bellwether.ItemID) {
	for i := range n {
		out = append(out, bellwether.ItemID(rune('a'+i)))
	}
	return out
}

// peaks scores to[i] highest after item i: high for the first half of the items, else low.
func peaks(name string, items int, first bool) *after {
	a := &after{Name: name, Vocab: vocabulary(items)}
	for i := range items {
		row := make([]float32, items)
		for j := range row {
			row[j] = .1
		}
		if (i < items/2) == first {
			row[(i+1)%items] = 5
		} else {
			row[(i+3)%items] = 1 // wrong, and less sure
		}
		a.Table = append(a.Table, row)
	}
	return a
}

// chain asks, for each item i, what follows it: i + 1.
func chain(items int) *bellwether.Sequences {
	q := &bellwether.Sequences{Items: vocabulary(items)}
	for i := range items {
		q.Steps = append(q.Steps, []bellwether.Step{{Item: int32(i)}, {Item: int32((i + 1) % items)}})
		q.Validation = append(q.Validation, bellwether.Target{Person: int32(i), At: 1})
	}
	return q
}

func score(t testing.TB, m bellwether.Scorer, histories ...[]bellwether.Step) [][]float32 {
	t.Helper()
	out := split(make([]float32, len(histories)*len(m.Items())), len(histories), len(m.Items()))
	if err := m.Score(context.Background(), histories, out); err != nil {
		t.Fatal(err)
	}
	return out
}

var nearly = cmp.Comparer(func(a, b float32) bool { return math.Abs(float64(a-b)) < 1e-6 })

// logarithms are the scores of items with such sums.
func logarithms(sums ...float64) (out []float32) {
	for _, s := range sums {
		out = append(out, float32(math.Log(s+unspoken/float64(len(sums)))))
	}
	return out
}

func TestScoreByHand(t *testing.T) {
	logits := &after{Name: "logits", Vocab: vocabulary(3), Table: [][]float32{{0, float32(math.Log(2)), 0}}}
	counts := &after{Name: "counts", Vocab: vocabulary(3), Table: [][]float32{{1, 1, 8}}}
	none := &after{Name: "none", Vocab: vocabulary(3), Table: [][]float32{{0, 0, 0}}}
	m, err := New(Part{"logits", logits, Softmax, .3}, Part{"counts", counts, Share, .6}, Part{"none", none, Share, .1})
	if err != nil {
		t.Fatal(err)
	}
	want := logarithms(.3*.25+.6*.1, .3*.5+.6*.1, .3*.25+.6*.8)
	if diff := cmp.Diff(want, score(t, m, nil)[0], nearly); diff != "" {
		t.Error(diff)
	}
	if m.Parameters() != 9 {
		t.Errorf("%d parameters, the parts have 9", m.Parameters())
	}
}

// acquainted scores by who is asked about: item j of the person called j is 1.
type acquainted struct{ after }

func (a *acquainted) ScoreAs(_ context.Context, people []bellwether.Subject, _ [][]bellwether.Step, out [][]float32) error {
	for b := range out {
		for j := range out[b] {
			out[b][j] = 0
			if people != nil && people[b] == bellwether.Subject(a.Vocab[j]) {
				out[b][j] = 1
			}
		}
	}
	return nil
}

// TestScoreAs: the parts that ask for names are given those of their histories, and the others score as ever.
func TestScoreAs(t *testing.T) {
	knows := &acquainted{after{Name: "knows", Vocab: vocabulary(3)}}
	plain := &after{Name: "plain", Vocab: vocabulary(3), Table: [][]float32{{1, 1, 2}}}
	m, err := New(Part{"knows", knows, Share, .5}, Part{"plain", plain, Share, .5})
	if err != nil {
		t.Fatal(err)
	}
	const n = together + 7
	var people []bellwether.Subject
	want := [][]float32{}
	for i := range n {
		people = append(people, bellwether.Subject(knows.Vocab[i%3]))
		sums := []float64{.125, .125, .25}
		sums[i%3] += .5
		want = append(want, logarithms(sums...))
	}
	people[n-1], want[n-1] = "", logarithms(.125, .125, .25)
	out := split(make([]float32, n*3), n, 3)
	if err := m.ScoreAs(t.Context(), people, make([][]bellwether.Step, n), out); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, out, nearly); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(want[n-1], score(t, m, nil)[0], nearly); diff != "" {
		t.Errorf("without names: %s", diff)
	}
}

// TestFitFindsTheMixture: each part knows half of the answers, and both together all.
func TestFitFindsTheMixture(t *testing.T) {
	q := chain(40)
	m, err := Fit(t.Context(), []Part{
		{Name: "first half", Scorer: peaks("a", 40, true), Scale: Softmax},
		{Name: "second half", Scorer: peaks("b", 40, false), Scale: Share},
		{Name: "useless", Scorer: &after{Name: "c", Vocab: vocabulary(40), Table: slices.Repeat([][]float32{make([]float32, 40)}, 40)}, Scale: Softmax},
	}, q, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, row := range score(t, m, histories(q)...) {
		if best := slices.Index(row, slices.Max(row)); best != (i+1)%40 {
			t.Fatalf("after item %d the mixture %v ranks %d first", i, m.Parts(), best)
		}
	}
}

func histories(q *bellwether.Sequences) (out [][]bellwether.Step) {
	for _, s := range q.Steps {
		out = append(out, s[:1])
	}
	return out
}

// TestFitLeavesOutWhatHurts: a part that is always wrong gets no weight and is not kept.
func TestFitLeavesOutWhatHurts(t *testing.T) {
	good, bad := &after{Name: "good", Vocab: vocabulary(30)}, &after{Name: "bad", Vocab: vocabulary(30)}
	for i := range 30 {
		row, other := make([]float32, 30), make([]float32, 30)
		row[(i+1)%30] = 1
		for j := range other {
			if j != (i+1)%30 {
				other[j] = 1
			}
		}
		good.Table, bad.Table = append(good.Table, row), append(bad.Table, other)
	}
	var valid float64
	m, err := Fit(t.Context(), []Part{{Name: "bad", Scorer: bad, Scale: Share}, {Name: "good", Scorer: good, Scale: Share}}, chain(30), func(p bellwether.Progress) {
		valid = max(valid, p.Valid)
	})
	if err != nil {
		t.Fatal(err)
	}
	if p := m.Parts(); len(p) != 1 || p[0].Name != "good" || valid != 1 {
		t.Errorf("parts %+v with NDCG %v, want the good one alone with 1", p, valid)
	}
}

// TestGain: history aside, ties averaged, as in evaluate.
func TestGain(t *testing.T) {
	nan := float32(math.NaN())
	for _, c := range []struct {
		scores []float32
		target int
		want   float64
	}{
		{[]float32{3, 2, 1}, 0, 1},
		{[]float32{3, 2, 1}, 2, .5},
		{[]float32{nan, 2, 1}, 2, 1 / math.Log2(3)},
		{[]float32{2, 2, 1}, 0, (1 + 1/math.Log2(3)) / 2},
		{slices.Repeat([]float32{1}, 100), 50, discounts(10) / 100},
		{append(slices.Repeat([]float32{2}, 10), 1), 10, 0},
	} {
		room, lost := contest(make([][]float32, 1), [][]float32{c.scores}, c.target)
		got := 0.0
		if !lost {
			got = gain(room, []float64{1})
		}
		if math.Abs(got-c.want) > 1e-12 {
			t.Errorf("%v, target %d: gain %v, want %v", c.scores, c.target, got, c.want)
		}
	}
}

// TestContest: what contest leaves out changes no gain under any weights.
func TestContest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 40).Draw(t, "items")
		scores := make([][]float32, 3)
		for p := range scores {
			for range n {
				scores[p] = append(scores[p], float32(rapid.IntRange(0, 12).Draw(t, "score"))/4)
			}
		}
		target := rapid.IntRange(0, n-1).Draw(t, "target")
		all := make([][]float32, 3) // the target first, then every other item
		for p := range all {
			all[p] = slices.Concat(scores[p][target:target+1], scores[p][:target], scores[p][target+1:])
		}
		room, lost := contest(make([][]float32, 3), scores, target)
		for _, weights := range simplex(3, 4) {
			got := 0.0
			if !lost {
				got = gain(room, weights)
			}
			if want := gain(all, weights); got != want {
				t.Fatalf("gain %v with weights %v, %v over all items", got, weights, want)
			}
		}
	})
}

func discounts(n int) (sum float64) {
	for i := range n {
		sum += 1 / math.Log2(float64(i+2))
	}
	return sum
}

func TestSimplex(t *testing.T) {
	if got := len(simplex(2, 20)); got != 21 {
		t.Errorf("%d points between two parts, want 21", got)
	}
	grid := simplex(3, 10)
	if len(grid) != 66 {
		t.Errorf("%d points between three parts, want 66", len(grid))
	}
	for _, w := range grid {
		if s := w[0] + w[1] + w[2]; math.Abs(s-1) > 1e-12 || slices.Min(w) < 0 {
			t.Errorf("the weights %v sum to %v", w, s)
		}
	}
	if got := simplex(1, 20); len(got) != 1 || got[0][0] != 1 {
		t.Errorf("the weights of one part are %v", got)
	}
}

// TestAround: one step in any direction on the grid, never off the simplex.
func TestAround(t *testing.T) {
	got := around(point{weights: []float64{.4, .6, 0}, silent: true}, 10)
	if len(got) != 5 || got[0].weights[0] != .4 {
		t.Errorf("%d points around, the first %v", len(got), got[0])
	}
	for _, p := range got {
		if s := p.weights[0] + p.weights[1] + p.weights[2]; math.Abs(s-1) > 1e-12 || slices.Min(p.weights) < 0 || !p.silent {
			t.Errorf("%+v", p)
		}
	}
}

// history scores the items of the history 1.
type history struct{ after }

func (h *history) Score(_ context.Context, histories [][]bellwether.Step, out [][]float32) error {
	for b, steps := range histories {
		clear(out[b])
		for _, s := range steps {
			out[b][s.Item] = 1
		}
	}
	return nil
}

// TestFitLearnsWhetherPeopleReturn: a part puts the history above what is right. Where people never return it is told to say nothing of it,
// and where they always do, what knows the history alone has all the weight; where the surface hides the history, nothing is changed.
func TestFitLearnsWhetherPeopleReturn(t *testing.T) {
	const items = 30
	confused := &after{Name: "confused", Vocab: vocabulary(items)}
	for i := range items {
		row := make([]float32, items)
		row[i], row[(i+29)%items], row[(i+1)%items] = 9, 8, 7
		confused.Table = append(confused.Table, row)
	}
	own := &history{after{Name: "own", Vocab: vocabulary(items)}}
	people := func(returning bool) *bellwether.Sequences {
		q := &bellwether.Sequences{Items: vocabulary(items)}
		for i := range int32(items) {
			next := (i + 1) % items
			if returning {
				next = (i + 29) % items
			}
			q.Steps = append(q.Steps, []bellwether.Step{{Item: (i + 29) % items}, {Item: i}, {Item: next}})
			q.Validation = append(q.Validation, bellwether.Target{Person: i, At: 2})
		}
		return q
	}
	first := func(q *bellwether.Sequences) (right int, scale Scale) {
		m, err := Fit(t.Context(), []Part{{Name: "confused", Scorer: confused, Scale: Share}, {Name: "own", Scorer: own, Scale: Own}}, q, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i, steps := range q.Steps {
			row := score(t, m, steps[:2])[0]
			for _, item := range q.Served.Withhold(nil, steps[:2], 0) {
				row[item] = -99
			}
			if slices.Index(row, slices.Max(row)) == int(q.Steps[i][2].Item) {
				right++
			}
		}
		return right, m.Parts()[0].Scale
	}
	if right, scale := first(people(false)); right != items || scale != ShareNew {
		t.Errorf("nobody returns: %d of %d are first, the scale is %s", right, items, scale)
	}
	if _, scale := first(people(true)); scale != Own {
		t.Errorf("everybody returns: the first part's scale is %s, that of the history has the weight", scale)
	}
	hidden := people(false)
	hidden.Served.Exclude = bellwether.ExcludeSeen
	if right, scale := first(hidden); right != items || scale != Share {
		t.Errorf("the surface hides the history: %d of %d are first, the scale is %s", right, items, scale)
	}
}

func TestFitOnAnyNumberOfCores(t *testing.T) {
	fit := func(cores int) []float64 {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(cores))
		m, err := Fit(t.Context(), []Part{{Name: "a", Scorer: peaks("a", 40, true), Scale: Softmax}, {Name: "b", Scorer: peaks("b", 40, false), Scale: Softmax}}, chain(40), nil)
		if err != nil {
			t.Fatal(err)
		}
		var out []float64
		for _, p := range m.Parts() {
			out = append(out, p.Weight)
		}
		return out
	}
	if diff := cmp.Diff(fit(1), fit(3)); diff != "" {
		t.Error(diff)
	}
}

func TestRefuses(t *testing.T) {
	a, other := peaks("a", 4, true), peaks("b", 5, true)
	broken := &after{Name: "broken", Vocab: vocabulary(4), Table: slices.Repeat([][]float32{{1, float32(math.NaN()), 1, 1}}, 4)}
	for _, c := range []struct {
		parts []Part
		want  string
	}{
		{nil, "no parts"},
		{[]Part{{"a", a, "log", 1}}, `the scale "log"`},
		{[]Part{{"a", a, Share, 1}, {"b", other, Share, 1}}, "different items"},
		{[]Part{{"a", a, Share, math.NaN()}}, "weight of a is NaN"},
		{[]Part{{"a", a, Share, -1}}, "weight of a is -1"},
		{[]Part{{"a", a, Share, 0}}, "no part has a weight"},
	} {
		if _, err := New(c.parts...); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want one that says %q", err, c.want)
		}
	}
	m, err := New(Part{"broken", broken, Softmax, 1})
	if err != nil {
		t.Fatal(err)
	}
	out := [][]float32{make([]float32, 4)}
	if err := m.Score(t.Context(), make([][]bellwether.Step, 1), out); err == nil || !strings.Contains(err.Error(), `broken scores item "b" as NaN`) {
		t.Errorf("error %v of a part that scores NaN", err)
	}
	if err := m.Score(t.Context(), make([][]bellwether.Step, 1), [][]float32{make([]float32, 3)}); err == nil {
		t.Error("too little room is no error")
	}
	if _, err := Fit(t.Context(), []Part{{Name: "broken", Scorer: broken, Scale: Softmax}}, chain(4), nil); err == nil || !strings.Contains(err.Error(), "NaN") {
		t.Errorf("error %v of fitting a part that scores NaN", err)
	}
	beyond := chain(4)
	beyond.Validation[2].At = 7
	for name, q := range map[string]*bellwether.Sequences{"no targets": {Items: vocabulary(4)}, "other items": chain(5), "a target beyond": beyond} {
		if _, err := Fit(t.Context(), []Part{{Name: "a", Scorer: a, Scale: Share}}, q, nil); err == nil {
			t.Errorf("fitted on sequences with %s", name)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Fit(ctx, []Part{{Name: "a", Scorer: a, Scale: Share}}, chain(4), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: error %v", err)
	}
}

// fitter trains the mixture of two fixed parts.
type fitter struct{}

func (fitter) Family() string { return Family }
func (fitter) Train(ctx context.Context, d *bellwether.Dataset, report func(bellwether.Progress)) (bellwether.Model, error) {
	return Fit(ctx, []Part{{Name: "a", Scorer: peaks("a", 40, true), Scale: Softmax}, {Name: "b", Scorer: peaks("b", 40, false), Scale: Share}}, d.Sequences, report)
}

func load(r io.Reader) (bellwether.Model, error) { return Load(r, restoreAfter) }

func TestFamily(t *testing.T) {
	modeltest.Run(t, modeltest.Family{
		Trainer: func(uint64, bellwether.Checkpoint) bellwether.Trainer { return fitter{} },
		Data:    func() *bellwether.Dataset { return &bellwether.Dataset{Sequences: chain(40)} },
		Load:    load,
		Outputs: func(t testing.TB, m bellwether.Model) (out []float64) {
			for _, v := range score(t, m.(*Model), []bellwether.Step{{Item: 3}})[0] {
				out = append(out, float64(v))
			}
			return out
		},
		Poison:   func(d *bellwether.Dataset) { d.Sequences.Validation[0].At = 9 },
		Seedless: true,
	})
}

// TestPartsAreRestored: each with its own arrays, although they have the same names.
func TestPartsAreRestored(t *testing.T) {
	one, two := &after{Name: "big", Vocab: vocabulary(9)}, &after{Name: "big", Vocab: vocabulary(9)}
	for i := range 50 {
		row := make([]float32, 9)
		row[i%9] = float32(i) + .5
		one.Table, two.Table = append(one.Table, row), append([][]float32{row}, two.Table...)
	}
	m, err := New(Part{"one", one, Softmax, .1}, Part{"two", two, Share, 1. / 3})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := m.Save(&b); err != nil {
		t.Fatal(err)
	}
	back, err := load(&b)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(m.Parts(), back.(*Model).Parts()); diff != "" {
		t.Error(diff)
	}
}

// TestLoadRefuses what passes the checksum and is no ensemble.
func TestLoadRefuses(t *testing.T) {
	m, err := New(Part{"a", peaks("a", 4, true), Softmax, .25}, Part{"b", peaks("b", 4, true), Share, .75})
	if err != nil {
		t.Fatal(err)
	}
	w, err := m.Weights()
	if err != nil {
		t.Fatal(err)
	}
	good := string(w.Card)
	for name, card := range map[string]string{
		"none":            "",
		"another family":  strings.Replace(good, `"ensemble"`, `"blend"`, 1),
		"no parts":        `{"family":"ensemble"}`,
		"many parts":      `{"family":"ensemble","parts":[` + strings.Repeat("{},", 16) + `{}]}`,
		"an ensemble":     strings.Replace(good, `"family":"a"`, `"family":"ensemble"`, 1),
		"a scale":         strings.Replace(good, `"share"`, `"rank"`, 1),
		"a weight":        strings.Replace(good, "0.25", "-1", 1),
		"weights of zero": strings.NewReplacer("0.25", "0", "0.75", "0").Replace(good),
		"a third part":    strings.Replace(good, `"parts":[`, `"parts":[{"name":"c","family":"c","scale":"share","weight":1,"card":["a"]},`, 1),
	} {
		if card == good {
			t.Fatalf("%s: the card was not changed", name)
		}
		var b bytes.Buffer
		if card == "" {
			card = "null"
		}
		if err := nn.WriteWeights(&b, json.RawMessage(card), w.Arrays); err != nil {
			t.Fatal(err)
		}
		if _, err := load(&b); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
	if _, err := load(strings.NewReader("BWEN\x01\x02")); !errors.Is(err, nn.ErrFormat) {
		t.Errorf("a file of the format before: %v", err)
	}
	if _, err := New(Part{"a", bare{peaks("a", 4, true)}, Softmax, 1}); err != nil {
		t.Fatal(err)
	} else if m, _ := New(Part{"a", bare{peaks("a", 4, true)}, Softmax, 1}); m.Save(io.Discard) == nil {
		t.Error("a part without weights was saved")
	}
}

// bare is a scorer that does not say what its file holds.
type bare struct{ bellwether.Scorer }

// FuzzRestore tries what lies behind the checksum: a card of any content.
func FuzzRestore(f *testing.F) {
	m, err := New(Part{"a", peaks("a", 4, true), Softmax, .25}, Part{"b", peaks("b", 4, true), Share, .75})
	if err != nil {
		f.Fatal(err)
	}
	w, err := m.Weights()
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(w.Card), "parts.0.table")
	f.Fuzz(func(t *testing.T, card []byte, name string) {
		arrays := slices.Clone(w.Arrays)
		arrays[0].Name = name
		// A part that takes any weights, so that the frame is what is tried.
		_, _ = restore(&nn.Weights{Card: card, Arrays: arrays}, func(family string, _ *nn.Weights) (bellwether.Model, error) {
			return peaks(family, 4, true), nil
		})
	})
}
