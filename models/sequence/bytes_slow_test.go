//go:build slow

package sequence

import (
	"context"
	"math"
	"testing"
)

// TestBytesKeepTheRankingOfBeauty is TestBytesKeepTheRanking on what people buy.
func TestBytesKeepTheRankingOfBeauty(t *testing.T) {
	d := leaveOneOut(t, "sequences/amazon-beauty.txt.gz")
	m, err := Trainer{Seed: 42, Epochs: 12, Patience: -1}.Train(context.Background(), d, nil)
	if err != nil {
		t.Fatal(err)
	}
	whole, lost := lostByBytes(t, m.(*Model), d.Sequences, d.Sequences.Test)
	t.Logf("NDCG@10 %.4f, %.3f %% of it lost by bytes", whole, 100*lost)
	if whole < .03 || math.Abs(lost) > .005 {
		t.Errorf("bytes lose %.2f %% of an NDCG@10 of %.4f", 100*lost, whole)
	}
}
