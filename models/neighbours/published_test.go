package neighbours

import (
	"math"
	"testing"
	"time"

	"bellwether"
)

// published is a row of docs/science.md §2 (strict protocol, history excluded).
type published struct{ hr, ndcg float64 }

var publishedRows = []bellwether.Trainer{Popularity{}, Markov{}, ItemKNN{}, Rules{}, Blend{}}

func TestBeauty(t *testing.T) {
	reproduce(t, readSequences(t, "sequences/amazon-beauty.txt.gz"), []published{{.0120, .0056}, {.0670, .0440}, {.0707, .0418}, {.0803, .0511}, {.0815, .0516}})
}

func TestMovieLens(t *testing.T) {
	reproduce(t, readMovieLens(t), []published{{.0859, .0442}, {.1442, .0766}, {.1612, .0920}, {.1856, .0987}, {.1824, .1022}})
}

// TestFewNeighboursOnDenseData: what Neighbours is for.
func TestFewNeighboursOnDenseData(t *testing.T) {
	q := readMovieLens(t)
	_, all := rank(t, train(t, ItemKNN{}, &bellwether.Dataset{Sequences: q}), q)
	_, few := rank(t, train(t, ItemKNN{Neighbours: 200}, &bellwether.Dataset{Sequences: q}), q)
	if few < all+.008 {
		t.Errorf("NDCG@10 %.4f with 200 neighbours and %.4f with all", few, all)
	}
}

// reproduce holds the rows to ± .002.
func reproduce(t *testing.T, q *bellwether.Sequences, want []published) {
	t.Logf("%d people, %d items, %d events", len(q.Steps), len(q.Items), q.Count())
	for i, trainer := range publishedRows {
		start := time.Now()
		m := train(t, trainer, &bellwether.Dataset{Sequences: q})
		fitted := time.Since(start)
		hr, ndcg := rank(t, m, q)
		t.Logf("%-12s HR@10 %.4f NDCG@10 %.4f, fitted in %v", trainer.Family(), hr, ndcg, fitted.Round(time.Millisecond))
		if math.Abs(hr-want[i].hr) > .002 || math.Abs(ndcg-want[i].ndcg) > .002 {
			t.Errorf("%s: HR@10 %.4f NDCG@10 %.4f, docs/science.md has %.4f %.4f", trainer.Family(), hr, ndcg, want[i].hr, want[i].ndcg)
		}
	}
}
