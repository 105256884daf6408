package history

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"bellwether"
)

// popularLength is how many items a list of popular ones names.
const popularLength = 1000

// Popularity is how often people did something with each item, as a pass counted it in clean histories.
type Popularity struct {
	Day    int64                       `json:"day"` // of the pass, since 1970 in UTC
	Before map[bellwether.ItemID]int64 `json:"before,omitempty"`
	On     map[bellwether.ItemID]int64 `json:"on,omitempty"` // that day
}

func dayOf(t time.Time) int64 { return t.Unix() / 86400 }

// PopularityCounter is the reducer that counts Popularity.
type PopularityCounter struct{ Popularity }

// NewPopularity returns the reducer that counts what is popular as of a moment.
func (h *History) NewPopularity(asOf time.Time) *PopularityCounter {
	return &PopularityCounter{Popularity{Day: dayOf(asOf), Before: map[bellwether.ItemID]int64{}, On: map[bellwether.ItemID]int64{}}}
}

// Fork implements [Reducer].
func (c *PopularityCounter) Fork() Reducer {
	return &PopularityCounter{Popularity{Day: c.Day, Before: map[bellwether.ItemID]int64{}, On: map[bellwether.ItemID]int64{}}}
}

// Add implements [Reducer].
func (c *PopularityCounter) Add(p *Person) error {
	for i := range p.Events {
		e := &p.Events[i]
		if e.Item == "" || !e.Type.Personal() {
			continue
		}
		if dayOf(e.Occurred) < c.Day {
			c.Before[e.Item]++
		} else {
			c.On[e.Item]++
		}
	}
	return nil
}

// Merge implements [Reducer].
func (c *PopularityCounter) Merge(next Reducer) error {
	o := next.(*PopularityCounter)
	for id, n := range o.Before {
		c.Before[id] += n
	}
	for id, n := range o.On {
		c.On[id] += n
	}
	return nil
}

// Done implements [Reducer].
func (c *PopularityCounter) Done() error { return nil }

// Popular returns the items by number of clean events on the days before now's, as the last pass that was published
// counted them, best first; ties by id. Where there is no such day, the events so far count. Items of the catalogue without an event come
// last, in the order of their ids. The list must not be changed.
func (h *History) Popular(now time.Time) ([]bellwether.ScoredItem, error) {
	items, err := h.catalogue.read(h.source, &h.money)
	if err != nil {
		return nil, err
	}
	limits, day := h.state.Load(), dayOf(now)
	h.popularMu.Lock()
	defer h.popularMu.Unlock()
	if p := &h.popular; p.limits == limits && p.items == items && p.day == day {
		return p.list, nil
	}
	list := limits.Popular.list(day)
	h.popular = popularList{limits, items, day, rest(list, items)}
	return h.popular.list, nil
}

// popularList is a list of popular items with what it was made from.
type popularList struct {
	limits *Limits
	items  *catalogue
	day    int64
	list   []bellwether.ScoredItem
}

func (p *Popularity) list(day int64) []bellwether.ScoredItem {
	counts := p.Before
	if day > p.Day || len(p.Before) == 0 {
		counts = maps.Clone(p.Before)
		if counts == nil {
			counts = map[bellwether.ItemID]int64{}
		}
		for id, n := range p.On {
			counts[id] += n
		}
	}
	list := make([]bellwether.ScoredItem, 0, len(counts))
	for id, n := range counts {
		list = append(list, bellwether.ScoredItem{Item: id, Score: float64(n)})
	}
	slices.SortFunc(list, func(a, b bellwether.ScoredItem) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.Item, b.Item))
	})
	return list[:min(len(list), popularLength)]
}

// rest adds the items of the catalogue that list lacks, as far as there is room.
func rest(list []bellwether.ScoredItem, c *catalogue) []bellwether.ScoredItem {
	if len(list) >= popularLength {
		return list
	}
	have := make(map[bellwether.ItemID]bool, len(list))
	for _, it := range list {
		have[it.Item] = true
	}
	for _, id := range slices.Sorted(maps.Keys(c.items)) {
		if len(list) >= popularLength {
			break
		}
		if !have[id] {
			list = append(list, bellwether.ScoredItem{Item: id})
		}
	}
	return list
}
