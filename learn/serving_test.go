package learn

import (
	"context"
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"bellwether"
	"bellwether/dataset"
	"bellwether/history"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
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

var begin = time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)

var views = Vocabulary{Types: []bellwether.EventType{bellwether.ViewItem, bellwether.Purchase}}

func numbered(n int) (out []bellwether.ItemID) {
	for i := range n {
		out = append(out, bellwether.ItemID(fmt.Sprint("item-", i)))
	}
	return out
}

func servingOf(t testing.TB, version string, m bellwether.Model) *Serving {
	t.Helper()
	v, err := NewServing(bellwether.ModelVersion(version), "test", m, views, "EUR")
	if err != nil {
		t.Fatal(err)
	}
	return v
}

var someone = []bellwether.Event{{Item: "item-0", Type: bellwether.ViewItem, Occurred: begin}}

func TestBest(t *testing.T) {
	v := servingOf(t, "r-1", &constant{base: 1, items: numbered(5)})
	for _, test := range []struct {
		name    string
		history []bellwether.Event
		skip    func(bellwether.ItemID) bool
		first   bellwether.ItemID
		reason  string
	}{
		{"known", someone, nil, "item-4", ""},
		{"no history", nil, nil, "", "no history that the model knows"},
		{"unknown items", []bellwether.Event{{Item: "elsewhere", Type: bellwether.ViewItem}}, nil, "", "no history that the model knows"},
		{"filtered", someone, func(id bellwether.ItemID) bool { return id == "item-4" }, "item-3", ""},
		{"nothing eligible", someone, func(bellwether.ItemID) bool { return true }, "", "the model has no eligible item"},
	} {
		best, reason, err := v.Best(t.Context(), "ana", test.history, 2, test.skip)
		if err != nil || reason != test.reason || (len(best) > 0) != (test.first != "") || len(best) > 0 && best[0].Item != test.first {
			t.Errorf("%s: %v, %q, %v", test.name, best, reason, err)
		}
	}
	if _, err := NewServing("r-1", "test", nothing{}, views, "EUR"); err == nil {
		t.Error("a model that answers nothing is served")
	}
}

type nothing struct{}

func (nothing) Family() string       { return "nothing" }
func (nothing) Save(io.Writer) error { return nil }

// TestSwapUnderLoad holds that every answer comes from one whole model.
func TestSwapUnderLoad(t *testing.T) {
	var slot Slot
	versions := make([]*Serving, 5)
	for i := range versions {
		versions[i] = servingOf(t, fmt.Sprint("r-", i), &constant{base: float32(i), items: numbered(50 + 10*i)})
	}
	slot.Swap(versions[0])
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
				v := slot.Load()
				best, _, err := v.Best(t.Context(), "", someone, 10, nil)
				if err != nil {
					t.Error(err)
					return
				}
				var version int
				if _, err := fmt.Sscanf(string(v.Version), "r-%d", &version); err != nil {
					t.Errorf("answered by %s", v.Version)
					return
				}
				if want := 49 + 10*version; best[0].Item != bellwether.ItemID(fmt.Sprint("item-", want)) || int(best[9].Score) != version {
					t.Errorf("%s answered with %v", v.Version, best)
					return
				}
				asked.Add(1)
			}
		})
	}
	for i := range 200 {
		slot.Swap(versions[i%len(versions)])
		time.Sleep(100 * time.Microsecond)
	}
	close(done)
	asking.Wait()
	if asked.Load() == 0 {
		t.Error("nobody asked")
	}
}

func TestStepsFollowTraining(t *testing.T) {
	v := servingOf(t, "r-1", &constant{base: 1, items: numbered(5)})
	visit := func(item string, kind bellwether.EventType, prompted bool) bellwether.Event {
		e := bellwether.Event{Item: bellwether.ItemID(item), Type: kind, Occurred: begin}
		if prompted {
			e.Decision = "d"
		}
		return e
	}
	got := v.Steps([]bellwether.Event{
		visit("item-1", bellwether.ViewItem, false), visit("item-1", bellwether.Purchase, false), // one step, a purchase
		visit("item-2", bellwether.ViewItem, true),                                              // a prompt alone: none
		visit("item-1", bellwether.ViewItem, false),                                             // joins the step before it
		visit("item-3", bellwether.ViewItem, true), visit("item-3", bellwether.Purchase, false), // a prompt that was followed
		visit("elsewhere", bellwether.ViewItem, false), visit("item-4", "unknown_type", false),
		visit("item-0", bellwether.ViewItem, true), // what is on the screen now, and was not asked for
	})
	want := []bellwether.Step{{Item: 1, Type: 0, Bought: true, Time: begin.Unix()}, {Item: 3, Type: 1, Bought: true, Time: begin.Unix()}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
}

// TestRequestsSeeTheStepsOfTraining: a request turns anybody's events into the steps that training made of them.
func TestRequestsSeeTheStepsOfTraining(t *testing.T) {
	pick := func(t *rapid.T, name string, of ...string) string { return rapid.SampledFrom(of).Draw(t, name) }
	rapid.Check(t, func(t *rapid.T) {
		var people []*history.Person
		for n := range rapid.IntRange(1, 4).Draw(t, "people") {
			p := &history.Person{Subject: bellwether.Subject(fmt.Sprint("person ", n))}
			at := begin
			for range rapid.IntRange(0, 40).Draw(t, "events") {
				at = at.Add(time.Duration(rapid.IntRange(0, 1e6).Draw(t, "wait")) * time.Millisecond)
				p.Events = append(p.Events, bellwether.Event{
					Type: bellwether.EventType(pick(t, "type", "view_item", "select_item", "add_to_cart", "purchase", "view_item_list", "refund", "page_view")),
					Item: bellwether.ItemID(pick(t, "item", "a", "b", "c", "")), Quantity: int64(rapid.IntRange(0, 3).Draw(t, "quantity")),
					Channel: bellwether.Channel(pick(t, "channel", "", "email", "search")), Campaign: bellwether.CampaignID(pick(t, "campaign", "", "spring", "rare", "rarer")),
					Decision: bellwether.DecisionID(pick(t, "decision", "", "d")), Occurred: at, Received: at, Subject: p.Subject,
					Price: bellwether.Money{Amount: int64(rapid.IntRange(0, 2).Draw(t, "price")), Currency: bellwether.Currency(pick(t, "currency", "EUR", "JPY"))},
				})
			}
			people = append(people, p)
		}
		s := dataset.NewSequences(dataset.SequenceOptions{Collapse: true, Unprompted: true, Currency: "EUR"})
		for _, p := range people {
			if err := s.Add(p); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Done(); err != nil {
			t.Fatal(err)
		}
		q, err := s.Data()
		if err != nil {
			return // nobody has a step
		}
		v, err := NewServing("r-1", "test", &constant{items: q.Items}, VocabularyOf(&bellwether.Dataset{Sequences: q}), "EUR")
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range people {
			want := []bellwether.Step(nil)
			if at := slices.Index(q.People, p.Subject); at >= 0 {
				want = q.Steps[at]
			}
			if got := v.Steps(p.Events); !slices.Equal(want, got) {
				t.Fatalf("%s, of training and of a request (-want +got):\n%s", p.Subject, cmp.Diff(want, got))
			}
		}
	})
}

func TestScoresOfUnknownItems(t *testing.T) {
	v := servingOf(t, "r-1", &constant{base: 1, items: numbered(5)})
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
	m := &acquainted{constant: constant{items: numbered(2)}}
	v := servingOf(t, "r-1", m)
	for _, who := range []bellwether.Subject{"ann", "", "bob"} {
		if _, _, err := v.Best(t.Context(), who, someone, 1, nil); err != nil {
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
	m := &falling{constant{items: numbered(2000)}}
	v := servingOf(t, "r-1", m)
	for _, test := range []struct{ every, k, asked int }{{1, 10, 10}, {3, 10, 28}, {500, 10, 2000}, {1, 3000, 2000}} {
		asked := 0
		eligible := func(id bellwether.ItemID) bool { return int(v.items[id])%test.every == 0 }
		best, _, err := v.Best(t.Context(), "", someone, test.k, func(id bellwether.ItemID) bool { asked++; return !eligible(id) })
		if err != nil {
			t.Fatal(err)
		}
		var got, want []bellwether.ItemID
		for _, it := range best {
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
