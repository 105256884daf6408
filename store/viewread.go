package store

import (
	"bytes"
	"errors"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
)

// Get returns a copy of the value of key, nil when absent.
func (v *View) Get(key []byte) ([]byte, error) {
	i, err := v.enter()
	if err != nil {
		return nil, err
	}
	defer v.leave(i)
	var space [128]byte
	value, err := get(i.DB, append(append(space[:0], v.prefix...), key...))
	return value, i.judge(err)
}

// GetAll calls fn with the place and the value of each key that is there; fn must not keep the value. It is for many keys of which most
// are absent, and costs least where they are in order: one iterator goes through them and asks the filters of the last level too,
// which Get does not.
func (v *View) GetAll(keys [][]byte, fn func(at int, value []byte)) error {
	in, err := v.enter()
	if err != nil {
		return err
	}
	defer v.leave(in)
	i, err := in.NewIter(&pebble.IterOptions{LowerBound: v.prefix, UpperBound: after(v.prefix), UseL6Filters: true})
	if err != nil {
		return in.judge(err)
	}
	var space [128]byte
	full := append(space[:0], v.prefix...)
	for at, key := range keys {
		full = append(full[:len(v.prefix)], key...)
		if i.SeekPrefixGE(full) && bytes.Equal(i.Key(), full) {
			fn(at, i.Value())
		} else if i.Error() != nil {
			break
		}
	}
	return in.judge(errors.Join(i.Error(), i.Close()))
}

// Scan calls fn with the keys that begin with prefix, in order, until fn returns
// false. It sees the view as of the call. fn must neither keep k and v, which it
// may use until it returns, nor close the view.
func (v *View) Scan(prefix []byte, fn func(k, v []byte) bool) error {
	return v.scan(prefix, (*pebble.Iterator).First, (*pebble.Iterator).Next, fn)
}

// ScanReverse is Scan from the last key to the first.
func (v *View) ScanReverse(prefix []byte, fn func(k, v []byte) bool) error {
	return v.scan(prefix, (*pebble.Iterator).Last, (*pebble.Iterator).Prev, fn)
}

func (v *View) scan(prefix []byte, first, next func(*pebble.Iterator) bool, fn func(k, v []byte) bool) error {
	in, err := v.enter()
	if err != nil {
		return err
	}
	defer v.leave(in)
	lower := append(slices.Clone(v.prefix), prefix...)
	i, err := in.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: after(lower)})
	if err != nil {
		return in.judge(err)
	}
	for ok := first(i); ok; ok = next(i) {
		if !fn(i.Key()[len(v.prefix):], i.Value()) {
			break
		}
	}
	return in.judge(errors.Join(i.Error(), i.Close()))
}

// gate counts those inside and, once closed, lets nobody in.
type gate struct {
	inside     atomic.Int64 // plus closedGate once closed
	shut, left sync.Once
	empty      chan struct{}
}

const closedGate = -1 << 62

func newGate() *gate { return &gate{empty: make(chan struct{})} }

func (g *gate) enter() bool {
	if g.inside.Add(1) > 0 {
		return true
	}
	g.leave()
	return false
}

func (g *gate) leave() { g.moved(g.inside.Add(-1)) }

// close waits until everyone has left. Closing again is fine.
func (g *gate) close() {
	g.shut.Do(func() { g.moved(g.inside.Add(closedGate)) })
	<-g.empty
}

func (g *gate) moved(inside int64) {
	if inside == closedGate {
		g.left.Do(func() { close(g.empty) })
	}
}
