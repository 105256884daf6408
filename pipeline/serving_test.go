package pipeline

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"bellwether"
	"bellwether/models/ensemble"
	"bellwether/models/neighbours"
	"bellwether/models/sequence"
	"bellwether/serve"
	"bellwether/train"
)

// counter holds models of people who go through items as they like.
type counter struct {
	data        *bellwether.Dataset
	transformer *sequence.Model
	ensemble    *ensemble.Model
}

// newCounter fits a Transformer, and an ensemble of it with plain neighbours. The Transformer sees a few of the people.
func newCounter(tb testing.TB, people, items, length int, s sequence.Settings) counter {
	tb.Helper()
	rng, q := rand.New(rand.NewPCG(1, 2)), &bellwether.Sequences{Types: []bellwether.EventType{bellwether.ViewItem, bellwether.Purchase}}
	for i := range items {
		q.Items = append(q.Items, item(i))
	}
	for p := range people {
		steps := make([]bellwether.Step, length)
		for i := range steps {
			steps[i] = bellwether.Step{Item: rng.Int32N(int32(items)), Type: uint8(i % 2), Time: int64(i) * 3600}
		}
		q.People, q.Steps, q.TrainEnd = append(q.People, name(p)), append(q.Steps, steps), append(q.TrainEnd, length)
	}
	few := *q
	few.People, few.Steps, few.TrainEnd = q.People[:4], q.Steps[:4], q.TrainEnd[:4]
	c := counter{data: &bellwether.Dataset{Sequences: q}}
	c.transformer = fitOf[*sequence.Model](tb, sequence.Trainer{Settings: &s, Epochs: 2, Seed: 1}, &bellwether.Dataset{Sequences: &few})
	var err error
	c.ensemble, err = ensemble.New(
		ensemble.Part{Name: "transformer", Scorer: c.transformer, Scale: ensemble.Softmax, Weight: .5},
		ensemble.Part{Name: "item-knn", Scorer: fitOf[*neighbours.Model](tb, neighbours.ItemKNN{}, c.data), Scale: ensemble.Share, Weight: .3},
		ensemble.Part{Name: "rules", Scorer: fitOf[*neighbours.Model](tb, neighbours.Rules{}, c.data), Scale: ensemble.Share, Weight: .2},
	)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

func fitOf[M bellwether.Model](tb testing.TB, t bellwether.Trainer, d *bellwether.Dataset) M {
	tb.Helper()
	m, err := t.Train(tb.Context(), d, nil)
	if err != nil {
		tb.Fatal(err)
	}
	return m.(M)
}

// smallCounter has a Transformer of two blocks with fields, and a window of 12 events.
func smallCounter(tb testing.TB) counter {
	return newCounter(tb, 20, 30, 15, sequence.Settings{
		Dim: 16, Blocks: 2, Heads: 2, Hidden: 16, Length: 12, Fields: []string{"type", "gap", "price"}, Loss: "full", Rate: 1e-2, Batch: 8,
	})
}

func (c *counter) models() map[string]bellwether.Model {
	return map[string]bellwether.Model{"transformer": c.transformer, "ensemble": c.ensemble}
}

// words are the types of counter's events.
var words = serve.Vocabulary{Types: []bellwether.EventType{bellwether.ViewItem, bellwether.Purchase}}

// remembers is an engine that has a cache and nothing else.
func remembers() *Engine { return &Engine{cache: sequence.NewCache(1 << 20)} }

// answersBy is m as the engine puts it in service.
func (e *Engine) answersBy(tb testing.TB, version string, m bellwether.Model) *serve.Serving {
	tb.Helper()
	v, err := e.serving(&run{Version: bellwether.ModelVersion(version), Application: "recommend", Vocabulary: words}, m)
	if err != nil {
		tb.Fatal(err)
	}
	return v
}

// visits are n visits to items; no two that follow each other are of one item.
func visits(n, items int) []serve.Visit {
	out := make([]serve.Visit, n)
	for i := range out {
		out[i] = serve.Visit{Item: item(i * 7 % items), Type: bellwether.ViewItem, Price: int64(i), Time: begin.Add(time.Duration(i*i) * time.Minute)}
	}
	return out
}

// plainly returns a service of m as it was trained, which remembers nobody.
func plainly(tb testing.TB, m bellwether.Model) *serve.Service {
	tb.Helper()
	v, err := serve.NewServing("plain", "recommend", m, words)
	if err != nil {
		tb.Fatal(err)
	}
	s := serve.New(func() time.Time { return begin })
	s.Swap(v)
	return s
}

// scores are the scores of all items, by item.
func scores(tb testing.TB, s *serve.Service, who bellwether.Subject, history []serve.Visit) (map[bellwether.ItemID]float64, bellwether.ModelVersion) {
	p, err := s.Recommend(tb.Context(), serve.Query{Subject: who, History: history, K: 1000})
	if err != nil {
		tb.Error(err)
	}
	out := make(map[bellwether.ItemID]float64, len(p.Scores))
	for _, it := range p.Scores {
		out[it.Item] = it.Score
	}
	return out, p.Model
}

func differ(got, want map[bellwether.ItemID]float64) string {
	if len(got) != len(want) {
		return fmt.Sprintf("%d items, want %d", len(got), len(want))
	}
	for id, w := range want {
		if !(math.Abs(got[id]-w) <= 1e-5) {
			return fmt.Sprintf("%s scores %g, want %g", id, got[id], w)
		}
	}
	return ""
}

// TestServingEqualsTheModel: whatever is remembered of a person never shows in an answer.
func TestServingEqualsTheModel(t *testing.T) {
	c := smallCounter(t)
	whole := visits(20, 30)
	edited := slices.Clone(whole)
	edited[2].Item, edited[5].Type = item(29), bellwether.Purchase
	late := slices.Insert(slices.Clone(whole[:9]), 4, serve.Visit{Item: item(29), Type: bellwether.Purchase, Time: whole[3].Time.Add(time.Second)})
	for kind, m := range c.models() {
		t.Run(kind, func(t *testing.T) {
			e, plain := remembers(), plainly(t, m)
			s := serve.New(func() time.Time { return begin })
			s.Swap(e.answersBy(t, "served", m))
			for i, h := range [][]serve.Visit{
				whole[:1], whole[:2], whole[:2], whole[:9], late, whole[:8], edited[:9], whole[:12], whole[:13], whole[:20], whole[1:20], whole[:3],
			} {
				for _, who := range []bellwether.Subject{"ann", "bob", ""} {
					got, _ := scores(t, s, who, h)
					want, _ := scores(t, plain, who, h)
					if diff := differ(got, want); diff != "" {
						t.Errorf("history %d of %q: %s", i, who, diff)
					}
				}
				if i == 5 {
					e.cache.Forget("ann")
				}
			}
			if stats := e.cache.Stats(); stats.People != 2 || stats.Hits < 20 {
				t.Errorf("%+v: two people ask all the time", stats)
			}
		})
	}
}

// TestEnsembleRemembers: its Transformer is told who is asked about, and finds what it kept before one new event.
func TestEnsembleRemembers(t *testing.T) {
	c, e := smallCounter(t), remembers()
	s := serve.New(func() time.Time { return begin })
	s.Swap(e.answersBy(t, "served", c.ensemble))
	h := visits(10, 30)
	scores(t, s, "ann", h[:9])
	before := e.cache.Stats()
	scores(t, s, "ann", h)
	if after := e.cache.Stats(); after.Hits != before.Hits+1 || after.Misses != before.Misses {
		t.Errorf("%+v after %+v: the second request did not find the first", after, before)
	}
}

// TestModelsSwapWhilePeopleAsk: many ask at once, about few people, while models take turns in service and
// people are forgotten; each answer is that of the model that it names.
func TestModelsSwapWhilePeopleAsk(t *testing.T) {
	one, e, s := smallCounter(t), remembers(), serve.New(func() time.Time { return begin })
	other := newCounter(t, 20, 30, 15, sequence.Settings{Dim: 24, Blocks: 1, Heads: 1, Hidden: 24, Length: 12, Loss: "full", Rate: 1e-2, Batch: 8})
	models := map[bellwether.ModelVersion]bellwether.Model{"one": one.transformer, "mixed": one.ensemble, "other": other.transformer}
	var served []*serve.Serving
	want, whole := map[bellwether.ModelVersion][]map[bellwether.ItemID]float64{}, visits(12, 30)
	for version, m := range models {
		served = append(served, e.answersBy(t, string(version), m))
		plain := plainly(t, m)
		for n := 1; n <= len(whole); n++ {
			all, _ := scores(t, plain, "", whole[:n])
			want[version] = append(want[version], all)
		}
	}
	s.Swap(served[0])
	var asking sync.WaitGroup
	for a := range 4 {
		asking.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(a), 0))
			for i := range 200 {
				n, who := rng.IntN(len(whole)), name(rng.IntN(2))
				switch {
				case i%10 == 0:
					s.Swap(served[rng.IntN(len(served))])
				case i%17 == 0:
					e.cache.Forget(who)
				}
				got, version := scores(t, s, who, whole[:n+1])
				if diff := differ(got, want[version][n]); diff != "" {
					t.Errorf("%s after %d visits: %s", version, n+1, diff)
					return
				}
			}
		})
	}
	asking.Wait()
}

// damaged is m with a weight that is not a number, in a file that is otherwise sound.
func damaged(t *testing.T, m *sequence.Model) *sequence.Model {
	t.Helper()
	var b bytes.Buffer
	if err := m.Save(&b); err != nil {
		t.Fatal(err)
	}
	file := b.Bytes()
	header := file[8 : 8+binary.LittleEndian.Uint64(file)]
	at := bytes.Index(header, []byte(`"sha256":"`)) + len(`"sha256":"`)
	digest := header[at : at+2*sha256.Size]
	copy(file[8+len(header):], binary.LittleEndian.AppendUint32(nil, math.Float32bits(float32(math.NaN()))))
	copy(digest, strings.Repeat("0", len(digest)))
	sum := sha256.Sum256(file)
	hex.Encode(digest, sum[:])
	back, err := sequence.Load(&b)
	if err != nil {
		t.Fatal(err)
	}
	return back
}

// TestDamagedModelIsNotPromoted: the model in service stays, after a restart too, and remembers who is asked about.
func TestDamagedModelIsNotPromoted(t *testing.T) {
	s, c := newShop(t), smallCounter(t)
	promote := func(version string, m bellwether.Model) error {
		turn := newTurn(s.engine, nil)
		turn.work = &work{application: "recommend", card: bellwether.Card{Chosen: "transformer"}}
		turn.work.fitted = []train.Fitted{{Name: "transformer", Model: m}}
		turn.work.run = run{Version: bellwether.ModelVersion(version), Application: "recommend", Vocabulary: words}
		if err := s.engine.keep(t.Context(), &turn.work.run, turn.work.fitted, c.data); err != nil {
			return err
		}
		return turn.promote(t.Context(), "a test asks for it")
	}
	if err := promote("sound", c.transformer); err != nil {
		t.Fatal(err)
	}
	broken := damaged(t, c.transformer)
	parts := c.ensemble.Parts()
	parts[0].Scorer = broken
	mixed, err := ensemble.New(parts...)
	if err != nil {
		t.Fatal(err)
	}
	for version, m := range map[string]bellwether.Model{"broken": broken, "mixed": mixed} {
		if err := promote(version, m); err == nil || !strings.Contains(err.Error(), "NaN") {
			t.Errorf("promoting %s: %v", version, err)
		}
		if v := s.engine.Service.Current("recommend"); v.Version != "sound" {
			t.Errorf("%s is in service", v.Version)
		}
	}
	s.close()
	s.open()
	v := s.engine.Service.Current("recommend")
	if v == nil || v.Version != "sound" {
		t.Fatalf("after a restart %v is in service", v)
	}
	who := outside(t, s.engine)
	for range 2 {
		if a := s.recommend(RecommendRequest{Subject: who, History: visits(5, 30), Preview: true}); a.Decision.Model != "sound" {
			t.Errorf("%s answered: %s", a.Decision.Model, a.Reason)
		}
	}
	if stats := s.engine.cache.Stats(); stats.Hits != 1 || stats.Misses != 1 {
		t.Errorf("%+v after two requests about one person", stats)
	}
}
