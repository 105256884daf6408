package serve

import (
	"context"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"bellwether"

	"github.com/google/go-cmp/cmp"
)

// constant scores each item by a fixed number; its version can be read off every score.
type constant struct {
	items []bellwether.ItemID
	base  float32
}

func (c *constant) Family() string             { return "constant" }
func (c *constant) Save(io.Writer) error       { return nil }
func (c *constant) Items() []bellwether.ItemID { return c.items }

func (c *constant) Score(_ context.Context, histories [][]bellwether.Step, out [][]float32) error {
	for b := range histories {
		for i := range out[b] {
			out[b][i] = c.base + float32(i)/1000
		}
	}
	return nil
}

func clock() time.Time { return time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC) }

func serving(t testing.TB, version string, base float32, n int) *Serving {
	t.Helper()
	m := &constant{base: base}
	for i := range n {
		m.items = append(m.items, bellwether.ItemID(fmt.Sprint("item-", i)))
	}
	v, err := NewServing(bellwether.ModelVersion(version), "recommend", m, Vocabulary{Types: []bellwether.EventType{bellwether.ViewItem, bellwether.Purchase}})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

var someone = []Visit{{Item: "item-0", Type: bellwether.ViewItem, Time: clock()}}

func TestRecommendFallsBackToPopularity(t *testing.T) {
	s := New(clock)
	s.SetPopular([]bellwether.ScoredItem{{Item: "a", Score: 3}, {Item: "b", Score: 2}, {Item: "c", Score: 1}})
	for _, test := range []struct {
		name  string
		swap  *Serving
		query Query
		model bellwether.ModelVersion
		first bellwether.ItemID
	}{
		{"no model", nil, Query{History: someone, K: 2}, PopularityVersion, "a"},
		{"filtered", nil, Query{K: 2, Skip: func(id bellwether.ItemID) bool { return id == "a" }}, PopularityVersion, "b"},
		{"no history", serving(t, "r-1", 1, 5), Query{K: 2}, PopularityVersion, "a"},
		{"history of unknown items", nil, Query{K: 2, History: []Visit{{Item: "nobody knows", Type: bellwether.ViewItem}}}, PopularityVersion, "a"},
		{"asked for", nil, Query{K: 2, History: someone, Popular: true}, PopularityVersion, "a"},
		{"known", nil, Query{K: 2, History: someone}, "r-1", "item-4"},
		{"known and filtered", nil, Query{K: 2, History: someone, Skip: func(id bellwether.ItemID) bool { return id == "item-4" }}, "r-1", "item-3"},
		{"nothing eligible", nil, Query{K: 2, History: someone, Skip: func(id bellwether.ItemID) bool { return id != "c" }}, PopularityVersion, "c"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.swap != nil {
				s.Swap(test.swap)
			}
			p, err := s.Recommend(t.Context(), test.query)
			if err != nil {
				t.Fatal(err)
			}
			if p.Model != test.model || len(p.Scores) == 0 || p.Scores[0].Item != test.first {
				t.Errorf("got %s %v, want %s from %s", p.Model, p.Scores, test.first, test.model)
			}
			if (p.Reason == "") != (p.Model != PopularityVersion) {
				t.Errorf("the reason is %q for %s", p.Reason, p.Model)
			}
		})
	}
}

// TestSwapUnderLoad holds that every answer comes from one whole model: the scores of an answer are
// those of the version that it names.
func TestSwapUnderLoad(t *testing.T) {
	s := New(clock)
	versions := make([]*Serving, 5)
	for i := range versions {
		versions[i] = serving(t, fmt.Sprint("r-", i), float32(i), 50+10*i)
	}
	s.Swap(versions[0])
	var asking sync.WaitGroup
	var asked atomic.Int64
	done := make(chan struct{})
	for range 8 {
		asking.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				p, err := s.Recommend(t.Context(), Query{History: someone, K: 10})
				if err != nil {
					t.Error(err)
					return
				}
				var version int
				if _, err := fmt.Sscanf(string(p.Model), "r-%d", &version); err != nil {
					t.Errorf("answered by %s", p.Model)
					return
				}
				if best := 49 + 10*version; p.Scores[0].Item != bellwether.ItemID(fmt.Sprint("item-", best)) || int(p.Scores[9].Score) != version {
					t.Errorf("%s answered with %v", p.Model, p.Scores)
					return
				}
				asked.Add(1)
			}
		})
	}
	for i := range 200 {
		s.Swap(versions[i%len(versions)])
		time.Sleep(100 * time.Microsecond)
	}
	close(done)
	asking.Wait()
	if asked.Load() == 0 {
		t.Error("nobody asked")
	}
}

func TestStepsFollowTraining(t *testing.T) {
	v := serving(t, "r-1", 1, 5)
	visit := func(item string, kind bellwether.EventType, prompted bool) Visit {
		return Visit{Item: bellwether.ItemID(item), Type: kind, Prompted: prompted, Time: clock()}
	}
	got := v.steps(nil, []Visit{
		visit("item-1", bellwether.ViewItem, false), visit("item-1", bellwether.Purchase, false), // one step, a purchase
		visit("item-2", bellwether.ViewItem, true),                                              // a prompt alone: none
		visit("item-1", bellwether.ViewItem, false),                                             // joins the step before it
		visit("item-3", bellwether.ViewItem, true), visit("item-3", bellwether.Purchase, false), // a prompt that was followed
		visit("elsewhere", bellwether.ViewItem, false), visit("item-4", "unknown_type", false),
		visit("item-0", bellwether.ViewItem, true), // what is on the screen now, and was not asked for
	})
	want := []bellwether.Step{{Item: 1, Type: 0, Time: clock().Unix()}, {Item: 3, Type: 1, Time: clock().Unix()}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
}

func TestScoresOfUnknownItems(t *testing.T) {
	v := serving(t, "r-1", 1, 5)
	got, err := v.Scores(t.Context(), someone, []bellwether.ItemID{"item-4", "elsewhere", "item-2"})
	if err != nil {
		t.Fatal(err)
	}
	if got[1].Score != got[2].Score || got[0].Score <= got[2].Score {
		t.Errorf("scores are %v: an unknown item scores as the lowest known one", got)
	}
}

// acquainted is a scorer that notes who it is asked about.
type acquainted struct {
	constant
	asked []bellwether.Subject
}

func (a *acquainted) ScoreAs(ctx context.Context, people []bellwether.Subject, histories [][]bellwether.Step, out [][]float32) error {
	a.asked = append(a.asked, people...)
	return a.Score(ctx, histories, out)
}

func TestScorerIsToldWho(t *testing.T) {
	m := &acquainted{constant: constant{items: []bellwether.ItemID{"item-0", "item-1"}}}
	v, err := NewServing("r-1", "recommend", m, Vocabulary{Types: []bellwether.EventType{bellwether.ViewItem}})
	if err != nil {
		t.Fatal(err)
	}
	s := New(clock)
	s.Swap(v)
	for _, who := range []bellwether.Subject{"ann", "", "bob"} {
		if _, err := s.Recommend(t.Context(), Query{Subject: who, History: someone, K: 1}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := v.Scores(t.Context(), someone, m.items); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]bellwether.Subject{"ann", "", "bob", ""}, m.asked); diff != "" {
		t.Errorf("who was asked about (-want +got):\n%s", diff)
	}
}

// falling scores each item lower than the one before it.
type falling struct{ constant }

func (f *falling) Score(_ context.Context, histories [][]bellwether.Step, out [][]float32) error {
	for b := range histories {
		for i := range out[b] {
			out[b][i] = -float32(i)
		}
	}
	return nil
}

// TestSkipComesBeforeTheCut: as many answers as are eligible, the best of them, and skip is not asked
// about items that would not come back.
func TestSkipComesBeforeTheCut(t *testing.T) {
	m := &falling{}
	for i := range 2000 {
		m.items = append(m.items, bellwether.ItemID(fmt.Sprint("item-", i)))
	}
	v, err := NewServing("r-1", "recommend", m, Vocabulary{Types: []bellwether.EventType{bellwether.ViewItem}})
	if err != nil {
		t.Fatal(err)
	}
	s := New(clock)
	s.Swap(v)
	for _, test := range []struct{ every, k, asked int }{{1, 10, 10}, {3, 10, 28}, {500, 10, 2000}, {1, 3000, 2000}} {
		asked := 0
		eligible := func(id bellwether.ItemID) bool { return int(v.items[id])%test.every == 0 }
		p, err := s.Recommend(t.Context(), Query{History: someone, K: test.k, Skip: func(id bellwether.ItemID) bool { asked++; return !eligible(id) }})
		if err != nil {
			t.Fatal(err)
		}
		var got, want []bellwether.ItemID
		for _, it := range p.Scores {
			got = append(got, it.Item)
		}
		for _, id := range m.items {
			if eligible(id) && len(want) < test.k {
				want = append(want, id)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", test, diff)
		}
		if asked != test.asked {
			t.Errorf("%+v: skip was asked about %d items", test, asked)
		}
	}
}

func TestPredictWithoutModel(t *testing.T) {
	_, _, err := New(clock).Predict(t.Context(), "behaviour", &bellwether.Table{})
	if err == nil {
		t.Fatal("no model predicted")
	}
}
