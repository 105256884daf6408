package market

import (
	"fmt"
	"iter"
)

// Stream is for models of a billion parameters and for load tests: a century of
// two million customers of half a million items, whom nobody looks over. Making
// the world takes a quarter of a minute and a gigabyte.
func Stream() Preset {
	return Preset{Name: "stream", Customers: 2_000_000, Items: 500_000, Days: 36_500, Geos: 200, CampaignEvery: 28, Considered: 64}
}

// Events plays everybody day after day, as they are asked for: by day, then by
// customer. It keeps a State a customer. After an error there is nothing more.
func (w *World) Events(h Host) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		states := make([]State, len(w.Customers))
		for day := range w.Days {
			for i := range states {
				events, next, err := w.Day(i, day, states[i], h)
				if err != nil {
					yield(Event{}, fmt.Errorf("customer %d, day %d: %w", i, day, err))
					return
				}
				states[i] = next
				for _, e := range events {
					if !yield(e, nil) {
						return
					}
				}
			}
		}
	}
}

// consider draws the items that come to mind, item j in proportion to 1/(j+1) as
// in Zipf's law, and by draw index of c one of them from softmax(U). k tells a
// day's uses apart.
func (d *doing) consider(k int, c component, index int) int {
	items, weights := make([]int, d.Considered), make([]float64, d.Considered)
	width := ln(float64(len(d.Items)))
	for n := range items {
		j := int(exp(float64(d.uniform(ofConsidered, k*d.Considered+n)*width))) - 1
		items[n] = min(max(j, 0), len(d.Items)-1)
		weights[n] = exp(d.utility(d.i, items[n], d.day)) * d.pull(d.s, items[n])
	}
	return items[d.pick(weights, c, index)]
}
