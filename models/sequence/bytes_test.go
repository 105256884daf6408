package sequence

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"bellwether"
)

// ndcg is the mean NDCG@10 of a scorer over all items, the history left out.
func ndcg(t testing.TB, s bellwether.Scorer, q *bellwether.Sequences, targets []bellwether.Target) float64 {
	t.Helper()
	const together = 256
	histories, out := [][]bellwether.Step(nil), make([][]float32, together)
	for i := range out {
		out[i] = make([]float32, len(q.Items))
	}
	sum := 0.0
	for first := 0; first < len(targets); first += together {
		some := targets[first:min(len(targets), first+together)]
		histories = histories[:0]
		for _, x := range some {
			histories = append(histories, q.Steps[x.Person][:x.At])
		}
		if err := s.Score(context.Background(), histories, out[:len(some)]); err != nil {
			t.Fatal(err)
		}
		for i, x := range some {
			if r := rankFirstTime(out[i], q.Steps[x.Person], int(x.At)); r < 10 {
				sum += 1 / math.Log2(r+2)
			}
		}
	}
	return sum / float64(len(targets))
}

// lostByBytes returns the NDCG@10 of a model and the share of it that bytes lose.
func lostByBytes(t *testing.T, m *Model, q *bellwether.Sequences, targets []bellwether.Target) (whole, lost float64) {
	t.Helper()
	whole = ndcg(t, ranker(t, m, RankerOptions{}), q, targets)
	return whole, 1 - ndcg(t, ranker(t, m, RankerOptions{Int8: true}), q, targets)/whole
}

// shops are people who mostly go on within a group of items that sell unequally:
// much of what comes next is guesswork, as in real shops.
func shops(people, groups, size int) *bellwether.Dataset {
	rng, q := rand.New(rand.NewPCG(5, 6)), &bellwether.Sequences{}
	for i := range groups * size {
		q.Items = append(q.Items, bellwether.ItemID(fmt.Sprint("item ", i)))
	}
	for range people {
		group, steps := rng.IntN(groups), make([]bellwether.Step, 4+rng.IntN(8))
		for i := range steps {
			if rng.IntN(5) == 0 {
				group = rng.IntN(groups)
			}
			steps[i] = bellwether.Step{Item: int32(group*size + int(float64(size)*math.Pow(rng.Float64(), 3))), Time: int64(i)}
		}
		q.Steps = append(q.Steps, steps)
	}
	return leaveOut(q)
}

// Vectors in 8 bits rank as well as those in 32: less than 0.5 % of NDCG@10 is lost.
func TestBytesKeepTheRanking(t *testing.T) {
	d := shops(2000, 40, 20)
	s := small()
	s.Dim, s.Rate, s.Batch = 32, 3e-3, 64
	m, err := Trainer{Settings: s, Epochs: 6, Seed: 2, Patience: -1}.Train(context.Background(), d, nil)
	if err != nil {
		t.Fatal(err)
	}
	q := d.Sequences
	whole, lost := lostByBytes(t, m.(*Model), q, append(q.Test, q.Validation...))
	t.Logf("NDCG@10 %.4f, %.3f %% of it lost by bytes", whole, 100*lost)
	if whole < .2 {
		t.Errorf("NDCG@10 is %.4f: the model has learned nothing to lose", whole)
	}
	if math.Abs(lost) > .005 {
		t.Errorf("bytes lose %.2f %% of an NDCG@10 of %.4f", 100*lost, whole)
	}
}
