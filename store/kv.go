package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// KV holds small values by key, each with a revision that rises with every change.
// Keys are any text of 1 to 1,024 bytes; '/' divides them into levels, by which Keys
// finds them fast. Changes are on disk when the method returns.
type KV struct {
	project *Project
	store   *Store
	bucket  jetstream.KeyValue
	name    string // of the bucket
}

// Entry is one value of a KV.
type Entry struct {
	Value    []byte
	Revision uint64
	Time     time.Time // when it was stored
}

const maxKey = 1024

// Get returns the value of key, or ErrNotFound.
func (kv *KV) Get(ctx context.Context, key string) (Entry, error) {
	subject, err := encodeKey(key)
	if err != nil {
		return Entry{}, err
	}
	e, err := kv.bucket.Get(ctx, subject)
	if err != nil {
		return Entry{}, kv.failed(ctx, "reading", key, err)
	}
	return Entry{Value: e.Value(), Revision: e.Revision(), Time: e.Created()}, nil
}

// Put sets key, whatever it held.
func (kv *KV) Put(ctx context.Context, key string, value []byte) (revision uint64, err error) {
	return kv.change(ctx, key, func(subject string) (uint64, error) { return kv.bucket.Put(ctx, subject, value) })
}

// Create sets key if it is absent, else it returns ErrConflict.
func (kv *KV) Create(ctx context.Context, key string, value []byte) (revision uint64, err error) {
	return kv.change(ctx, key, func(subject string) (uint64, error) { return kv.bucket.Create(ctx, subject, value) })
}

// Update sets key if it still has the revision, else it returns ErrConflict.
func (kv *KV) Update(ctx context.Context, key string, value []byte, revision uint64) (uint64, error) {
	return kv.change(ctx, key, func(subject string) (uint64, error) {
		return kv.bucket.Update(ctx, subject, value, revision)
	})
}

// Delete removes key; an absent key is no error. Its history stays.
func (kv *KV) Delete(ctx context.Context, key string) error {
	_, err := kv.change(ctx, key, func(subject string) (uint64, error) {
		m := nats.NewMsg("$KV." + kv.name + "." + subject)
		m.Header.Set("KV-Operation", "DEL")
		ack, err := kv.store.js.PublishMsg(ctx, m)
		if err != nil {
			return 0, err
		}
		return ack.Sequence, nil
	})
	return err
}

func (kv *KV) change(ctx context.Context, key string, do func(subject string) (uint64, error)) (uint64, error) {
	subject, err := encodeKey(key)
	if err != nil {
		return 0, err
	}
	if err := errors.Join(kv.project.readOnly(), kv.store.room()); err != nil {
		return 0, kv.failed(ctx, "writing", key, err)
	}
	revision, err := do(subject)
	if err == nil {
		err = kv.store.guard.acknowledged("KV_"+kv.name, revision)
	}
	if err != nil {
		return 0, kv.failed(ctx, "writing", key, err)
	}
	return revision, nil
}

// Keys lists the keys that begin with prefix, in order.
func (kv *KV) Keys(ctx context.Context, prefix string) ([]string, error) {
	filter := ">"
	if i := strings.LastIndexByte(prefix, '/'); i >= 0 {
		subject, err := encodeKey(prefix[:i])
		if err != nil {
			return nil, err
		}
		filter = subject + ".>"
	}
	keys := []string{}
	err := kv.each(ctx, filter, func(e jetstream.KeyValueEntry) error {
		key, err := decodeKey(e.Key())
		if err == nil && strings.HasPrefix(key, prefix) {
			keys = append(keys, key)
		}
		return err
	}, jetstream.IgnoreDeletes(), jetstream.MetaOnly())
	if err != nil {
		return nil, kv.failed(ctx, "listing", prefix, err)
	}
	slices.Sort(keys)
	return keys, nil
}

// each calls fn with what the bucket holds under filter. It waits no longer than
// Options.Timeout for the next entry: a server that cannot read one says nothing.
func (kv *KV) each(ctx context.Context, filter string, fn func(jetstream.KeyValueEntry) error, o ...jetstream.WatchOpt) error {
	watcher, err := kv.bucket.Watch(ctx, filter, o...)
	if err != nil {
		return err
	}
	defer watcher.Stop() //nolint:errcheck // fails only on a closed connection
	patience := time.NewTimer(kv.store.options.Timeout)
	defer patience.Stop()
	for {
		select {
		case e, ok := <-watcher.Updates():
			if !ok {
				return nats.ErrConnectionClosed
			}
			if e == nil { // that was all
				return ctx.Err()
			}
			if err := fn(e); err != nil {
				return err
			}
			patience.Reset(kv.store.options.Timeout)
		case <-patience.C:
			return fmt.Errorf("%w: keys are not answered for %v: if it lasts, stop the program and run bellwether doctor (%w)",
				ErrUnavailable, kv.store.options.Timeout, nats.ErrTimeout)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// History returns the values that key had, oldest first: the last eight changes,
// deletions left out. It returns ErrNotFound when there are none.
func (kv *KV) History(ctx context.Context, key string) ([]Entry, error) {
	subject, err := encodeKey(key)
	if err != nil {
		return nil, err
	}
	history, known := []Entry{}, false
	err = kv.each(ctx, subject, func(e jetstream.KeyValueEntry) error {
		if known = true; e.Operation() == jetstream.KeyValuePut {
			history = append(history, Entry{Value: e.Value(), Revision: e.Revision(), Time: e.Created()})
		}
		return nil
	}, jetstream.IncludeHistory())
	if err == nil && !known {
		err = jetstream.ErrKeyNotFound
	}
	if err != nil {
		return nil, kv.failed(ctx, "reading", key, err)
	}
	return history, nil
}

func (kv *KV) failed(ctx context.Context, doing, key string, err error) error {
	return fmt.Errorf("%s key %q: %w", doing, key, kv.store.failed(ctx, err))
}

// encodeKey makes a NATS key of any text: '/' becomes the level mark '.', an empty
// level "=", and a byte that NATS does not take "=" and its two hex digits.
func encodeKey(key string) (string, error) {
	if key == "" || len(key) > maxKey {
		return "", fmt.Errorf("key of %d bytes: it must have 1 to %d", len(key), maxKey)
	}
	var b strings.Builder
	for i, level := range strings.Split(key, "/") {
		if i > 0 {
			b.WriteByte('.')
		}
		if level == "" {
			b.WriteByte('=')
		}
		for _, c := range []byte(level) {
			if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' {
				b.WriteByte(c)
			} else {
				fmt.Fprintf(&b, "=%02X", c)
			}
		}
	}
	return b.String(), nil
}

var errKey = errors.New("store: a key in the bucket was not written by Bellwether")

func decodeKey(subject string) (string, error) {
	var b strings.Builder
	for i, level := range strings.Split(subject, ".") {
		if i > 0 {
			b.WriteByte('/')
		}
		if level == "=" {
			continue
		}
		for len(level) > 0 {
			if level[0] != '=' {
				b.WriteByte(level[0])
				level = level[1:]
				continue
			}
			if len(level) < 3 {
				return "", errKey
			}
			c, err := strconv.ParseUint(level[1:3], 16, 8)
			if err != nil {
				return "", errKey
			}
			b.WriteByte(byte(c))
			level = level[3:]
		}
	}
	return b.String(), nil
}
