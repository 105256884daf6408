package sequence

import (
	"fmt"
	"math"

	"bellwether"
	"bellwether/tensor"
)

// Question asks for the best items of one person.
type Question struct {
	Person  bellwether.Subject // "": nobody is remembered
	History []bellwether.Step  // oldest first; Step.Item indexes Items
	K       int                // items that are wanted
	Filter  Filter
}

// Filter says which items must not come back. It applies before the cut: K items
// come back while so many are left.
type Filter struct {
	Skip     Bitset                // out of stock, of another category, without consent, …; those of several filters are joined with Or
	SkipFunc func(item int32) bool // asked about those items alone that would come back otherwise; nil: none
	Seen     bool                  // skip the items of the history
}

// Bitset is a set of items by their indices in Items.
type Bitset []uint64

// NewBitset returns an empty set for indices below n.
func NewBitset(n int) Bitset { return make(Bitset, (n+63)/64) }

// Add puts an index in the set.
func (b Bitset) Add(i int32) { b[i/64] |= 1 << (i % 64) }

// Has reports whether an index is in the set.
func (b Bitset) Has(i int32) bool { return int(i/64) < len(b) && b[i/64]&(1<<(i%64)) != 0 }

// Or adds the indices of other, which is not longer.
func (b Bitset) Or(other Bitset) {
	for i, word := range other {
		b[i] |= word
	}
}

// Rank appends the best items of a person to dst, best first, and returns it.
// Scores are logits. It allocates nothing if dst has room for K items.
func (r *Ranker) Rank(dst []bellwether.ScoredItem, q *Question) ([]bellwether.ScoredItem, error) {
	w := r.take()
	defer r.put(w)
	s := r.session(w, q.Person)
	defer r.leave(s)
	return s.rank(w, dst, q)
}

func (s *Session) rank(w *work, dst []bellwether.ScoredItem, q *Question) ([]bellwether.ScoredItem, error) {
	if err := s.follow(w, q.History); err != nil {
		return dst, fmt.Errorf("sequence: ranking: %w", err)
	}
	scores := w.scores[:len(s.ranker.items)]
	s.ranker.scan(w, scores, s.state)
	return s.ranker.cut(w, dst, scores, q), nil
}

// cut appends the best of scores, which it overwrites where items are skipped.
func (r *Ranker) cut(w *work, dst []bellwether.ScoredItem, scores []float32, q *Question) []bellwether.ScoredItem {
	q.Filter.apply(scores, q.History)
	k := max(min(q.K, len(r.items)), 0)
	if cap(w.best) < k {
		w.best = make([]int32, k)
	}
	for _, i := range tensor.TopKOf(scores, k, w.best[:k], q.Filter.SkipFunc) {
		dst = append(dst, bellwether.ScoredItem{Item: r.items[i], Score: float64(scores[i])})
	}
	return dst
}

// apply puts −Inf, which never comes back, where items are skipped.
func (f *Filter) apply(scores []float32, history []bellwether.Step) {
	never := float32(math.Inf(-1))
	for at, word := range f.Skip {
		for i := 64 * at; word != 0 && i < len(scores); i, word = i+1, word>>1 {
			if word&1 != 0 {
				scores[i] = never
			}
		}
	}
	if !f.Seen {
		return
	}
	for i := range history {
		if item := history[i].Item; item >= 0 && int(item) < len(scores) {
			scores[item] = never
		}
	}
}
