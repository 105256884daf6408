package storetest

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"bellwether/store"

	"github.com/google/go-cmp/cmp"
)

// countIDs keeps how often each id came, and under "" how many ids there are.
func countIDs(w *store.ViewWriter, b store.Batch) error {
	for _, r := range b.Records {
		times, err := w.Get([]byte("id/" + r.ID))
		if err != nil {
			return err
		}
		if times == nil {
			total, err := w.Get([]byte("total"))
			if err != nil {
				return err
			}
			w.Set([]byte("total"), plusOne(total))
		}
		w.Set([]byte("id/"+r.ID), plusOne(times))
	}
	return nil
}

func plusOne(b []byte) []byte {
	n, _ := binary.Uvarint(b)
	return binary.AppendUvarint(nil, n+1)
}

func (f *fixture) view(name string, version int, fold store.Fold) *store.View {
	f.t.Helper()
	v, err := f.View(f.ctx(), name, version, fold)
	f.must(err)
	return v
}

// number returns the number under key, 0 when absent.
func (f *fixture) number(v *store.View, key string) int {
	f.t.Helper()
	value, err := v.Get([]byte(key))
	f.must(err)
	n, _ := binary.Uvarint(value)
	return int(n)
}

func (f *fixture) wait(v *store.View, sequence uint64) {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(f.ctx(), 20*time.Second)
	defer cancel()
	f.must(v.Wait(ctx, sequence))
}

func (suite) viewFollows(t *testing.T, f *fixture) {
	f.append("a", "b")
	v := f.view("count", 1, countIDs)
	if got := f.number(v, "total"); got != 2 {
		t.Errorf("%d ids when opened, want 2", got)
	}
	last := f.append("c", "a")
	f.wait(v, last)
	if got := f.number(v, "total"); got != 3 || v.Cursor() != last {
		t.Errorf("%d ids at %d, want 3 at %d", got, v.Cursor(), last)
	}
	ctx, cancel := context.WithTimeout(f.ctx(), 10*time.Millisecond)
	defer cancel()
	if err := v.Wait(ctx, last+1); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Wait for what never comes: %v", err)
	}
	if _, err := f.View(f.ctx(), "count", 1, countIDs); err == nil {
		t.Error("the view was opened twice")
	}
	if _, err := f.View(f.ctx(), "No", 1, countIDs); err == nil {
		t.Error("a bad name was taken")
	}
}

// viewOnce: many callers append, repeating records; two views follow; each id counts once.
func (suite) viewOnce(t *testing.T, f *fixture) {
	one, two := f.view("one", 1, countIDs), f.view("two", 1, countIDs)
	var last atomic.Uint64
	var group sync.WaitGroup
	for c := range 8 {
		group.Go(func() {
			for i := range 50 {
				sequence, err := f.Log.Append(f.ctx(), records(fmt.Sprint(i), fmt.Sprint(c, "-", i))...)
				if err != nil {
					t.Error(err)
				}
				for at := last.Load(); sequence > at && !last.CompareAndSwap(at, sequence); at = last.Load() {
				}
			}
		})
	}
	group.Wait()
	for _, v := range []*store.View{one, two} {
		f.wait(v, last.Load())
		if got, again := f.number(v, "total"), f.number(v, "id/7"); got != 50+8*50 || again != 8 {
			t.Errorf("%d ids, want %d; id 7 came %d times, want 8", got, 50+8*50, again)
		}
	}
}

// viewResumes: a view that is opened again folds only what is new.
func (suite) viewResumes(t *testing.T, f *fixture) {
	for range 5 {
		f.append("a")
	}
	f.wait(f.view("count", 1, countIDs), 5)
	f.close()
	f.open()
	f.append("b")
	folded := 0
	v := f.view("count", 1, func(w *store.ViewWriter, b store.Batch) error { folded++; return countIDs(w, b) })
	if got := f.number(v, "id/a"); got != 5 || folded != 1 || f.number(v, "total") != 2 {
		t.Errorf("folded %d batches, a came %d times", folded, got)
	}
	f.must(v.Close())
	v = f.view("count", 1, countIDs)
	if f.number(v, "total") != 2 {
		t.Error("a view that was closed and opened again differs")
	}
}

// viewVersion: another version forgets what the old one stored.
func (suite) viewVersion(t *testing.T, f *fixture) {
	f.append("a")
	v := f.view("count", 1, func(w *store.ViewWriter, _ store.Batch) error { w.Set([]byte("old"), []byte("x")); return nil })
	f.must(v.Close())
	v = f.view("count", 2, countIDs)
	if got := f.number(v, "total"); got != 1 {
		t.Errorf("%d ids, want 1", got)
	}
	if old, err := v.Get([]byte("old")); err != nil || old != nil {
		t.Errorf("the old version's key is there: %q, %v", old, err)
	}
}

func (suite) viewRebuild(t *testing.T, f *fixture) {
	last := f.append("a", "b")
	extra := []byte("extra")
	v := f.view("count", 1, func(w *store.ViewWriter, b store.Batch) error {
		if extra != nil {
			w.Set(extra, extra)
		}
		return countIDs(w, b)
	})
	neighbour := f.view("count2", 1, countIDs)
	extra = nil
	f.must(v.Rebuild(f.ctx()))
	if got, err := v.Get([]byte("extra")); err != nil || got != nil || f.number(v, "total") != 2 || v.Cursor() != last {
		t.Errorf("after Rebuild: extra %q, %v; %d ids at %d", got, err, f.number(v, "total"), v.Cursor())
	}
	last = f.append("c")
	f.wait(v, last)
	f.wait(neighbour, last)
	if f.number(v, "total") != 3 || f.number(neighbour, "total") != 3 {
		t.Error("a rebuilt view, or its neighbour, counts wrong")
	}
}

func (suite) viewScan(t *testing.T, f *fixture) {
	f.append("p\xff1", "p1", "p2", "q", "p")
	v := f.view("ids", 1, func(w *store.ViewWriter, b store.Batch) error {
		for _, r := range b.Records {
			w.Set([]byte(r.ID), r.Data)
		}
		w.Set(nil, []byte("empty key"))
		return nil
	})
	other := f.view("ids2", 1, func(w *store.ViewWriter, _ store.Batch) error { w.Set([]byte("p0"), nil); return nil })
	scan := func(v *store.View, scan func([]byte, func(k, v []byte) bool) error, prefix string, limit int) []string {
		got := []string{}
		f.must(scan([]byte(prefix), func(k, _ []byte) bool { got = append(got, string(k)); return len(got) < limit }))
		return got
	}
	for _, c := range []struct {
		got, want []string
	}{
		{scan(v, v.Scan, "p", 99), []string{"p", "p1", "p2", "p\xff1"}},
		{scan(v, v.ScanReverse, "p", 99), []string{"p\xff1", "p2", "p1", "p"}},
		{scan(v, v.ScanReverse, "p", 2), []string{"p\xff1", "p2"}},
		{scan(v, v.Scan, "", 99), []string{"", "p", "p1", "p2", "p\xff1", "q"}},
		{scan(v, v.Scan, "p\xff", 99), []string{"p\xff1"}},
		{scan(v, v.Scan, "x", 99), []string{}},
		{scan(other, other.Scan, "", 99), []string{"p0"}},
	} {
		if diff := cmp.Diff(c.want, c.got); diff != "" {
			t.Error(diff)
		}
	}
}

// viewFoldError: a view stops before the batch that its fold refuses, tells those who
// wait, and goes on when the fold takes it after all.
func (suite) viewFoldError(t *testing.T, f *fixture) {
	refused, refuse := errors.New("refused"), atomic.Bool{}
	fold := func(w *store.ViewWriter, b store.Batch) error {
		if err := countIDs(w, b); err != nil || !refuse.Load() {
			return err
		}
		return refused
	}
	v := f.view("count", 1, fold)
	good := f.append("a")
	f.wait(v, good)
	refuse.Store(true)
	bad := f.append("b")
	if err := v.Wait(f.ctx(), bad); !errors.Is(err, refused) {
		t.Errorf("Wait for a batch that was refused: %v", err)
	}
	if f.number(v, "total") != 1 || v.Cursor() != good {
		t.Errorf("%d ids at %d: the refused batch left traces", f.number(v, "total"), v.Cursor())
	}
	if _, err := f.View(f.ctx(), "other", 1, fold); !errors.Is(err, refused) {
		t.Errorf("opening a view whose fold fails: %v", err)
	}
	refuse.Store(false)
	f.must(v.Rebuild(f.ctx()))
	f.wait(v, bad)
	if f.number(v, "total") != 2 {
		t.Errorf("%d ids after the fold was mended", f.number(v, "total"))
	}
}

// viewWriter: Get sees the writes of the same fold, and what it was given is copied.
func (suite) viewWriter(t *testing.T, f *fixture) {
	fold := func(w *store.ViewWriter, b store.Batch) error {
		key, value := []byte("k"), []byte("1")
		w.Set(key, value)
		key[0], value[0] = 'x', 'x'
		w.Set([]byte("gone"), []byte("1"))
		w.Delete([]byte("gone"))
		w.Set([]byte("empty"), nil)
		k, err := w.Get([]byte("k"))
		gone, err2 := w.Get([]byte("gone"))
		empty, err3 := w.Get([]byte("empty"))
		if string(k) != "1" || gone != nil || empty == nil {
			t.Errorf("in the fold: k %q, gone %q, empty %v", k, gone, empty)
		}
		return errors.Join(err, err2, err3)
	}
	f.append("a")
	v := f.view("keys", 1, fold)
	for key, want := range map[string][]byte{"k": []byte("1"), "gone": nil, "x": nil, "empty": {}} {
		if got, err := v.Get([]byte(key)); err != nil || !cmp.Equal(got, want) {
			t.Errorf("%s = %q, %v, want %q", key, got, err, want)
		}
	}
}

// viewGetAll: many keys at once are what Get says of each, in any order, also of the view's neighbours in the same store.
func (suite) viewGetAll(t *testing.T, f *fixture) {
	fold := func(w *store.ViewWriter, b store.Batch) error {
		for i := range 3000 {
			w.Set(fmt.Appendf(nil, "%04d", i*2), fmt.Appendf(nil, "value %d", i*2))
		}
		w.Delete([]byte("0100"))
		w.Set([]byte("0102"), nil)
		return nil
	}
	f.append("a")
	v, other := f.view("keys", 1, fold), f.view("keyt", 1, func(w *store.ViewWriter, _ store.Batch) error { w.Set([]byte("0001"), nil); return nil })
	f.wait(v, 1)
	f.wait(other, 1)
	var keys [][]byte
	for i := range 6000 {
		keys = append(keys, fmt.Appendf(nil, "%04d", (i*7919+5)%6001), fmt.Appendf(nil, "%03d", i%1000))
	}
	keys = append(keys, nil, []byte("9"), []byte("0000\x00"))
	got := map[int]string{}
	f.must(v.GetAll(keys, func(at int, value []byte) { got[at] = string(value) }))
	for i, key := range keys {
		want, err := v.Get(key)
		f.must(err)
		if value, ok := got[i]; ok != (want != nil) || value != string(want) {
			t.Fatalf("%q is %q (there: %v) among others, %q alone", key, value, ok, want)
		}
	}
	if len(got) < 2900 {
		t.Errorf("%d keys were found", len(got))
	}
}

func (suite) viewClosed(t *testing.T, f *fixture) {
	v := f.view("count", 1, countIDs)
	waiting := make(chan error, 1)
	go func() { waiting <- v.Wait(f.ctx(), 1) }()
	f.must(v.Close())
	f.must(v.Close())
	if err := <-waiting; !errors.Is(err, store.ErrClosed) {
		t.Errorf("Wait in a closed view: %v", err)
	}
	if _, err := v.Get([]byte("k")); !errors.Is(err, store.ErrClosed) {
		t.Errorf("Get in a closed view: %v", err)
	}
	if err := v.GetAll(nil, nil); !errors.Is(err, store.ErrClosed) {
		t.Errorf("GetAll in a closed view: %v", err)
	}
	if err := v.Scan(nil, nil); !errors.Is(err, store.ErrClosed) {
		t.Errorf("Scan in a closed view: %v", err)
	}
	if err := v.Rebuild(f.ctx()); !errors.Is(err, store.ErrClosed) {
		t.Errorf("Rebuild of a closed view: %v", err)
	}
}
