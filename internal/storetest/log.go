package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"bellwether/store"

	"github.com/google/go-cmp/cmp"
)

func (suite) logOrder(t *testing.T, f *fixture) {
	if last, err := f.Log.Last(f.ctx()); err != nil || last != 0 {
		t.Fatalf("Last of an empty log = %d, %v", last, err)
	}
	first := f.append("a", "b")
	second := f.append("c")
	if second != first+1 {
		t.Errorf("sequences %d and %d, not one after the other", first, second)
	}
	if sequence, err := f.Log.Append(f.ctx()); sequence != 0 || err != nil {
		t.Errorf("Append of nothing = %d, %v", sequence, err)
	}
	if diff := cmp.Diff([]string{"a", "b", "c"}, f.ids(0)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"c"}, f.ids(first)); diff != "" {
		t.Error(diff)
	}
	if got := f.ids(second); len(got) != 0 {
		t.Errorf("after the end: %v", got)
	}
	var times []int64
	f.must(f.Log.Read(f.ctx(), 0, func(b store.Batch) error {
		times = append(times, b.Time.UnixNano())
		for _, r := range b.Records {
			if r.Kind != store.KindEvent || string(r.Data) != r.ID {
				t.Errorf("record %+v changed", r)
			}
		}
		return nil
	}))
	if !slices.IsSorted(times) || len(times) != 2 || times[0] == 0 {
		t.Errorf("times %v", times)
	}
}

// logConcurrent: what each of many callers appended is there, in each one's order, and
// the sequence that each was told is of the batch that holds it.
func (suite) logConcurrent(t *testing.T, f *fixture) {
	const callers, each = 16, 40
	told := make([][each]uint64, callers)
	var group sync.WaitGroup
	for c := range callers {
		group.Go(func() {
			for i := range each {
				sequence, err := f.Log.Append(f.ctx(), records(fmt.Sprintf("%d-%d", c, i))...)
				if err != nil {
					t.Error(err)
				}
				told[c][i] = sequence
			}
		})
	}
	group.Wait()
	next, batches := [callers]int{}, 0
	f.must(f.Log.Read(f.ctx(), 0, func(b store.Batch) error {
		batches++
		for _, r := range b.Records {
			var c, i int
			if _, err := fmt.Sscanf(r.ID, "%d-%d", &c, &i); err != nil {
				return err
			}
			if i != next[c] || told[c][i] != b.Sequence {
				t.Errorf("record %s in batch %d: want number %d, told %d", r.ID, b.Sequence, next[c], told[c][i])
			}
			next[c]++
		}
		return nil
	}))
	for c, n := range next {
		if n != each {
			t.Errorf("caller %d: %d records of %d", c, n, each)
		}
	}
	if batches > callers*each/2 {
		t.Errorf("%d appends made %d batches: they were not grouped", callers*each, batches)
	}
}

// logLarge: an append larger than a message is split, and comes back whole.
func (suite) logLarge(t *testing.T, f *fixture) {
	rng := rand.NewChaCha8([32]byte{1})
	want := make([]store.Record, 40)
	for i := range want {
		data := make([]byte, 500<<10)
		f.must(second(rng.Read(data)))
		want[i] = store.Record{Kind: store.KindNote, ID: fmt.Sprint(i), Data: data}
	}
	sequence, err := f.Log.Append(f.ctx(), want...)
	f.must(err)
	if last, err := f.Log.Last(f.ctx()); err != nil || last != sequence || sequence < 2 {
		t.Errorf("told %d, last %d, %v", sequence, last, err)
	}
	var got []store.Record
	f.must(f.Log.Read(f.ctx(), 0, func(b store.Batch) error {
		got = append(got, b.Records...)
		return nil
	}))
	if diff := cmp.Diff(ids(want), ids(got)); diff != "" {
		t.Fatal(diff)
	}
	for i := range got {
		if !bytes.Equal(got[i].Data, want[i].Data) {
			t.Errorf("data of record %d changed", i)
		}
	}
	_, err = f.Log.Append(f.ctx(), store.Record{ID: "x", Data: make([]byte, 9<<20)})
	if !errors.Is(err, store.ErrTooLarge) {
		t.Errorf("a record of 9 MiB: %v, want ErrTooLarge", err)
	}
}

func ids(records []store.Record) []string {
	out := make([]string, len(records))
	for i, r := range records {
		out[i] = r.ID
	}
	return out
}

// logMany: more batches than one page holds.
func (suite) logMany(t *testing.T, f *fixture) {
	var group sync.WaitGroup
	want := numbered("", 3000)
	for part := range slices.Chunk(want, 100) {
		group.Go(func() {
			for _, id := range part {
				if _, err := f.Log.Append(f.ctx(), records(id)...); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	got := f.ids(0)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func (suite) logLimits(t *testing.T, f *fixture) {
	ctx, cancel := context.WithCancel(f.ctx())
	cancel()
	if _, err := f.Log.Append(ctx, records("a")...); !errors.Is(err, context.Canceled) {
		t.Errorf("Append with a dead context: %v", err)
	}
	f.append("b")
	if err := f.Log.Read(ctx, 0, func(store.Batch) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("Read with a dead context: %v", err)
	}
	odd := []store.Record{{}, {Kind: 255, ID: "\x00\xff", Data: []byte{}}, {Kind: store.KindItem, ID: "", Data: []byte("d")}}
	f.must(second(f.Log.Append(f.ctx(), odd...)))
	var got []store.Record
	f.must(f.Log.Read(f.ctx(), 0, func(b store.Batch) error { got = append(got, b.Records...); return nil }))
	got = got[len(got)-3:]
	if got[1].Kind != 255 || got[1].ID != "\x00\xff" || string(got[2].Data) != "d" || len(got[0].Data) != 0 {
		t.Errorf("odd records came back as %+v", got)
	}
}

func second[T any](_ T, err error) error { return err }

func (suite) logClosed(t *testing.T, f *fixture) {
	log, s := f.Log, f.store
	f.close()
	if _, err := log.Append(f.ctx(), records("a")...); !errors.Is(err, store.ErrClosed) {
		t.Errorf("Append after Close: %v, want ErrClosed", err)
	}
	if _, err := s.Project(f.ctx(), f.id); !errors.Is(err, store.ErrClosed) {
		t.Errorf("Project after Close: %v, want ErrClosed", err)
	}
}

func (suite) logReadStops(t *testing.T, f *fixture) {
	f.append("a")
	f.append("b")
	stop, calls := errors.New("stop"), 0
	err := f.Log.Read(f.ctx(), 0, func(store.Batch) error { calls++; return stop })
	if err != stop || calls != 1 {
		t.Errorf("Read returned %v after %d calls", err, calls)
	}
}
