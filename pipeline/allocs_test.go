//go:build !race

package pipeline

import (
	"testing"
	"time"

	"bellwether"
	"bellwether/serve"
)

// A request allocates nothing but its answer, the list of scores. (Under the race detector a pool loses
// at random what is put into it.)
func TestRecommendAllocatesItsAnswer(t *testing.T) {
	c := smallCounter(t)
	for kind, m := range c.models() {
		s := serve.New(func() time.Time { return begin })
		s.Swap(remembers().answersBy(t, "served", m))
		out := map[bellwether.ItemID]bool{item(3): true}
		skip := func(id bellwether.ItemID) bool { return out[id] }
		query, people, whole, n := serve.Query{K: 10, Skip: skip}, []bellwether.Subject{"ann", "bob", ""}, visits(12, 30), 0
		ask := func() {
			n++
			query.Subject, query.History = people[n%3], whole[:10+n%2]
			if _, err := s.Recommend(t.Context(), query); err != nil {
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
