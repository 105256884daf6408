package sequence

import (
	"testing"

	"bellwether"
)

// The shape of DESIGN §8: one person, 3,416 items, dim 64, two blocks, one head, 200 events.
const (
	benchItems  = 3416
	benchLength = 200
)

// benchRanker is a ranker of weights that were not trained, and a history of the full length.
func benchRanker(b *testing.B, o RankerOptions) (*Ranker, []bellwether.Step) {
	items := make([]bellwether.ItemID, benchItems)
	s := Settings{Dim: 64, Blocks: 2, Heads: 1, Hidden: 64, Length: benchLength}
	m := newModel(s, vocabulary{items: items}, 1)
	m.pack()
	r, err := NewRanker(m, o)
	if err != nil {
		b.Fatal(err)
	}
	history := make([]bellwether.Step, benchLength)
	for i := range history {
		history[i].Item = int32(i * 37 % benchItems)
	}
	return r, history
}

// rankAfter times the ten best of a person of whom all events but fresh are kept.
func rankAfter(b *testing.B, o RankerOptions, fresh int) {
	r, history := benchRanker(b, o)
	s, dst := r.Session(""), make([]bellwether.ScoredItem, 0, 10)
	before := &Question{History: history[:benchLength-fresh], K: 10}
	q := &Question{History: history, K: 10}
	if fresh < benchLength {
		if _, err := s.Rank(dst, before); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		s.past.Truncate(benchLength - fresh)
		s.steps = s.steps[:s.past.Tokens()]
		if _, err := s.Rank(dst, q); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkScoreNoCache200(b *testing.B)      { rankAfter(b, RankerOptions{}, benchLength) }
func BenchmarkScoreCachedEvent(b *testing.B)     { rankAfter(b, RankerOptions{}, 1) }
func BenchmarkScoreCachedEventInt8(b *testing.B) { rankAfter(b, RankerOptions{Int8: true}, 1) }

// BenchmarkScoreUnchanged is a request without a new event: the scan of the items and the cut.
func BenchmarkScoreUnchanged(b *testing.B) { rankAfter(b, RankerOptions{}, 0) }

// BenchmarkRankAll is everybody's ten best, a person a run.
func BenchmarkRankAll(b *testing.B) {
	r, history := benchRanker(b, RankerOptions{})
	questions := make([]Question, 512)
	for i := range questions {
		questions[i] = Question{History: history[:50], K: 10}
	}
	people := 0
	for b.Loop() {
		if err := r.RankAll(b.Context(), questions, func(int, []bellwether.ScoredItem, error) {}); err != nil {
			b.Fatal(err)
		}
		people += len(questions)
	}
	b.ReportMetric(float64(people)/b.Elapsed().Seconds(), "people/s")
}
