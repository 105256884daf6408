package evaluate

import (
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"bellwether"

	"github.com/google/go-cmp/cmp"
)

// returning has people whose next item is drawn from all items, whatever their history: half of the items are in it, half of those
// bought. Every other item of theirs had its time before the target.
func returning(people, items int) (*bellwether.Sequences, []bellwether.Target) {
	r := rand.New(rand.NewPCG(14, 1))
	q := &bellwether.Sequences{Items: vocabulary(items)}
	var targets []bellwether.Target
	for p := range people {
		var steps []bellwether.Step
		for n, item := range r.Perm(items)[:items/2] {
			steps = append(steps, bellwether.Step{Item: int32(item), Bought: n%2 == 0, Time: int64(1 + n)})
		}
		steps = append(steps, bellwether.Step{Item: int32(r.IntN(items)), Time: int64(items)})
		q.Steps, q.TrainEnd = append(q.Steps, steps), append(q.TrainEnd, len(steps)-1)
		targets = append(targets, bellwether.Target{Person: int32(p), At: int32(len(steps) - 1)})
	}
	return q, targets
}

// adversaries know who may compete and nothing else: they favour an item for being in the history or not, bought or not, withheld or not.
func adversaries(q *bellwether.Sequences, of Protocol) map[string]scorer {
	favour := func(which func(h []bellwether.Step, item int32) bool) scorer {
		return scorer{q.Items, func(h []bellwether.Step, out []float32) {
			for i := range out {
				out[i] = 0
				if which(h, int32(i)) {
					out[i] = 1
				}
			}
		}}
	}
	with := func(e bellwether.Exclude) func([]bellwether.Step, int32) bool {
		o := bellwether.Offer{Exclude: e}
		return func(h []bellwether.Step, item int32) bool { return !o.Allows(h, 0, item) }
	}
	not := func(f func([]bellwether.Step, int32) bool) func([]bellwether.Step, int32) bool {
		return func(h []bellwether.Step, item int32) bool { return !f(h, item) }
	}
	seen, bought := with(bellwether.ExcludeSeen), with(bellwether.ExcludePurchased)
	return map[string]scorer{
		"seen": favour(seen), "not seen": favour(not(seen)), "bought": favour(bought), "not bought": favour(not(bought)),
		"withheld": favour(func(h []bellwether.Step, item int32) bool { return !of.Offer.Allows(h, int64(len(q.Items)), item) }),
	}
}

// keepsTheTarget is the protocol that was wrong: the history leaves the candidates, but for the target. It returns the hit rate at 1.
func keepsTheTarget(t *testing.T, s bellwether.Scorer, q *bellwether.Sequences, targets []bellwether.Target) (rate float64) {
	t.Helper()
	row := [][]float32{make([]float32, len(q.Items))}
	for _, target := range targets {
		steps := q.Steps[target.Person]
		if err := s.Score(t.Context(), [][]bellwether.Step{steps[:target.At]}, row); err != nil {
			t.Fatal(err)
		}
		own := row[0][steps[target.At].Item]
		for _, step := range steps[:target.At] {
			if step.Item != steps[target.At].Item {
				row[0][step.Item] = float32(math.NaN())
			}
		}
		above, tied := 0, 0
		for _, v := range row[0] {
			if v > own {
				above++
			} else if v == own {
				tied++
			}
		}
		if above == 0 {
			rate += 1 / float64(tied) / float64(len(targets))
		}
	}
	return rate
}

// TestCandidatesDoNotTellTheTarget gives the candidates of every target to adversaries that use membership alone. What comes next does
// not depend on what came before, so that they must not do better than a scorer that knows nothing; under the protocol that keeps
// the target among the candidates for being the target, one of them does.
func TestCandidatesDoNotTellTheTarget(t *testing.T) {
	const people, items = 4000, 24
	q, targets := returning(people, items)
	q.Served.Exclude = bellwether.ExcludePurchased
	valid := q.Served
	for i := range items {
		valid.From, valid.To = append(valid.From, 0), append(valid.To, int64(i%2)*5)
	}
	constant := scorer{q.Items, func(_ []bellwether.Step, out []float32) { clear(out) }}
	for _, p := range []Protocol{Served(q), First(), {Name: AllItems}, {Name: "with validity", Offer: valid}} {
		chance := values(t, constant, q, targets, RankOptions{K: 1, Protocol: p})["hr@1"]
		limit := 4 * math.Sqrt(chance*(1-chance)/people)
		for name, a := range adversaries(q, p) {
			if got := values(t, a, q, targets, RankOptions{K: 1, Protocol: p})["hr@1"]; got > chance+limit {
				t.Errorf("%s: who favours what is %s hits %.3f, chance is %.3f", p.Name, name, got, chance)
			}
		}
	}
	chance := keepsTheTarget(t, constant, q, targets)
	if got := keepsTheTarget(t, adversaries(q, First())["seen"], q, targets); got < chance+.3 {
		t.Errorf("where the target is kept, who favours what was seen hits %.3f, chance is %.3f: the test would see nothing", got, chance)
	}
}

// TestCandidatesAreAFunctionOfThePast asks for every item in turn after one history: the candidates that a scorer can hit are the same ones.
func TestCandidatesAreAFunctionOfThePast(t *testing.T) {
	const items = 9
	history := []bellwether.Step{{Item: 3, Bought: true}, {Item: 5}, {Item: -1}, {Item: 3}}
	q := &bellwether.Sequences{Items: vocabulary(items)}
	var targets []bellwether.Target
	for item := range int32(items) {
		q.Steps = append(q.Steps, append(append([]bellwether.Step{}, history...), bellwether.Step{Item: item, Time: 7}))
		targets = append(targets, bellwether.Target{Person: item, At: 4})
	}
	for _, c := range []struct {
		offer bellwether.Offer
		want  string // the items that count, and over how many each is drawn
	}{
		{bellwether.Offer{}, "012345678"},
		{bellwether.Offer{Exclude: bellwether.ExcludePurchased}, "01245678"},
		{bellwether.Offer{Exclude: bellwether.ExcludeSeen}, "0124678"},
		{bellwether.Offer{Exclude: bellwether.ExcludeSeen, From: []int64{8, 7, 0}, To: []int64{0, 9, 7}}, "14678"},
	} {
		r, err := Ranks(t.Context(), scorer{q.Items, func(_ []bellwether.Step, out []float32) { clear(out) }}, q, targets, RankOptions{K: 1, Protocol: Protocol{Offer: c.offer}})
		if err != nil {
			t.Fatal(err)
		}
		var got strings.Builder
		for _, p := range r.person {
			got.WriteString(string(q.Items[p]))
		}
		if got.String() != c.want {
			t.Errorf("%+v: items %s count, want %s", c.offer, got.String(), c.want)
		}
		for i, hit := range r.figures[0] {
			if math.Abs(hit-1/float64(len(c.want))) > 1e-12 {
				t.Errorf("%+v: item %d is drawn with %.4f, want one of %d", c.offer, r.person[i], hit, len(c.want))
			}
		}
	}
}

// TestProtocolsTogether: one scoring gives what each protocol gives alone, and repeats are said to be left out.
func TestProtocolsTogether(t *testing.T) {
	q, targets := returning(300, 24)
	q.Served.Exclude = bellwether.ExcludePurchased
	q.TrainEnd[0], q.TrainEnd[1] = 0, 0
	s := scorer{q.Items, func(h []bellwether.Step, out []float32) {
		for i := range out {
			out[i] = float32(mix(uint64(h[0].Item)*golden+uint64(i)) % 7)
		}
	}}
	protocols := Protocols(q)
	together, err := RanksUnder(t.Context(), s, q, targets, protocols, RankOptions{K: 3})
	if err != nil {
		t.Fatal(err)
	}
	for n, p := range protocols {
		alone, err := Ranks(t.Context(), s, q, targets, RankOptions{K: 3, Protocol: p})
		if errors.Is(err, ErrNoTargets) {
			if together[n] != nil {
				t.Errorf("%s: no target alone, some together", p.Name)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(alone.Estimates(), together[n].Estimates()); diff != "" {
			t.Errorf("%s: %s", p.Name, diff)
		}
	}
	figures := Under(together)
	var card strings.Builder
	if err := WriteCard(&card, bellwether.Card{Rows: []bellwether.CardRow{{Name: "any", Test: figures}}}); err != nil {
		t.Fatal(err)
	}
	for _, title := range []string{"## Test: seen once, after the choice\n\n| model | mrr |", "## Test, first-time items\n", "## Test, all items\n", "## Test, as served, people unseen before the cut\n"} {
		if strings.Count(card.String(), title) != 1 {
			t.Errorf("the card has %q not once:\n%s", title, card.String())
		}
	}
	for _, name := range []string{"ndcg@3", Named("ndcg@3", FirstTime), Named("ndcg@3", AllItems), Named("ndcg@3", UnseenWho)} {
		if _, ok := figures[name]; !ok {
			t.Errorf("there is no %s", name)
		}
	}
	if n := figures[Named("ndcg@3", UnseenWho)].N; n == 0 || n > 2 {
		t.Errorf("%d targets of two people who are new", n)
	}
	if _, ok := figures[Named("ndcg@3", UnseenIts)]; ok {
		t.Error("figures of new items, of which there are none")
	}
	if text := figures[Named("hr@3", FirstTime)].Method; !strings.Contains(text, FirstTime) || !strings.Contains(text, "% of the targets") {
		t.Errorf("the method of first-time items says %q", text)
	}
}
