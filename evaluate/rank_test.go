package evaluate

import (
	"context"
	"errors"
	"io"
	"math"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"bellwether"

	"github.com/google/go-cmp/cmp"
)

// scorer scores by a function of the history.
type scorer struct {
	items []bellwether.ItemID
	score func(history []bellwether.Step, out []float32)
}

func (s scorer) Family() string             { return "stub" }
func (s scorer) Save(io.Writer) error       { return errors.New("not saved") }
func (s scorer) Items() []bellwether.ItemID { return s.items }
func (s scorer) Score(ctx context.Context, histories [][]bellwether.Step, out [][]float32) error {
	for i, h := range histories {
		s.score(h, out[i])
	}
	return ctx.Err()
}

func vocabulary(n int) (out []bellwether.ItemID) {
	for i := range n {
		out = append(out, bellwether.ItemID(strconv.Itoa(i)))
	}
	return out
}

// world has people whose last step is the target.
func world(items int, people ...[]int32) (*bellwether.Sequences, []bellwether.Target) {
	q := &bellwether.Sequences{Items: vocabulary(items)}
	var targets []bellwether.Target
	for p, steps := range people {
		var s []bellwether.Step
		for _, i := range steps {
			s = append(s, bellwether.Step{Item: i})
		}
		q.Steps = append(q.Steps, s)
		targets = append(targets, bellwether.Target{Person: int32(p), At: int32(len(s) - 1)})
	}
	return q, targets
}

func fixed(scores ...float32) func([]bellwether.Step, []float32) {
	return func(_ []bellwether.Step, out []float32) { copy(out, scores) }
}

func values(t *testing.T, s bellwether.Scorer, q *bellwether.Sequences, targets []bellwether.Target, o RankOptions) map[string]float64 {
	t.Helper()
	estimates, err := Rank(t.Context(), s, q, targets, o)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]float64{}
	for name, e := range estimates {
		out[name] = e.Value
	}
	return out
}

var nearly = cmp.Comparer(func(a, b float64) bool { return math.Abs(a-b) < 1e-9 || math.IsNaN(a) && math.IsNaN(b) })

func TestRankByHand(t *testing.T) {
	for _, c := range []struct {
		name   string
		steps  []int32
		o      RankOptions
		scores []float32
		want   map[string]float64
	}{
		{
			"third of five",
			[]int32{0, 2},
			RankOptions{K: 3, Protocol: First()},
			[]float32{0, 9, 5, 7, 1},
			map[string]float64{"hr@3": 1, "ndcg@3": 1 / math.Log2(4), "mrr": 1. / 3, "coverage@3": 3. / 5},
		},
		{
			"outside the list",
			[]int32{0, 2},
			RankOptions{K: 2, Protocol: First()},
			[]float32{0, 9, 5, 7, 1},
			map[string]float64{"hr@2": 0, "ndcg@2": 0, "mrr": 1. / 3, "coverage@2": 2. / 5},
		},
		{
			"history is no candidate",
			[]int32{1, 3, 2},
			RankOptions{K: 1, Protocol: First()},
			[]float32{0, 9, 5, 7, 1},
			map[string]float64{"hr@1": 1, "ndcg@1": 1, "mrr": 1, "coverage@1": 1. / 5},
		},
		{
			"history kept",
			[]int32{1, 3, 2},
			RankOptions{K: 1},
			[]float32{0, 9, 5, 7, 1},
			map[string]float64{"hr@1": 0, "ndcg@1": 0, "mrr": 1. / 3, "coverage@1": 1. / 5},
		},
		{
			"a repeat among all items",
			[]int32{2, 1, 2},
			RankOptions{K: 2},
			[]float32{0, 9, 5, 7, 1},
			map[string]float64{"hr@2": 0, "ndcg@2": 0, "mrr": 1. / 3, "coverage@2": 2. / 5},
		},
		{
			"what is withheld twice counts once",
			[]int32{1, 1, 3, 1, 2},
			RankOptions{K: 2, Protocol: First()},
			[]float32{6, 9, 5, 7, 1},
			map[string]float64{"hr@2": 1, "ndcg@2": 1 / math.Log2(3), "mrr": .5, "coverage@2": 2. / 5},
		},
		{
			"tied for the last place",
			[]int32{0, 2},
			RankOptions{K: 2},
			[]float32{0, 9, 5, 5, 1},
			map[string]float64{"hr@2": .5, "ndcg@2": .5 / math.Log2(3), "mrr": (1./2 + 1./3) / 2, "coverage@2": 2. / 5},
		},
		{
			"minus infinity is a score",
			[]int32{0, 2},
			RankOptions{K: 4, Protocol: First()},
			[]float32{0, 9, float32(math.Inf(-1)), 7, 1},
			map[string]float64{"hr@4": 1, "ndcg@4": 1 / math.Log2(5), "mrr": 1. / 4, "coverage@4": 4. / 5},
		},
		{
			"an unknown step in the history",
			[]int32{-1, 2},
			RankOptions{K: 1},
			[]float32{0, 1, 5, 2, 1},
			map[string]float64{"hr@1": 1, "ndcg@1": 1, "mrr": 1, "coverage@1": 1. / 5},
		},
		{
			"no history at all",
			[]int32{2},
			RankOptions{K: 1},
			[]float32{0, 1, 5, 2, 1},
			map[string]float64{"hr@1": 1, "ndcg@1": 1, "mrr": 1, "coverage@1": 1. / 5},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			q, targets := world(5, c.steps)
			got := values(t, scorer{q.Items, fixed(c.scores...)}, q, targets, c.o)
			if diff := cmp.Diff(c.want, got, nearly); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestConstantScorer holds the protocol of docs/science.md §2: HR@10 = 10/N exactly.
func TestConstantScorer(t *testing.T) {
	var people [][]int32
	for p := range int32(37) {
		people = append(people, []int32{p, p + 1, p + 2})
	}
	q, targets := world(250, people...)
	s := scorer{q.Items, func(_ []bellwether.Step, out []float32) { clear(out) }}
	if got := values(t, s, q, targets, RankOptions{})["hr@10"]; math.Abs(got-10./250) > 1e-12 {
		t.Errorf("HR@10 is %v among 250 items, want exactly %v", got, 10./250)
	}
	if got := values(t, s, q, targets, RankOptions{Protocol: First()})["hr@10"]; math.Abs(got-10./248) > 1e-12 {
		t.Errorf("HR@10 is %v among the 248 items outside the history, want exactly %v", got, 10./248)
	}
}

func TestVocabularyOfOne(t *testing.T) {
	q, targets := world(1, []int32{0, 0, 0})
	got := values(t, scorer{q.Items, fixed(0)}, q, targets, RankOptions{})
	if diff := cmp.Diff(map[string]float64{"hr@10": 1, "ndcg@10": 1, "mrr": 1, "coverage@10": 1}, got, nearly); diff != "" {
		t.Error(diff)
	}
}

// TestOtherVocabulary judges a model that was trained when other items were sold.
func TestOtherVocabulary(t *testing.T) {
	q, targets := world(4, []int32{3, 1}, []int32{1, 3})
	s := scorer{[]bellwether.ItemID{"gone", "2", "1"}, func(h []bellwether.Step, out []float32) {
		copy(out, []float32{9, 1, 2})
		for _, step := range h {
			if step.Item != -1 && step.Item != 2 {
				t.Errorf("the model was given item %d of its vocabulary; 3 is unknown to it and 1 is its number 2", step.Item)
			}
		}
	}}
	got := values(t, s, q, targets, RankOptions{K: 1, Protocol: First()})
	// Person 0's target "1" is first. Person 1's target "3" is unknown: behind "2", tied with "0".
	want := map[string]float64{"hr@1": .5, "ndcg@1": .5, "mrr": (1 + (1./2+1./3)/2) / 2, "coverage@1": 2. / 4}
	if diff := cmp.Diff(want, got, nearly); diff != "" {
		t.Error(diff)
	}
}

func TestRankErrors(t *testing.T) {
	q, targets := world(3, []int32{0, 1}, []int32{0, -1}, []int32{3, 1})
	bad := scorer{q.Items, fixed(0, float32(math.NaN()), 1)}
	good := scorer{q.Items, fixed(0, 1, 2)}
	for _, c := range []struct {
		name    string
		s       scorer
		targets []bellwether.Target
		want    string
	}{
		{"NaN", bad, targets[:1], `item "1" for target 0 (person 0, step 1) is not a number`},
		{"no targets", good, nil, "no targets"},
		{"an item that is unknown", good, targets[1:2], "no known item"},
		{"a history beyond the vocabulary", good, targets[2:], "step 0 of person 2 has item 3"},
		{"a step that is not there", good, []bellwether.Target{{Person: 0, At: 2}}, "has none there"},
		{"a person who is not there", good, []bellwether.Target{{Person: 7}}, "has none there"},
	} {
		if _, err := Rank(t.Context(), c.s, q, c.targets, RankOptions{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one that says %q", c.name, err, c.want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Rank(ctx, good, q, targets[:1], RankOptions{}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v after cancelling", err)
	}
}

// noisy ranks the target first with probability p, by a hash of the history's first item.
func noisy(items []bellwether.ItemID, p float64) scorer {
	return scorer{items, func(h []bellwether.Step, out []float32) {
		clear(out)
		if float64(mix(uint64(h[0].Quantity)*golden))/math.MaxUint64 < p {
			out[len(out)-1] = 1
		} else {
			for i := range out[:len(out)-1] {
				out[i] = 1
			}
		}
	}}
}

func crowd(n int) (*bellwether.Sequences, []bellwether.Target) {
	people := make([][]int32, n)
	for p := range people {
		people[p] = []int32{0, 19}
	}
	q, targets := world(20, people...)
	for p := range people {
		q.Steps[p][0].Quantity = int32(p)
	}
	return q, targets
}

func TestIntervalOfHitRate(t *testing.T) {
	q, targets := crowd(4000)
	e, err := Rank(t.Context(), noisy(q.Items, .3), q, targets, RankOptions{K: 1, Seed: 7})
	if err != nil {
		t.Fatal(err)
	}
	got := e["hr@1"]
	half := 1.96 * math.Sqrt(got.Value*(1-got.Value)/4000)
	if math.Abs(got.Interval[0]-(got.Value-half)) > half/5 || math.Abs(got.Interval[1]-(got.Value+half)) > half/5 {
		t.Errorf("interval %v around %v, the normal one is ± %v", got.Interval, got.Value, half)
	}
	if got.N != 4000 || got.NEffective != 4000 || got.Level != .95 {
		t.Errorf("n %d, n_effective %v, level %v", got.N, got.NEffective, got.Level)
	}
}

// TestPeopleAreResampled: ten targets of each person say no more than one when they agree.
func TestPeopleAreResampled(t *testing.T) {
	q, targets := crowd(400)
	var tenfold []bellwether.Target
	for range 10 {
		tenfold = append(tenfold, targets...)
	}
	s := noisy(q.Items, .3)
	once, err := Rank(t.Context(), s, q, targets, RankOptions{K: 1})
	if err != nil {
		t.Fatal(err)
	}
	often, err := Rank(t.Context(), s, q, tenfold, RankOptions{K: 1})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(once["hr@1"].Interval, often["hr@1"].Interval, nearly); diff != "" {
		t.Error(diff)
	}
	if e := often["hr@1"]; e.N != 4000 || e.NEffective != 400 {
		t.Errorf("n %d and n_effective %v, want 4000 and 400", e.N, e.NEffective)
	}
}

func TestSameDigitsOnAnyNumberOfCores(t *testing.T) {
	q, targets := crowd(700)
	rank := func(cores int) map[string]bellwether.Estimate {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(cores))
		e, err := Rank(t.Context(), noisy(q.Items, .4), q, targets, RankOptions{K: 3, Seed: 3})
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	if diff := cmp.Diff(rank(1), rank(5)); diff != "" {
		t.Error(diff)
	}
}

func TestCompare(t *testing.T) {
	q, targets := crowd(2000)
	ranks := func(p float64, targets []bellwether.Target) *Ranking {
		r, err := Ranks(t.Context(), noisy(q.Items, p), q, targets, RankOptions{K: 1})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	champion := ranks(.30, targets)
	same, err := Compare(champion, champion)
	if err != nil {
		t.Fatal(err)
	}
	if e := same["hr@1"]; e.Value != 0 || e.Interval[0] != 0 || e.Interval[1] != 0 {
		t.Errorf("a model differs from itself: %+v", e)
	}
	better, err := Compare(ranks(.33, targets), champion)
	if err != nil {
		t.Fatal(err)
	}
	// Whom .30 serves, .33 serves too: the paired interval excludes 0, the unpaired ones overlap.
	if e := better["hr@1"]; !(e.Interval[0] > 0) || e.Value < .02 || e.Value > .04 {
		t.Errorf("difference %+v, want about .03 and above 0", e)
	}
	if champion.Estimates()["hr@1"].Interval[1] < ranks(.33, targets).Estimates()["hr@1"].Interval[0] {
		t.Error("the unpaired intervals do not overlap: the test shows nothing")
	}
	if _, err := Compare(champion, ranks(.3, targets[1:])); err == nil {
		t.Error("models that ranked different targets were compared")
	}
}

func BenchmarkRank(b *testing.B) {
	const items = 12_000
	q, targets := world(items, make([][]int32, 256)...)
	_ = targets
	row := make([]float32, items)
	for i := range row {
		row[i] = float32(mix(uint64(i))>>40) / (1 << 24)
	}
	targets = nil
	for p := range q.Steps {
		q.Steps[p] = []bellwether.Step{{Item: int32(p)}, {Item: int32(7 * p)}, {Item: int32(40 * p)}}
		targets = append(targets, bellwether.Target{Person: int32(p), At: 2})
	}
	s := scorer{q.Items, func(_ []bellwether.Step, out []float32) { copy(out, row) }}
	for b.Loop() {
		if _, err := Rank(b.Context(), s, q, targets, RankOptions{Bootstrap: -1}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(targets)*items), "ns/score")
}
