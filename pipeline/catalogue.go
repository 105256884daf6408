package pipeline

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"bellwether"
	"bellwether/store"
)

// popularLength is how many items the popularity fallback can rank.
const popularLength = 1000

// catalogue is the view of what can be recommended. Its keys:
//
//	i/ITEM      → the Item as it was last said
//	n/DAY ITEM  → how many item events occurred on that day
//
// What requests read is kept in memory: all items, and the popular ones of the days before.
type catalogue struct {
	view    *store.View
	changed atomic.Bool // an item was folded since items was read

	mu      sync.Mutex
	items   map[bellwether.ItemID]*bellwether.Item
	day     int64 // for which popular was counted
	popular []bellwether.ScoredItem
	counted int // items of the catalogue when popular was counted
}

const catalogueVersion = 1

func openCatalogue(ctx context.Context, p *store.Project) (*catalogue, error) {
	c := new(catalogue)
	c.changed.Store(true)
	v, err := p.View(ctx, "catalogue", catalogueVersion, c.fold)
	if err != nil {
		return nil, fmt.Errorf("opening the view of items: %w", err)
	}
	c.view = v
	return c, nil
}

func (c *catalogue) fold(w *store.ViewWriter, b store.Batch) error {
	for _, r := range b.Records {
		switch r.Kind {
		case store.KindItem:
			var it bellwether.Item
			if err := store.Decode(r.Data, &it); err != nil {
				return fmt.Errorf("reading item %s: %w", r.ID, err)
			}
			w.Set(append([]byte("i/"), it.ID...), r.Data)
			c.changed.Store(true)
		case store.KindEvent:
			var e bellwether.Event
			if err := store.Decode(r.Data, &e); err != nil {
				return fmt.Errorf("reading event %s: %w", r.ID, err)
			}
			if e.Item == "" || !e.Type.Personal() {
				continue
			}
			if err := increment(w, countKey(day(e.Occurred), e.Item)); err != nil {
				return err
			}
		}
	}
	return nil
}

func increment(w *store.ViewWriter, key []byte) error {
	old, err := w.Get(key)
	if err != nil {
		return err
	}
	n, _ := binary.Uvarint(old)
	w.Set(key, binary.AppendUvarint(nil, n+1))
	return nil
}

// all returns every item by id. The map and the items must not be changed.
func (c *catalogue) all() (map[bellwether.ItemID]*bellwether.Item, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.changed.Swap(false) {
		return c.items, nil
	}
	items := make(map[bellwether.ItemID]*bellwether.Item)
	var failed error
	err := c.view.Scan([]byte("i/"), func(k, v []byte) bool {
		it := new(bellwether.Item)
		if failed = store.Decode(v, it); failed != nil {
			return false
		}
		items[it.ID] = it
		return true
	})
	if err = cmp.Or(err, failed); err != nil {
		c.changed.Store(true)
		return nil, fmt.Errorf("reading the catalogue: %w", err)
	}
	c.items = items
	return items, nil
}

// popularAt returns the items by number of events on the days before the day of now, best
// first; ties by id. Before there is such a day, the events so far count. Items of the catalogue
// without an event come last, in the order of their ids.
func (c *catalogue) popularAt(now time.Time) ([]bellwether.ScoredItem, error) {
	items, err := c.all()
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	today := day(now)
	if c.day == today && len(c.popular) > 0 && c.counted == len(items) {
		return c.popular, nil
	}
	list, err := c.count(today)
	if err == nil && len(list) == 0 {
		list, err = c.count(1 << 31)
	}
	if err != nil {
		return nil, fmt.Errorf("counting popular items: %w", err)
	}
	c.day, c.popular, c.counted = today, rest(list, items), len(items)
	return c.popular, nil
}

// rest adds the items that list lacks, as far as there is room.
func rest(list []bellwether.ScoredItem, items map[bellwether.ItemID]*bellwether.Item) []bellwether.ScoredItem {
	have := make(map[bellwether.ItemID]bool, len(list))
	for _, it := range list {
		have[it.Item] = true
	}
	for _, id := range slices.Sorted(maps.Keys(items)) {
		if len(list) >= popularLength {
			break
		}
		if !have[id] {
			list = append(list, bellwether.ScoredItem{Item: id})
		}
	}
	return list
}

func (c *catalogue) count(before int64) ([]bellwether.ScoredItem, error) {
	counts := make(map[bellwether.ItemID]uint64)
	err := c.view.Scan([]byte("n/"), func(k, v []byte) bool {
		if int64(binary.BigEndian.Uint32(k[2:])) >= before {
			return false
		}
		n, _ := binary.Uvarint(v)
		counts[bellwether.ItemID(k[6:])] += n
		return true
	})
	list := make([]bellwether.ScoredItem, 0, len(counts))
	for id, n := range counts {
		list = append(list, bellwether.ScoredItem{Item: id, Score: float64(n)})
	}
	slices.SortFunc(list, func(a, b bellwether.ScoredItem) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.Item, b.Item))
	})
	return list[:min(len(list), popularLength)], err
}

// day is the number of the UTC day of t since 1970.
func day(t time.Time) int64 { return t.Unix() / 86400 }

func countKey(day int64, item bellwether.ItemID) []byte {
	return append(binary.BigEndian.AppendUint32([]byte("n/"), uint32(day)), item...)
}

// Title returns the title of an item of the catalogue, "" when there is none.
func (e *Engine) Title(id bellwether.ItemID) string {
	items, err := e.catalogue.all()
	if err != nil || items[id] == nil {
		return ""
	}
	return items[id].Title
}
