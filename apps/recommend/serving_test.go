package recommend

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
	"bellwether/internal/apptest"
	"bellwether/learn"
	"bellwether/models/ensemble"
	"bellwether/models/neighbours"
	"bellwether/models/sequence"
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
		q.Items = append(q.Items, apptest.Item(i))
	}
	for p := range people {
		steps := make([]bellwether.Step, length)
		for i := range steps {
			steps[i] = bellwether.Step{Item: rng.Int32N(int32(items)), Type: uint8(i % 2), Time: int64(i) * 3600}
		}
		q.People, q.Steps, q.TrainEnd = append(q.People, apptest.Person(p)), append(q.Steps, steps), append(q.TrainEnd, length)
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
var words = learn.Vocabulary{Types: []bellwether.EventType{bellwether.ViewItem, bellwether.Purchase}}

// served is m as the registry puts it in service.
func served(tb testing.TB, people *sequence.Cache, version string, m bellwether.Model) *learn.Serving {
	tb.Helper()
	ready, err := remembering(m, people)
	if err != nil {
		tb.Fatal(err)
	}
	return plainly(tb, version, ready)
}

// plainly is m as it was trained, which remembers nobody.
func plainly(tb testing.TB, version string, m bellwether.Model) *learn.Serving {
	tb.Helper()
	v, err := learn.NewServing(bellwether.ModelVersion(version), Name, m, words, "EUR")
	if err != nil {
		tb.Fatal(err)
	}
	return v
}

// visits are n visits to items; no two that follow each other are of one item.
func visits(n, items int) []bellwether.Event {
	out := make([]bellwether.Event, n)
	for i := range out {
		out[i] = bellwether.Event{
			Item: apptest.Item(i * 7 % items), Type: bellwether.ViewItem, Price: bellwether.Money{Amount: int64(i), Currency: "EUR"},
			Occurred: apptest.Begin.Add(time.Duration(i*i) * time.Minute),
		}
	}
	return out
}

// scores are the scores of all items, by item.
func scores(tb testing.TB, v *learn.Serving, who bellwether.Subject, history []bellwether.Event) map[bellwether.ItemID]float64 {
	best, reason, err := v.Best(tb.Context(), who, history, 1000, nil)
	if err != nil || reason != "" {
		tb.Errorf("%s: %v", reason, err)
	}
	out := make(map[bellwether.ItemID]float64, len(best))
	for _, it := range best {
		out[it.Item] = it.Score
	}
	return out
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
	edited[2].Item, edited[5].Type = apptest.Item(29), bellwether.Purchase
	late := slices.Insert(slices.Clone(whole[:9]), 4, bellwether.Event{Item: apptest.Item(29), Type: bellwether.Purchase, Occurred: whole[3].Occurred.Add(time.Second)})
	for kind, m := range c.models() {
		t.Run(kind, func(t *testing.T) {
			people, plain := sequence.NewCache(1<<20), plainly(t, "plain", m)
			v := served(t, people, "served", m)
			for i, h := range [][]bellwether.Event{
				whole[:1], whole[:2], whole[:2], whole[:9], late, whole[:8], edited[:9], whole[:12], whole[:13], whole[:20], whole[1:20], whole[:3],
			} {
				for _, who := range []bellwether.Subject{"ann", "bob", ""} {
					if diff := differ(scores(t, v, who, h), scores(t, plain, who, h)); diff != "" {
						t.Errorf("history %d of %q: %s", i, who, diff)
					}
				}
				if i == 5 {
					people.Forget("ann")
				}
			}
			if stats := people.Stats(); stats.People != 2 || stats.Hits < 20 {
				t.Errorf("%+v: two people ask all the time", stats)
			}
		})
	}
}

// TestEnsembleRemembers: its Transformer is told who is asked about, and finds what it kept before one new event.
func TestEnsembleRemembers(t *testing.T) {
	c, people := smallCounter(t), sequence.NewCache(1<<20)
	v := served(t, people, "served", c.ensemble)
	h := visits(10, 30)
	scores(t, v, "ann", h[:9])
	before := people.Stats()
	scores(t, v, "ann", h)
	if after := people.Stats(); after.Hits != before.Hits+1 || after.Misses != before.Misses {
		t.Errorf("%+v after %+v: the second request did not find the first", after, before)
	}
}

// TestModelsSwapWhilePeopleAsk: many ask at once, about few people, while models take turns in service and
// people are forgotten; each answer is that of the model that it names.
func TestModelsSwapWhilePeopleAsk(t *testing.T) {
	one, people := smallCounter(t), sequence.NewCache(1<<20)
	other := newCounter(t, 20, 30, 15, sequence.Settings{Dim: 24, Blocks: 1, Heads: 1, Hidden: 24, Length: 12, Loss: "full", Rate: 1e-2, Batch: 8})
	var slot learn.Slot
	var ready []*learn.Serving
	want, whole := map[bellwether.ModelVersion][]map[bellwether.ItemID]float64{}, visits(12, 30)
	for version, m := range map[bellwether.ModelVersion]bellwether.Model{"one": one.transformer, "mixed": one.ensemble, "other": other.transformer} {
		ready = append(ready, served(t, people, string(version), m))
		plain := plainly(t, "plain", m)
		for n := 1; n <= len(whole); n++ {
			want[version] = append(want[version], scores(t, plain, "", whole[:n]))
		}
	}
	slot.Swap(ready[0])
	var asking sync.WaitGroup
	for a := range 4 {
		asking.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(a), 0))
			for i := range 200 {
				n, who := rng.IntN(len(whole)), apptest.Person(rng.IntN(2))
				switch {
				case i%10 == 0:
					slot.Swap(ready[rng.IntN(len(ready))])
				case i%17 == 0:
					people.Forget(who)
				}
				v := slot.Load()
				if diff := differ(scores(t, v, who, whole[:n+1]), want[v.Version][n]); diff != "" {
					t.Errorf("%s after %d visits: %s", v.Version, n+1, diff)
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

// TestDamagedModelIsNotServed: neither alone nor as a part of an ensemble.
func TestDamagedModelIsNotServed(t *testing.T) {
	c := smallCounter(t)
	broken := damaged(t, c.transformer)
	parts := c.ensemble.Parts()
	parts[0].Scorer = broken
	mixed, err := ensemble.New(parts...)
	if err != nil {
		t.Fatal(err)
	}
	for version, m := range map[string]bellwether.Model{"broken": broken, "mixed": mixed} {
		if _, err := remembering(m, sequence.NewCache(1<<20)); err == nil || !strings.Contains(err.Error(), "NaN") {
			t.Errorf("serving %s: %v", version, err)
		}
	}
}
