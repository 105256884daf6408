package history

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"time"

	"bellwether"
	"bellwether/store"
)

// memory is a view in memory: for a preview, for scenarios and for tests. It is folded once and then read.
type memory struct {
	values map[string][]byte
	keys   []string // sorted, once folded
}

// Get returns the value of a key.
func (m *memory) Get(key []byte) ([]byte, error) { return m.values[string(key)], nil }

// Set sets a key.
func (m *memory) Set(key, value []byte) {
	if _, known := m.values[string(key)]; !known {
		m.keys = nil
	}
	m.values[string(key)] = bytes.Clone(value)
}

func (m *memory) sort() {
	if m.keys == nil {
		m.keys = make([]string, 0, len(m.values))
		for k := range m.values {
			m.keys = append(m.keys, k)
		}
		slices.Sort(m.keys)
	}
}

func (m *memory) within(prefix []byte) []string {
	from, _ := slices.BinarySearch(m.keys, string(prefix))
	to := from
	for to < len(m.keys) && strings.HasPrefix(m.keys[to], string(prefix)) {
		to++
	}
	return m.keys[from:to]
}

// Scan implements source.
func (m *memory) Scan(prefix []byte, fn func(k, v []byte) bool) error {
	for from, _ := slices.BinarySearch(m.keys, string(prefix)); from < len(m.keys) && strings.HasPrefix(m.keys[from], string(prefix)); from++ {
		if !fn([]byte(m.keys[from]), m.values[m.keys[from]]) {
			break
		}
	}
	return nil
}

// ScanReverse implements source.
func (m *memory) ScanReverse(prefix []byte, fn func(k, v []byte) bool) error {
	keys := m.within(prefix)
	for i := len(keys) - 1; i >= 0; i-- {
		if !fn([]byte(keys[i]), m.values[keys[i]]) {
			break
		}
	}
	return nil
}

// FromEvents is a history in memory of events in the log's order, decisions and items, whose limits and popularity are
// learned from what was received up to asOf (all of it when asOf is zero).
func FromEvents(events []bellwether.Event, decisions []bellwether.Decision, items []bellwether.Item, o Options, asOf time.Time) (*History, error) {
	o, err := o.withDefaults("memory")
	if err != nil {
		return nil, err
	}
	h, m := newHistory(o), &memory{values: map[string][]byte{}}
	h.source = m
	for i := range items {
		data, err := store.Encode(&items[i])
		if err != nil {
			return nil, err
		}
		m.Set(itemKey(items[i].ID), data)
	}
	for i := range events {
		h.last++
		if err := addEvent(m, &events[i], place{h.last, 0}); err != nil {
			return nil, err
		}
	}
	for i := range decisions {
		h.last++
		data, err := store.Encode(&decisions[i])
		if err != nil {
			return nil, err
		}
		if err := foldDecision(m, &store.Record{ID: string(decisions[i].ID), Data: data}, place{h.last, 0}); err != nil {
			return nil, err
		}
	}
	m.sort()
	return h, h.Refresh(context.Background(), asOf)
}

// Refresh learns the limits and what is popular from what was received up to a moment, and publishes both.
func (h *History) Refresh(ctx context.Context, asOf time.Time) error {
	if err := h.Learn(ctx, asOf); err != nil {
		return err
	}
	if asOf.IsZero() {
		asOf = h.o.Clock()
	}
	p := h.NewPopularity(asOf)
	if _, err := h.Pass(ctx, PassOptions{AsOf: asOf}, p); err != nil {
		return err
	}
	return h.Publish(ctx, &p.Popularity)
}
