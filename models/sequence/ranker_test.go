package sequence

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"bellwether"
	"bellwether/tensor"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// trainedKind is a model that has seen walks, of another kind for each name.
func trainedKind(t testing.TB, kind string) (*Model, *bellwether.Sequences) {
	t.Helper()
	s := small()
	switch kind {
	case "plain":
		s.Gated, s.Blocks, s.Fields = false, 2, []string{"type"}
	case "fields":
		s.Blocks, s.RMSNorm, s.SwiGLU = 3, true, true
		s.Fields, s.Content = fieldNames, true
	case "experts":
		s.Experts, s.Top = 4, 2
	case "hashed":
		s.Loss, s.Negatives = "sampled", 8
		s.Hash = &Hash{Rows: 200, Width: 8, Own: 10, Rare: 2, People: true}
	}
	d := known(walks(60, 20))
	m, err := Trainer{Settings: s, Epochs: 2, Seed: 3}.Train(context.Background(), d, nil)
	if err != nil {
		t.Fatal(err)
	}
	return m.(*Model), d.Sequences
}

func ranker(t testing.TB, m *Model, o RankerOptions) *Ranker {
	t.Helper()
	r, err := NewRanker(m, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// long is a history beyond the window of small.
func long(n int) []bellwether.Step {
	rng, out := rand.New(rand.NewPCG(4, 4)), make([]bellwether.Step, n)
	for i := range out {
		out[i] = bellwether.Step{Item: rng.Int32N(21) - 1, Type: uint8(i % 2), Channel: uint8(i % 3), Campaign: uint16(i / 2 % 2), Quantity: int32(i % 3), Price: int64(i * 30), Time: int64(i*i) * 60}
	}
	return out
}

// byName is a Model or a Ranker.
type byName interface {
	ScoreAs(ctx context.Context, people []bellwether.Subject, histories [][]bellwether.Step, out [][]float32) error
}

func scoresOf(t testing.TB, s byName, people []bellwether.Subject, histories [][]bellwether.Step) [][]float32 {
	t.Helper()
	out := make([][]float32, len(histories))
	for i := range out {
		out[i] = make([]float32, 20)
	}
	if err := s.ScoreAs(context.Background(), people, histories, out); err != nil {
		t.Fatal(err)
	}
	return out
}

func same(t *testing.T, what string, got, want []float32) {
	t.Helper()
	for i := range want {
		if !(math.Abs(float64(got[i]-want[i])) <= 1e-5) {
			t.Fatalf("%s: item %d scores %g, the whole model %g", what, i, got[i], want[i])
		}
	}
}

var kinds = []string{"plain", "ligr", "fields", "experts", "hashed"}

// What is remembered never shows: events that come, change, go away or push
// others out of the window are answered as the whole model answers.
func TestSessionEqualsModel(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			m, _ := trainedKind(t, kind)
			session, whole, got := ranker(t, m, RankerOptions{}).Session("p1"), long(16), make([]float32, 20)
			changed := slices.Clone(whole)
			changed[3].Item, changed[6].Price = (changed[3].Item+2)%20, 7
			for _, h := range [][]bellwether.Step{
				whole[:1], whole[:2], whole[:2], whole[:5], whole[:9], whole[:4], changed[:5], changed[:8], whole[:10],
				whole[:11], whole[:12], whole[:16], whole[:15], whole[1:9], whole[2:5], changed[:10],
			} {
				if err := session.Score(h, got); err != nil {
					t.Fatal(err)
				}
				same(t, fmt.Sprint(len(h), " events"), got, scoresOf(t, m, []bellwether.Subject{"p1"}, [][]bellwether.Step{h})[0])
				if session.Tokens() != min(len(h), 10) {
					t.Errorf("%d events: %d are kept", len(h), session.Tokens())
				}
			}
		})
	}
}

func TestRankerEqualsModel(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			m, q := trainedKind(t, kind)
			histories, people := slices.Clone(q.Steps), slices.Clone(q.People)
			for n := range 16 {
				histories, people = append(histories, long(n)), append(people, "")
			}
			want := scoresOf(t, m, people, histories)
			for name, o := range map[string]RankerOptions{"together": {}, "remembered": {Cache: NewCache(1 << 20)}, "forgotten": {Cache: NewCache(30_000)}} {
				r := ranker(t, m, o)
				for round := range 2 {
					for i, got := range scoresOf(t, r, people, histories) {
						same(t, fmt.Sprint(name, " ", round, " person ", i), got, want[i])
					}
				}
				for i := range histories {
					same(t, name+" alone", scoresOf(t, r, people[i:i+1], histories[i:i+1])[0], want[i])
				}
			}
		})
	}
}

// With Slide the window begins where the model would be given the rest of the history.
func TestSlide(t *testing.T) {
	m, _ := trainedKind(t, "plain") // has no field of what came before
	r := ranker(t, m, RankerOptions{Slide: 4})
	session, got, whole := r.Session(""), make([]float32, 20), long(30)
	for n := 1; n <= len(whole); n++ {
		kept := session.Tokens()
		if err := session.Score(whole[:n], got); err != nil {
			t.Fatal(err)
		}
		first := 0
		for n-first > 10 {
			first += 4
		}
		if n-first != 7 && session.Tokens() != kept+1 {
			t.Errorf("%d events: %d tokens after %d", n, session.Tokens(), kept)
		}
		same(t, fmt.Sprint(n, " events"), got, scoresOf(t, m, nil, [][]bellwether.Step{whole[first:n]})[0])
	}
}

func TestRankFilters(t *testing.T) {
	m, _ := trainedKind(t, "plain")
	r, history := ranker(t, m, RankerOptions{Cache: NewCache(1 << 20)}), long(8)
	history[1].Item, history[2].Item = 0, 19
	order := r.order(t, history)
	stock, consent := NewBitset(20), NewBitset(20)
	stock.Add(order[0])
	consent.Add(order[2])
	consent.Add(order[19])
	both := slices.Clone(stock)
	both.Or(consent)
	if !both.Has(order[2]) || both.Has(order[1]) || both.Has(64) {
		t.Error("the joined sets are wrong")
	}
	seen := func(i int32) bool {
		return slices.ContainsFunc(history, func(s bellwether.Step) bool { return s.Item == i })
	}
	odd := func(i int32) bool { return i%2 != 0 }
	for name, c := range map[string]struct {
		filter Filter
		skip   func(int32) bool
	}{
		"none":     {Filter{}, func(int32) bool { return false }},
		"set":      {Filter{Skip: both}, both.Has},
		"function": {Filter{SkipFunc: odd}, odd},
		"seen":     {Filter{Seen: true}, seen},
		"all":      {Filter{Skip: both, SkipFunc: odd, Seen: true}, func(i int32) bool { return both.Has(i) || odd(i) || seen(i) }},
	} {
		var want []bellwether.ItemID
		for _, i := range order {
			if !c.skip(i) {
				want = append(want, m.Items()[i])
			}
		}
		for _, k := range []int{0, 1, 3, 20, 99} {
			best, err := r.Rank(nil, &Question{Person: "p", History: history, K: k, Filter: c.filter})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(append([]bellwether.ItemID{}, want[:min(k, len(want))]...), ids(best)); diff != "" {
				t.Errorf("%s, %d items (-want +got):\n%s", name, k, diff)
			}
		}
	}
}

func ids(items []bellwether.ScoredItem) []bellwether.ItemID {
	out := []bellwether.ItemID{}
	for _, s := range items {
		out = append(out, s.Item)
	}
	return out
}

// order is the items by the whole model's scores.
func (r *Ranker) order(t *testing.T, history []bellwether.Step) []int32 {
	return tensor.TopK(scoresOf(t, r.Model, nil, [][]bellwether.Step{history})[0], 20, make([]int32, 20))
}

func TestRankAll(t *testing.T) {
	m, q := trainedKind(t, "fields")
	r, questions := ranker(t, m, RankerOptions{}), []Question(nil)
	for i := range 500 {
		questions = append(questions, Question{History: q.Steps[i%60], K: 3, Filter: Filter{Seen: i%2 == 0}})
	}
	questions[77].History = nil
	questions[301].History = []bellwether.Step{{Item: 20}}
	got, failed := make([][]bellwether.ScoredItem, 500), make([]error, 500)
	err := r.RankAll(context.Background(), questions, func(i int, best []bellwether.ScoredItem, err error) {
		got[i], failed[i] = slices.Clone(best), err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.idle) > 0 {
		t.Error("the memory of a batch stays for single requests")
	}
	if !errors.Is(failed[77], ErrNoHistory) || failed[301] == nil || !strings.Contains(failed[301].Error(), "item 20") {
		t.Errorf("errors %v and %v", failed[77], failed[301])
	}
	for i := range questions {
		if i == 77 || i == 301 {
			continue
		}
		want, err := r.Rank(nil, &questions[i])
		if err != nil || failed[i] != nil {
			t.Fatal(err, failed[i])
		}
		if diff := cmp.Diff(ids(want), ids(got[i])); diff != "" {
			t.Fatalf("question %d (-alone +together):\n%s", i, diff)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := r.RankAll(ctx, questions, func(int, []bellwether.ScoredItem, error) {}); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled run returned %v", err)
	}
}

func TestRankerRefuses(t *testing.T) {
	m, _ := trainedKind(t, "plain")
	if _, err := NewRanker(m, RankerOptions{Slide: 11}); err == nil {
		t.Error("a window that slides beyond its length was accepted")
	}
	r := ranker(t, m, RankerOptions{Cache: NewCache(1 << 20)})
	if _, err := r.Rank(nil, &Question{Person: "p", K: 3}); !errors.Is(err, ErrNoHistory) {
		t.Errorf("no history: %v", err)
	}
	good := &Question{Person: "p", History: []bellwether.Step{{Item: 1}, {Item: 2}}, K: 3}
	want, err := r.Rank(nil, good)
	if err != nil {
		t.Fatal(err)
	}
	for _, item := range []int32{20, -2} {
		_, err := r.Rank(nil, &Question{Person: "p", History: []bellwether.Step{{Item: 1}, {Item: item}}, K: 3})
		if err == nil || !strings.Contains(err.Error(), fmt.Sprint("item ", item)) {
			t.Errorf("unknown item: %v", err)
		}
	}
	if got, err := r.Rank(nil, good); err != nil || !cmp.Equal(got, want) {
		t.Errorf("after an error the answer is %v, %v, want %v", got, err, want)
	}
	if err := r.Session("").Score(good.History, make([]float32, 19)); err == nil {
		t.Error("a short row was accepted")
	}
	row := m.table.Row(5)
	row[2] = float32(math.NaN())
	if _, err := NewRanker(m, RankerOptions{}); err == nil || !strings.Contains(err.Error(), "items.weight") {
		t.Errorf("NaN among the weights: %v", err)
	}
	bad := &Question{Person: "q", History: []bellwether.Step{{Item: 5}}, K: 3}
	for range 2 {
		if _, err := r.Rank(nil, bad); !errors.Is(err, errNotFinite) {
			t.Errorf("a weight that became NaN: %v", err)
		}
	}
	worse := &Question{Person: "p", History: append(slices.Clone(good.History), bellwether.Step{Item: 5}), K: 3}
	if _, err := r.Rank(nil, worse); !errors.Is(err, errNotFinite) {
		t.Errorf("a weight that became NaN: %v", err)
	}
	if got, err := r.Rank(nil, good); err != nil || len(got) != 3 || math.IsNaN(got[0].Score) {
		t.Errorf("after that the answer is %v, %v", got, err)
	}
	r.RankAll(context.Background(), []Question{*bad}, func(_ int, _ []bellwether.ScoredItem, err error) {
		if !errors.Is(err, errNotFinite) {
			t.Errorf("a weight that became NaN: %v", err)
		}
	})
}

func TestCache(t *testing.T) {
	m, _ := trainedKind(t, "plain")
	c := NewCache(40_000)
	r, other := ranker(t, m, RankerOptions{Cache: c}), ranker(t, m, RankerOptions{Cache: c})
	ask := func(r *Ranker, person string) {
		t.Helper()
		if _, err := r.Rank(nil, &Question{Person: bellwether.Subject(person), History: long(9), K: 1}); err != nil {
			t.Fatal(err)
		}
		if s := c.Stats(); s.Bytes > 40_000 || s.Bytes < int64(s.People)*1000 {
			t.Fatalf("%d people take %d bytes", s.People, s.Bytes)
		}
	}
	ask(r, "a")
	ask(r, "a")
	ask(other, "a") // another model must not take what the first one kept
	if s := c.Stats(); s.Hits != 1 || s.Misses != 2 || s.People != 2 {
		t.Errorf("%+v, want 1 hit, 2 misses, 2 people", s)
	}
	c.Forget("a")
	if s := c.Stats(); s.People != 0 || s.Bytes != 0 {
		t.Errorf("%+v after all were forgotten", s)
	}
	for i := range 20 {
		ask(r, fmt.Sprint(i))
		ask(r, "0")
	}
	if s := c.Stats(); s.Hits != 1+20 || s.People < 3 || s.People > 10 {
		t.Errorf("%+v: the one who was asked about all the time was not kept, or too few or many were", s)
	}
	s := c.take(r, "0")
	c.Forget("0")
	c.put(s)
	if _, kept := c.people[cacheKey{r.version, "0"}]; kept {
		t.Error("somebody who was to be forgotten came back")
	}
}

// Two who ask about the same person at once leave one memory of them, and those
// who were asked about at once do not stay beyond the limit.
func TestCacheOfThoseInUse(t *testing.T) {
	m, _ := trainedKind(t, "plain")
	c := NewCache(40_000)
	r := ranker(t, m, RankerOptions{Cache: c})
	var taken []*Session
	for i := range 10 {
		s := c.take(r, bellwether.Subject(fmt.Sprint(i/2)))
		if err := s.Score(long(9), make([]float32, 20)); err != nil {
			t.Fatal(err)
		}
		taken = append(taken, s)
	}
	c.put(taken[0])
	c.put(taken[1])
	if s := c.Stats(); s.People != 1 {
		t.Errorf("%d people, want one", s.People)
	}
	for _, s := range taken[2:] {
		c.put(s)
		if s := c.Stats(); s.Bytes > 40_000 || s.People == 0 {
			t.Errorf("%d people take %d bytes", s.People, s.Bytes)
		}
	}
}

// Many ask at once while models are swapped: every answer is that of the model asked.
func TestSwapUnderLoad(t *testing.T) {
	c := NewCache(100_000)
	var rankers []*Ranker
	var want [][][]float32
	histories := make([][]bellwether.Step, 12)
	for i := range histories {
		histories[i] = long(i + 1)
	}
	for _, kind := range []string{"plain", "ligr"} {
		m, _ := trainedKind(t, kind)
		rankers, want = append(rankers, ranker(t, m, RankerOptions{Cache: c})), append(want, scoresOf(t, m, nil, histories))
	}
	var askers sync.WaitGroup
	for a := range 4 {
		askers.Go(func() {
			rng, got := rand.New(rand.NewPCG(uint64(a), 0)), [][]float32{make([]float32, 20)}
			for range 300 {
				model, n, person := rng.IntN(2), rng.IntN(12), bellwether.Subject(fmt.Sprint(rng.IntN(5)))
				if rng.IntN(20) == 0 {
					c.Forget(person)
				}
				if err := rankers[model].ScoreAs(context.Background(), []bellwether.Subject{person}, histories[n:n+1], got); err != nil {
					t.Error(err)
					return
				}
				for i, w := range want[model][n] {
					if math.Abs(float64(got[0][i]-w)) > 1e-5 {
						t.Errorf("model %d, %d events: item %d scores %g, want %g", model, n+1, i, got[0][i], w)
						return
					}
				}
			}
		})
	}
	askers.Wait()
}

func TestRankAllocatesNothing(t *testing.T) {
	m, _ := trainedKind(t, "fields")
	whole, skip := long(10), NewBitset(20)
	skip.Add(3)
	for name, o := range map[string]RankerOptions{"float32": {Cache: NewCache(1 << 20)}, "int8": {Cache: NewCache(1 << 20), Int8: true}, "full cache": {Cache: NewCache(40_000)}} {
		r, dst, row := ranker(t, m, o), make([]bellwether.ScoredItem, 0, 5), [][]float32{make([]float32, 20)}
		ask := func(person bellwether.Subject, n int) {
			if _, err := r.Rank(dst, &Question{Person: person, History: whole[:n], K: 5, Filter: Filter{Skip: skip, SkipFunc: func(i int32) bool { return i == 4 }, Seen: true}}); err != nil {
				t.Fatal(err)
			}
		}
		people, histories := []bellwether.Subject{"d"}, [][]bellwether.Step{whole}
		all := func() {
			ask("a", 9)
			ask("a", 10)
			ask("", 10)
			ask("b", 10)
			ask("c", 10)
			if err := r.ScoreAs(context.Background(), people, histories, row); err != nil {
				t.Fatal(err)
			}
		}
		for range 3 {
			all()
		}
		if n := testing.AllocsPerRun(20, all); n != 0 {
			t.Errorf("%s: %v allocations in six requests", name, n)
		}
	}
}

// TestSessionProperty is TestSessionEqualsModel over histories that grow, shrink
// and change as they like.
func TestSessionProperty(t *testing.T) {
	m, _ := trainedKind(t, "fields")
	plain := ranker(t, m, RankerOptions{})
	rapid.Check(t, func(c *rapid.T) {
		session, got, history := plain.Session(""), make([]float32, 20), long(1)
		for range rapid.IntRange(1, 12).Draw(c, "requests") {
			history = slices.Clone(history)
			switch n := len(history); rapid.SampledFrom([]string{"grow", "grow", "shrink", "change"}).Draw(c, "then") {
			case "grow":
				history = append(history, long(n + rapid.IntRange(1, 4).Draw(c, "events"))[n:]...)
			case "shrink":
				history = history[rapid.IntRange(0, n-1).Draw(c, "front"):]
				history = history[:rapid.IntRange(1, len(history)).Draw(c, "left")]
			case "change":
				history[rapid.IntRange(0, n-1).Draw(c, "at")].Time += 5000
			}
			if err := session.Score(history, got); err != nil {
				c.Fatal(err)
			}
			for i, want := range scoresOf(t, m, nil, [][]bellwether.Step{history})[0] {
				if math.Abs(float64(got[i]-want)) > 1e-5 {
					c.Fatalf("%d events: item %d scores %g, the whole model %g", len(history), i, got[i], want)
				}
			}
		}
	})
}
