package evaluate

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"bellwether"
)

// RankOptions are the settings of Rank; the zero value works.
type RankOptions struct {
	K         int      // length of the list that counts; 0: 10
	Protocol  Protocol // which items are candidates, and which targets count; the zero value: all
	Bootstrap int      // resamples; 0: 1,000, fewer when there are many people; below 0: no intervals
	Level     float64  // of the intervals; 0: 0.95
	Seed      uint64
}

func (o RankOptions) bootstrap() bootstrap {
	return bootstrap{resamples: o.Bootstrap, level: o.Level, seed: o.Seed, unit: "people"}
}

// Rank ranks q's items for each target (p, at), asked with the history Steps[p][:at], and
// returns "hr@K", "ndcg@K", "mrr" and "coverage@K", each with an interval over people (coverage is
// a point estimate).
//
// The protocol says which items are candidates, from what is known before the target; a target that is none of
// them is not asked for. Where scores tie, a figure is its mean over the tied places, as if the order among equals
// were drawn: a scorer that scores all items alike has exactly HR@K = K/candidates.
//
// The model's vocabulary may differ from q's: an item that the model does not know is ranked
// below all that it knows. A score that is NaN is an error.
func Rank(ctx context.Context, s bellwether.Scorer, q *bellwether.Sequences, targets []bellwether.Target, o RankOptions) (map[string]bellwether.Estimate, error) {
	r, err := Ranks(ctx, s, q, targets, o)
	if err != nil {
		return nil, err
	}
	return r.Estimates(), nil
}

// Ranking is how well one model ranked each target.
type Ranking struct {
	o       RankOptions
	asked   int          // targets, with those that are no candidates
	place   []int32      // by target that was asked for: its number among those that count, −1: it is no candidate
	person  []int32      // by target that counts
	figures [3][]float64 // HR, NDCG, reciprocal rank; by target that counts
	covered int          // items that stand in any list
	items   int
}

func (o RankOptions) names() []string {
	return []string{fmt.Sprintf("hr@%d", o.K), fmt.Sprintf("ndcg@%d", o.K), "mrr"}
}

// ErrNoTargets means that a protocol leaves no target to ask for.
var ErrNoTargets = errors.New("there is no target among the candidates")

// Ranks is Rank with the figures of each target kept, for Compare.
func Ranks(ctx context.Context, s bellwether.Scorer, q *bellwether.Sequences, targets []bellwether.Target, o RankOptions) (*Ranking, error) {
	all, err := RanksUnder(ctx, s, q, targets, []Protocol{o.Protocol}, o)
	if err != nil {
		return nil, err
	}
	if all[0] == nil {
		return nil, fmt.Errorf("rank: %w, %s", ErrNoTargets, o.Protocol.Name)
	}
	return all[0], nil
}

// RanksUnder is Ranks under several protocols, of which o's is none: the model scores once. Under a protocol that leaves no target the
// ranking is nil.
func RanksUnder(ctx context.Context, s bellwether.Scorer, q *bellwether.Sequences, targets []bellwether.Target, protocols []Protocol, o RankOptions) ([]*Ranking, error) {
	if o.K <= 0 {
		o.K = 10
	}
	if err := checkTargets(q, targets); err != nil {
		return nil, err
	}
	all := make([]*Ranking, len(protocols))
	for i, p := range protocols {
		o.Protocol = p
		all[i] = newRanking(q, targets, o)
	}
	if err := fill(ctx, all, s, q, targets); err != nil {
		return nil, err
	}
	for i, r := range all {
		if len(r.person) == 0 {
			all[i] = nil
		}
	}
	return all, nil
}

// newRanking has room for the targets that count.
func newRanking(q *bellwether.Sequences, targets []bellwether.Target, o RankOptions) *Ranking {
	r := &Ranking{o: o, asked: len(targets), items: len(q.Items), place: make([]int32, len(targets))}
	counts := o.Protocol.counts(q)
	for i, t := range targets {
		r.place[i] = -1
		if counts(t) {
			r.place[i] = int32(len(r.person))
			r.person = append(r.person, t.Person)
		}
	}
	for f := range r.figures {
		r.figures[f] = make([]float64, len(r.person))
	}
	return r
}

func checkTargets(q *bellwether.Sequences, targets []bellwether.Target) error {
	if len(targets) == 0 {
		return errors.New("rank: there are no targets: nobody has enough events to hold one out")
	}
	for i, t := range targets {
		if int(t.Person) >= len(q.Steps) || t.Person < 0 || int(t.At) >= len(q.Steps[t.Person]) || t.At < 0 {
			return fmt.Errorf("rank: target %d asks for step %d of person %d, who has none there", i, t.At, t.Person)
		}
		if item := q.Steps[t.Person][t.At].Item; item < 0 || int(item) >= len(q.Items) {
			return fmt.Errorf("rank: target %d asks for step %d of person %d, which has no known item", i, t.At, t.Person)
		}
		for at, s := range q.Steps[t.Person][:t.At] {
			if int(s.Item) >= len(q.Items) || s.Item < -1 {
				return fmt.Errorf("rank: step %d of person %d has item %d, the vocabulary ends at %d", at, t.Person, s.Item, len(q.Items)-1)
			}
		}
	}
	return nil
}

// fill ranks the targets in batches, as many at once as there are processors.
func fill(ctx context.Context, all []*Ranking, s bellwether.Scorer, q *bellwether.Sequences, targets []bellwether.Target) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	size := min(128, max(1, (4<<20)/max(1, len(s.Items()))))
	vocabulary, gains := newTranslation(q.Items, s.Items()), newGains(len(q.Items), all[0].o.K)
	workers := make([]*ranker, min(runtime.GOMAXPROCS(0), (len(targets)+size-1)/size))
	var next atomic.Int64
	var wait sync.WaitGroup
	for w := range workers {
		workers[w] = newRanker(all, s, q)
		workers[w].vocabulary, workers[w].gains = vocabulary, gains
		wait.Go(func() {
			for ctx.Err() == nil {
				lo := int(next.Add(1)-1) * size
				if lo >= len(targets) {
					return
				}
				if err := workers[w].batch(ctx, lo, targets[lo:min(lo+size, len(targets))]); err != nil {
					cancel(err)
				}
			}
		})
	}
	wait.Wait()
	if ctx.Err() != nil {
		return fmt.Errorf("rank with %s: %w", s.Family(), context.Cause(ctx))
	}
	for n, r := range all {
		for i := range q.Items {
			if slices.ContainsFunc(workers, func(w *ranker) bool { return w.covers[n][i] }) {
				r.covered++
			}
		}
	}
	return nil
}

// ranker is one worker with its room for scores.
type ranker struct {
	all        []*Ranking
	scorer     bellwether.Scorer
	q          *bellwether.Sequences
	vocabulary translation
	gains      gains
	covers     [][]bool // by protocol: items in a list of this worker
	scores     [][]float32
	row        []float32
	best       []int32
	withheld   []int32
	kept       []float32 // scores of what is withheld
}

func newRanker(all []*Ranking, s bellwether.Scorer, q *bellwether.Sequences) *ranker {
	w := &ranker{all: all, scorer: s, q: q}
	for range all {
		w.covers = append(w.covers, make([]bool, len(q.Items)))
	}
	return w
}

// batch ranks targets, of which the first has number first.
func (w *ranker) batch(ctx context.Context, first int, targets []bellwether.Target) error {
	histories := make([][]bellwether.Step, len(targets))
	for i, t := range targets {
		histories[i] = w.vocabulary.history(w.q.Steps[t.Person][:t.At])
	}
	for len(w.scores) < len(targets) {
		w.scores = append(w.scores, make([]float32, len(w.scorer.Items())))
	}
	if err := w.scorer.Score(ctx, histories, w.scores[:len(targets)]); err != nil {
		return err
	}
	for i, t := range targets {
		w.row = w.vocabulary.scores(w.row, w.scores[i])
		if err := w.one(first+i, t); err != nil {
			return err
		}
	}
	return nil
}

// one notes the figures of target number i, whose scores are in row, under every protocol.
func (w *ranker) one(i int, t bellwether.Target) error {
	above, tied, ok := count(w.row, w.row[w.q.Steps[t.Person][t.At].Item])
	if !ok {
		item := slices.IndexFunc(w.row, func(v float32) bool { return v != v })
		return fmt.Errorf("the score of item %q for target %d (person %d, step %d) is not a number: the model is damaged, train it again",
			w.q.Items[item], i, t.Person, t.At)
	}
	for n, r := range w.all {
		if at := r.place[i]; at >= 0 {
			w.under(n, int(at), t, above, tied)
		}
	}
	return nil
}

// under notes the figures of the target that counts as number at under protocol n, and has so many of all items above and level with it.
func (w *ranker) under(n, at int, t bellwether.Target, above, tied int) {
	r, target := w.all[n], &w.q.Steps[t.Person][t.At]
	w.withheld = r.o.Protocol.Offer.Withhold(w.withheld[:0], w.q.Steps[t.Person][:t.At], target.Time)
	a, e := w.leaveOut(w.row[target.Item])
	for f, v := range w.gains.of(above-a, tied-e) {
		r.figures[f][at] = v
	}
	w.best = top(w.best[:0], w.row, r.o.K)
	for _, j := range w.best {
		w.covers[n][j] = true
	}
	for k := len(w.withheld) - 1; k >= 0; k-- { // what was left out twice was a number the first time
		w.row[w.withheld[k]] = w.kept[k]
	}
}

// leaveOut makes the scores of what is withheld NaN, keeps them, and returns how many of them were above and level with the target's.
func (w *ranker) leaveOut(own float32) (above, tied int) {
	w.kept = w.kept[:0]
	for _, item := range w.withheld {
		v := w.row[item]
		w.kept = append(w.kept, v)
		if v > own {
			above++
		} else if v == own {
			tied++
		}
		w.row[item] = float32(math.NaN()) // above nothing, level with nothing: counts once
	}
	return above, tied
}

// gains holds prefix sums over places: what a target at places 0…n−1 earns in all.
type gains struct {
	k               int
	discounted      []float64 // Σ 1/log₂(place + 2), to k
	reciprocalRanks []float64 // Σ 1/(place + 1), to all items
}

func newGains(items, k int) gains {
	g := gains{k: k, discounted: make([]float64, k+1), reciprocalRanks: make([]float64, items+1)}
	for r := range k {
		g.discounted[r+1] = g.discounted[r] + 1/math.Log2(float64(r+2))
	}
	for r := range items {
		g.reciprocalRanks[r+1] = g.reciprocalRanks[r] + 1/float64(r+1)
	}
	return g
}

// of returns the mean HR, NDCG and reciprocal rank over the places above … above+tied−1.
func (g gains) of(above, tied int) [3]float64 {
	lo, hi, n := min(above, g.k), min(above+tied, g.k), float64(tied)
	return [3]float64{
		float64(hi-lo) / n,
		(g.discounted[hi] - g.discounted[lo]) / n,
		(g.reciprocalRanks[above+tied] - g.reciprocalRanks[above]) / n,
	}
}
