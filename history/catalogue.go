package history

import (
	"cmp"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

	"bellwether"
	"bellwether/store"
)

// catalogue is the items as they were last said, with prices in the main currency. It must not be changed.
type catalogue struct {
	items  map[bellwether.ItemID]*bellwether.Item
	folded map[string]bellwether.ItemID // a lower-case spelling → the one item that has it, "" if several have
}

// catalogues keeps the catalogue in memory, read anew when an item was folded since.
type catalogues struct {
	changed atomic.Bool
	mu      sync.Mutex
	now     *catalogue // guarded by mu
}

func (c *catalogues) read(s source, m *money) (*catalogue, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.changed.Swap(false) && c.now != nil {
		return c.now, nil
	}
	out := &catalogue{items: map[bellwether.ItemID]*bellwether.Item{}, folded: map[string]bellwether.ItemID{}}
	var failed error
	err := s.Scan([]byte{itemPrefix}, func(_, v []byte) bool {
		it := new(bellwether.Item)
		if failed = store.Decode(v, it); failed == nil {
			out.add(it, m)
		}
		return failed == nil
	})
	if err = cmp.Or(err, failed); err != nil {
		c.changed.Store(true)
		return nil, fmt.Errorf("history: reading the catalogue: %w", err)
	}
	c.now = out
	return out, nil
}

func (c *catalogue) add(it *bellwether.Item, m *money) {
	it.ID = squeeze(it.ID)
	it.Price, _ = m.convert(it.Price)
	it.Cost, _ = m.convert(it.Cost)
	c.items[it.ID] = it
	key := strings.ToLower(string(it.ID))
	if other, ok := c.folded[key]; ok && other != it.ID {
		c.folded[key] = ""
	} else {
		c.folded[key] = it.ID
	}
}
