//go:build !race

package serve

import (
	"testing"

	"bellwether"
)

// A request allocates nothing but its answer, the list of scores. (Under the race detector a pool loses
// at random what is put into it.)
func TestRecommendAllocatesItsAnswer(t *testing.T) {
	s := New(clock)
	s.Swap(serving(t, "r-1", 1, 1000))
	q := Query{Subject: "ann", History: someone, K: 10, Skip: func(id bellwether.ItemID) bool { return id == "item-7" }}
	if n := testing.AllocsPerRun(100, func() { _, _ = s.Recommend(t.Context(), q) }); n != 1 {
		t.Errorf("%v allocations a request, want the answer's one", n)
	}
}
