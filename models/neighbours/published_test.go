package neighbours

import (
	"math"
	"testing"
	"time"

	"bellwether"
)

// TestPublishedRows holds the plain rows of SCIENCE §2 (strict protocol, history excluded).
func TestPublishedRows(t *testing.T) {
	type row struct{ hr, ndcg float64 }
	trainers := []bellwether.Trainer{Popularity{}, Markov{}, ItemKNN{}, Rules{}, Blend{}}
	for _, set := range []struct {
		name string
		read func(testing.TB) *bellwether.Sequences
		want []row
	}{
		{"Beauty", func(tb testing.TB) *bellwether.Sequences {
			return readSequences(tb, "sequences/amazon-beauty.txt.gz")
		}, []row{{.0120, .0056}, {.0670, .0440}, {.0707, .0418}, {.0803, .0511}, {.0815, .0516}}},
		{"Games", func(tb testing.TB) *bellwether.Sequences {
			return readSequences(tb, "sequences/amazon-games.txt.gz")
		}, []row{{.0190, .0099}, {.0738, .0445}, {.0893, .0487}, {.0819, .0475}, {.1027, .0584}}},
		{"ML-100k", readMovieLens, []row{{.0859, .0442}, {.1442, .0766}, {.1612, .0920}, {.1856, .0987}, {.1824, .1022}}},
	} {
		t.Run(set.name, func(t *testing.T) {
			if testing.Short() && set.name == "Games" {
				t.Skip("the largest set")
			}
			q := set.read(t)
			t.Logf("%d people, %d items, %d events", len(q.Steps), len(q.Items), q.Count())
			for i, trainer := range trainers {
				start := time.Now()
				m, err := trainer.Train(t.Context(), &bellwether.Dataset{Sequences: q}, nil)
				if err != nil {
					t.Fatal(err)
				}
				fitted := time.Since(start)
				hr, ndcg := rank(t, m.(*Model), q)
				t.Logf("%-12s HR@10 %.4f NDCG@10 %.4f, fitted in %v", trainer.Family(), hr, ndcg, fitted.Round(time.Millisecond))
				if math.Abs(hr-set.want[i].hr) > .002 || math.Abs(ndcg-set.want[i].ndcg) > .002 {
					t.Errorf("%s: HR@10 %.4f NDCG@10 %.4f, SCIENCE has %.4f %.4f", trainer.Family(), hr, ndcg, set.want[i].hr, set.want[i].ndcg)
				}
			}
		})
	}
}
