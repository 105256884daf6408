package store

import (
	"errors"
	"maps"
	"slices"

	"github.com/cockroachdb/pebble/v2"
)

// Fold writes into the view what b changes. It must depend on nothing but b and what
// w.Get returns, for a rebuilt view must equal one that followed the log. It must not
// keep w. An error stops the view before b.
type Fold func(w *ViewWriter, b Batch) error

// ViewWriter changes a view inside a Fold. Changes are kept in memory and stored
// together with the cursor, those of several batches at once while a view catches up.
type ViewWriter struct {
	db      *pebble.DB
	prefix  []byte // of the view's keys
	key     []byte // scratch
	changes map[string]change
	bytes   int
}

// change is the value of a key that was written or read since the last store.
type change struct {
	value   []byte // nil: absent
	written bool
}

func newViewWriter(db *pebble.DB, prefix []byte) *ViewWriter {
	return &ViewWriter{db: db, prefix: prefix, changes: map[string]change{}}
}

// Get returns the value of key as changed so far, nil when absent. The caller must not change it.
func (w *ViewWriter) Get(key []byte) ([]byte, error) {
	if c, ok := w.changes[string(key)]; ok {
		return c.value, nil
	}
	w.key = append(append(w.key[:0], w.prefix...), key...)
	value, err := get(w.db, w.key)
	if err == nil {
		w.put(key, change{value: value})
	}
	return value, err
}

// Set sets key. Both slices are copied.
func (w *ViewWriter) Set(key, value []byte) {
	w.put(key, change{value: append(make([]byte, 0, len(value)), value...), written: true})
}

// Delete removes key.
func (w *ViewWriter) Delete(key []byte) { w.put(key, change{written: true}) }

func (w *ViewWriter) put(key []byte, c change) {
	w.changes[string(key)] = c
	w.bytes += len(key) + len(c.value)
}

// store writes the changes into b, in the order of their keys, which is how Pebble takes them in fastest, and forgets them.
func (w *ViewWriter) store(b *pebble.Batch) error {
	for _, key := range slices.Sorted(maps.Keys(w.changes)) {
		c := w.changes[key]
		if !c.written {
			continue
		}
		w.key = append(append(w.key[:0], w.prefix...), key...)
		var err error
		if c.value == nil {
			err = b.Delete(w.key, nil)
		} else {
			err = b.Set(w.key, c.value, nil)
		}
		if err != nil {
			return err
		}
	}
	w.forget()
	return nil
}

func (w *ViewWriter) forget() {
	clear(w.changes)
	w.bytes = 0
}

// get returns a copy of the value of key, nil when absent.
func get(db *pebble.DB, key []byte) ([]byte, error) {
	value, closer, err := db.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	value = append(make([]byte, 0, len(value)), value...)
	return value, closer.Close()
}

// after returns the first key that does not begin with prefix; nil when there is none.
func after(prefix []byte) []byte {
	end := slices.Clone(prefix)
	for i := len(end) - 1; i >= 0; i-- {
		if end[i]++; end[i] != 0 {
			return end[:i+1]
		}
	}
	return nil
}
