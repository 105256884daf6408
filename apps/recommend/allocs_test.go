//go:build !race

package recommend

import (
	"testing"

	"bellwether"
	"bellwether/internal/apptest"
	"bellwether/models/sequence"
)

// Ranking for a request allocates nothing but its answer, the list of scores. (Under the race detector a pool loses
// at random what is put into it.)
func TestBestAllocatesItsAnswer(t *testing.T) {
	c := smallCounter(t)
	for kind, m := range c.models() {
		v := served(t, sequence.NewCache(1<<20), "served", m)
		out := map[bellwether.ItemID]bool{apptest.Item(3): true}
		skip := func(id bellwether.ItemID) bool { return out[id] }
		people, whole, n := []bellwether.Subject{"ann", "bob", ""}, visits(12, 30), 0
		ask := func() {
			n++
			if _, _, err := v.Best(t.Context(), people[n%3], whole[:10+n%2], 10, skip); err != nil {
				t.Fatal(err)
			}
		}
		for range 12 {
			ask()
		}
		if allocs := testing.AllocsPerRun(200, ask); allocs != 1 {
			t.Errorf("%s: %v allocations a request, want the answer's one", kind, allocs)
		}
	}
}
