package lake

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"bellwether"
	"bellwether/history"
	"bellwether/store"
)

var begin = time.Date(2026, 11, 1, 22, 0, 0, 123_456_000, time.UTC)

// event is the n-th of somebody: an hour after the one before.
func event(who string, n int) bellwether.Event {
	at := begin.Add(time.Duration(n) * time.Hour)
	e := bellwether.Event{
		ID: bellwether.EventID(fmt.Sprintf("%s/%d", who, n)), Type: bellwether.ViewItem, Occurred: at, Received: at.Add(time.Minute),
		Subject: bellwether.Subject(who), Item: bellwether.ItemID(fmt.Sprint("item-", n%7)),
	}
	if n%3 == 0 {
		e.Type, e.Quantity, e.Order = bellwether.Purchase, int64(1+n%2), fmt.Sprint("o", n)
		e.Price = bellwether.Money{Amount: int64(1000 + n), Currency: []bellwether.Currency{"EUR", "JPY", "KWD"}[n%9/3]}
	}
	return e
}

// person has n events.
func person(who string, n int) *history.Person {
	p := &history.Person{Subject: bellwether.Subject(who), Known: true, Identities: []history.Identity{{ID: bellwether.Subject(who), Parent: -1}}}
	for i := range n {
		p.Events, p.Owners = append(p.Events, event(who, i)), append(p.Owners, 0)
	}
	return p
}

func crowd(r *rand.Rand, n int) []*history.Person {
	people := make([]*history.Person, n)
	for i := range people {
		people[i] = person(fmt.Sprint("p", i), 1+r.IntN(60))
	}
	return people
}

// turn passes over people as history does: in parts, several at a time.
func turn(t testing.TB, target Target, people []*history.Person, o Options) (Report, error) {
	t.Helper()
	o.Scratch = t.TempDir()
	w, err := NewWriter(context.Background(), target, o)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	}()
	const parts = 8
	forks := make([]history.Reducer, parts)
	var all sync.WaitGroup
	for k := range forks {
		forks[k] = w.Fork()
		all.Go(func() {
			for i, p := range people {
				if i%parts == k {
					if err := forks[k].Add(p); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	all.Wait()
	for _, f := range forks {
		if err := w.Merge(f); err != nil {
			t.Fatal(err)
		}
	}
	err = w.Done()
	return w.Report(), err
}

func mustTurn(t testing.TB, target Target, people []*history.Person, o Options) Report {
	t.Helper()
	r, err := turn(t, target, people, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// contents are all files but the manifest, which counts turns.
func contents(t testing.TB, target Target) map[string]string {
	t.Helper()
	ctx := context.Background()
	list, err := target.List(ctx, "")
	if err != nil {
		t.Fatal(err)
	}
	out := make(map[string]string)
	for _, f := range list {
		r, err := target.Get(ctx, f.Name)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		r.Close()
		if f.Name != manifestName {
			out[f.Name] = string(b)
		}
	}
	return out
}

func differences(a, b map[string]string) (names []string) {
	for name, text := range a {
		if b[name] != text {
			names = append(names, name)
		}
	}
	for name := range b {
		if _, ok := a[name]; !ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// rowsOf reads a table.
func rowsOf[R Row](t testing.TB, target Target, f Filter) (rows []R) {
	t.Helper()
	if err := Each(context.Background(), target, f, func(r *R) error { rows = append(rows, *r); return nil }); err != nil {
		t.Fatal(err)
	}
	return rows
}

// memory is a target for tests.
type memory struct {
	mu    sync.Mutex
	files map[string][]byte
}

func newMemory() *memory { return &memory{files: map[string][]byte{}} }

func (m *memory) Put(_ context.Context, name string, r io.Reader) error {
	b, err := io.ReadAll(r)
	m.mu.Lock()
	defer m.mu.Unlock()
	if err == nil {
		m.files[name] = b
	}
	return err
}

func (m *memory) Get(_ context.Context, name string) (io.ReadCloser, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	b, ok := m.files[name]
	if !ok {
		return nil, store.ErrNotFound
	}
	return io.NopCloser(bytes.NewReader(b)), nil
}

func (m *memory) List(_ context.Context, prefix string) (list []store.ObjectInfo, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(m.files)) {
		if strings.HasPrefix(name, prefix) {
			list = append(list, store.ObjectInfo{Name: name, Size: int64(len(m.files[name]))})
		}
	}
	return list, nil
}

func (m *memory) Delete(_ context.Context, name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.files, name)
	return nil
}
