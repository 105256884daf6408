//go:build slow

package sequence

import (
	"context"
	"math"
	"os"
	"strconv"
	"testing"
	"time"

	"bellwether"
)

// The trunk's gates of docs/science.md §2: leave-one-out, strict, full ranking with the
// history excluded. Games and MovieLens have no gate of their own there. That of
// Games is what PyTorch reached, less a standard error.

func TestBeautyQuality(t *testing.T) {
	quality(t, leaveOneOut(t, "sequences/amazon-beauty.txt.gz"), .090, .054)
}

func TestGamesQuality(t *testing.T) {
	quality(t, leaveOneOut(t, "sequences/amazon-games.txt.gz"), .102, .0565)
}

// docs/science.md's row for MovieLens (.1951/.1001) has ties in time in the order of the
// items' numbers, which makes other events the targets. Here ties keep the order
// of the file, as its protocol says; .1835/.0885 was measured so, and the gate,
// which is ours, is that less a standard error.
func TestMovieLensQuality(t *testing.T) { quality(t, movieLens(t), .170, .082) }

// learned trains the preset "base", for BELLWETHER_MINUTES if that is set, and returns how long it took.
func learned(t *testing.T, d *bellwether.Dataset, minutes float64) (m *Model, seconds float64) {
	t.Helper()
	if said, err := strconv.ParseFloat(os.Getenv("BELLWETHER_MINUTES"), 64); err == nil {
		minutes = said
	}
	started := time.Now()
	trained, err := Trainer{Seed: 42, Minutes: minutes}.Train(context.Background(), d, func(p bellwether.Progress) {
		if p.Note != "" {
			t.Logf("%.0f s, %d steps: loss %.4f, validation NDCG@10 %.4f", p.Elapsed.Seconds(), p.Done, p.Loss, p.Valid)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return trained.(*Model), time.Since(started).Seconds()
}

func quality(t *testing.T, d *bellwether.Dataset, hr, ndcg float64) {
	m, seconds := learned(t, d, 0)
	for part, targets := range map[string][]bellwether.Target{"validation": d.Sequences.Validation, "test": d.Sequences.Test} {
		gotHR, gotNDCG := measure(t, m, d.Sequences, targets)
		t.Logf("%s HR@10 %.4f NDCG@10 %.4f after %.0f s of training", part, gotHR, gotNDCG, seconds)
		if part == "test" && (gotHR < hr || gotNDCG < ndcg) {
			t.Errorf("test HR@10 %.4f NDCG@10 %.4f, want %.3f and %.3f", gotHR, gotNDCG, hr, ndcg)
		}
	}
}

// measure ranks targets through Score.
func measure(t *testing.T, m *Model, q *bellwether.Sequences, targets []bellwether.Target) (hr, ndcg float64) {
	const n = 500
	out := make([][]float32, n)
	for i := range out {
		out[i] = make([]float32, len(q.Items))
	}
	for first := 0; first < len(targets); first += n {
		part := targets[first:min(first+n, len(targets))]
		var histories [][]bellwether.Step
		for _, k := range part {
			histories = append(histories, q.Steps[k.Person][:k.At])
		}
		if err := m.Score(context.Background(), histories, out[:len(part)]); err != nil {
			t.Fatal(err)
		}
		for i, k := range part {
			if r := rankFirstTime(out[i], q.Steps[k.Person], int(k.At)); r < 10 {
				hr++
				ndcg += 1 / math.Log2(r+2)
			}
		}
	}
	return hr / float64(len(targets)), ndcg / float64(len(targets))
}
