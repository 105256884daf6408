package collect

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"bellwether/store"
)

// memory is a log that keeps what was folded from it and forgets the records: a dry run writes
// here, over the real view. It is for one goroutine.
type memory struct {
	folder folder
	base   view // looked into after values; nil: none
	clock  func() time.Time
	last   uint64
	values map[string][]byte // nil: deleted
}

func (m *memory) Append(_ context.Context, records ...store.Record) (uint64, error) {
	m.last++
	return m.last, m.folder.fold(m, store.Batch{Sequence: m.last, Time: m.clock(), Records: records})
}

func (m *memory) Last(context.Context) (uint64, error) { return m.last, nil }
func (m *memory) Wait(context.Context, uint64) error   { return nil }
func (m *memory) Cursor() uint64                       { return m.last }
func (m *memory) Set(key, value []byte)                { m.values[string(key)] = value }
func (m *memory) Delete(key []byte)                    { m.values[string(key)] = nil }

func (m *memory) Get(key []byte) ([]byte, error) {
	v, ok := m.values[string(key)]
	if ok || m.base == nil {
		return v, nil
	}
	return m.base.Get(key)
}

// GetAll asks for one key after the other.
func (m *memory) GetAll(keys [][]byte, fn func(at int, value []byte)) error {
	for i, key := range keys {
		value, err := m.Get(key)
		if err != nil {
			return err
		}
		if value != nil {
			fn(i, value)
		}
	}
	return nil
}

// Scan sees what was written here, not what is below.
func (m *memory) Scan(prefix []byte, fn func(k, v []byte) bool) error {
	for _, k := range slices.Sorted(maps.Keys(m.values)) {
		if v := m.values[k]; v != nil && strings.HasPrefix(k, string(prefix)) && !fn([]byte(k), v) {
			return nil
		}
	}
	return nil
}
