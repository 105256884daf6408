//go:build !race

package learn

import (
	"testing"

	"bellwether"
)

// A request allocates nothing but its answer, the list of scores. (Under the race detector a pool loses
// at random what is put into it.)
func TestBestAllocatesItsAnswer(t *testing.T) {
	v := servingOf(t, "r-1", &constant{base: 1, items: numbered(1000)})
	skip := func(id bellwether.ItemID) bool { return id == "item-7" }
	if n := testing.AllocsPerRun(100, func() { _, _, _ = v.Best(t.Context(), "ann", someone, 10, skip) }); n != 1 {
		t.Errorf("%v allocations a request, want the answer's one", n)
	}
}
