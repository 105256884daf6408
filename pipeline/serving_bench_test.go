package pipeline

import (
	"fmt"
	"testing"
	"time"

	"bellwether"
	"bellwether/models/sequence"
	"bellwether/serve"
)

// BenchmarkRecommend is one person's fifty best of 3,416 items, a hundred of which may not be shown, after 200
// events: all of them are new (model=…/asked=whole), or the last one is and the others were asked about before
// (asked=event).
func BenchmarkRecommend(b *testing.B) {
	const items, events = 3416, 200
	c := newCounter(b, 200, items, events+1, sequence.Settings{
		Dim: 64, Blocks: 2, Heads: 1, Hidden: 64, Length: events, Loss: "full", Rate: 1e-3, Batch: 4,
	})
	held := map[bellwether.ItemID]bool{}
	for i := range 100 {
		held[item(i*31)] = true
	}
	skip := func(id bellwether.ItemID) bool { return held[id] }
	turns := [2]bellwether.ItemID{item(1), item(2)} // neither is beside another visit to it
	for _, model := range []string{"transformer", "ensemble"} {
		for _, asked := range []string{"event", "whole"} {
			b.Run(fmt.Sprintf("model=%s/asked=%s", model, asked), func(b *testing.B) {
				s := serve.New(func() time.Time { return begin })
				s.Swap((&Engine{cache: sequence.NewCache(1 << 20)}).answersBy(b, "served", c.models()[model]))
				history := visits(events, items)
				changed, n := &history[events-1], 0
				if asked == "whole" {
					changed = &history[0]
				}
				ask := func() {
					n++
					changed.Item = turns[n%2]
					if _, err := s.Recommend(b.Context(), serve.Query{Subject: "ann", History: history, K: 50, Skip: skip}); err != nil {
						b.Fatal(err)
					}
				}
				ask()
				b.ReportAllocs()
				for b.Loop() {
					ask()
				}
			})
		}
	}
}
