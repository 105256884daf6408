package storetest

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"

	"bellwether"
	"bellwether/store"

	"github.com/google/go-cmp/cmp"
)

func (suite) kvChanges(t *testing.T, f *fixture) {
	kv, ctx := f.KV, f.ctx()
	if _, err := kv.Get(ctx, "k"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Get of an absent key: %v", err)
	}
	first, err := kv.Create(ctx, "k", []byte("1"))
	f.must(err)
	if _, err := kv.Create(ctx, "k", []byte("2")); !errors.Is(err, store.ErrConflict) {
		t.Errorf("Create of a key that exists: %v", err)
	}
	if _, err := kv.Update(ctx, "k", []byte("2"), first+7); !errors.Is(err, store.ErrConflict) {
		t.Errorf("Update of another revision: %v", err)
	}
	next, err := kv.Update(ctx, "k", []byte("2"), first)
	f.must(err)
	e, err := kv.Get(ctx, "k")
	if f.must(err); string(e.Value) != "2" || e.Revision != next || next <= first || e.Time.IsZero() {
		t.Errorf("Get = %+v, want revision %d", e, next)
	}
	f.must(kv.Delete(ctx, "k"))
	f.must(kv.Delete(ctx, "never"))
	if _, err := kv.Get(ctx, "k"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Get of a deleted key: %v", err)
	}
	f.must(second(kv.Create(ctx, "k", nil)))
	if e, err = kv.Get(ctx, "k"); err != nil || len(e.Value) != 0 {
		t.Errorf("an empty value: %+v, %v", e, err)
	}
	if _, err := kv.Put(ctx, "", nil); err == nil {
		t.Error("the empty key was taken")
	}
	if _, err := kv.Put(ctx, strings.Repeat("k", 1025), nil); err == nil {
		t.Error("a key of 1,025 bytes was taken")
	}
	if _, err := kv.Put(ctx, "big", make([]byte, 9<<20)); !errors.Is(err, store.ErrTooLarge) {
		t.Errorf("a value of 9 MiB: %v, want ErrTooLarge", err)
	}
}

// kvOneWins: of many who change the same revision, one does.
func (suite) kvOneWins(t *testing.T, f *fixture) {
	revision, err := f.KV.Put(f.ctx(), "k", []byte("0"))
	f.must(err)
	var won atomic.Int64
	var group sync.WaitGroup
	for range 16 {
		group.Go(func() {
			switch _, err := f.KV.Update(f.ctx(), "k", []byte("1"), revision); {
			case err == nil:
				won.Add(1)
			case !errors.Is(err, store.ErrConflict):
				t.Error(err)
			}
		})
	}
	group.Wait()
	if won.Load() != 1 {
		t.Errorf("%d of 16 won", won.Load())
	}
}

func (suite) kvKeys(t *testing.T, f *fixture) {
	for _, key := range []string{"a", "a/b", "a/b/c", "a/bc", "a//b", "a/", "b.c", "b*>", "é/世界", "=", "/"} {
		f.must(second(f.KV.Put(f.ctx(), key, []byte(key))))
	}
	f.must(second(f.KV.Put(f.ctx(), "a/gone", nil)))
	f.must(f.KV.Delete(f.ctx(), "a/gone"))
	for prefix, want := range map[string][]string{
		"":     {"/", "=", "a", "a/", "a//b", "a/b", "a/b/c", "a/bc", "b*>", "b.c", "é/世界"},
		"a/":   {"a/", "a//b", "a/b", "a/b/c", "a/bc"},
		"a/b":  {"a/b", "a/b/c", "a/bc"},
		"a/b/": {"a/b/c"},
		"b":    {"b*>", "b.c"},
		"é/世":  {"é/世界"},
		"none": {},
	} {
		got, err := f.KV.Keys(f.ctx(), prefix)
		f.must(err)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("Keys(%q): %s", prefix, diff)
		}
	}
	for _, key := range []string{"a//b", "é/世界", "b*>"} {
		if e, err := f.KV.Get(f.ctx(), key); err != nil || string(e.Value) != key {
			t.Errorf("Get(%q) = %q, %v", key, e.Value, err)
		}
	}
}

func (suite) kvHistory(t *testing.T, f *fixture) {
	for _, v := range []string{"1", "2", "3"} {
		f.must(second(f.KV.Put(f.ctx(), "k", []byte(v))))
	}
	f.must(f.KV.Delete(f.ctx(), "k"))
	history, err := f.KV.History(f.ctx(), "k")
	f.must(err)
	var got []string
	for _, e := range history {
		got = append(got, string(e.Value))
	}
	if diff := cmp.Diff([]string{"1", "2", "3"}, got); diff != "" {
		t.Error(diff)
	}
	if _, err := f.KV.History(f.ctx(), "none"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("History of an absent key: %v", err)
	}
}

func (f *fixture) object(name string) string {
	f.t.Helper()
	r, err := f.Objects.Get(f.ctx(), name)
	f.must(err)
	data, err := io.ReadAll(r)
	f.must(errors.Join(err, r.Close()))
	return string(data)
}

func (suite) objectsReplace(t *testing.T, f *fixture) {
	o, ctx := f.Objects, f.ctx()
	if _, err := o.Get(ctx, "m"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Get of an absent object: %v", err)
	}
	if list, err := o.List(ctx, ""); err != nil || len(list) != 0 {
		t.Errorf("List of nothing = %v, %v", list, err)
	}
	f.must(o.Put(ctx, "models/été 1", strings.NewReader("one")))
	f.must(o.Put(ctx, "models/empty", strings.NewReader("")))
	f.must(o.Put(ctx, "cards/1", strings.NewReader("card")))
	f.must(o.Put(ctx, "models/été 1", strings.NewReader("one more")))
	if got := f.object("models/été 1"); got != "one more" {
		t.Errorf("after a replacement: %q", got)
	}
	if got := f.object("models/empty"); got != "" {
		t.Errorf("the empty object: %q", got)
	}
	list, err := o.List(ctx, "models/")
	if f.must(err); len(list) != 2 || list[0].Name != "models/empty" || list[1].Size != 8 || list[1].Time.IsZero() {
		t.Errorf("List = %+v", list)
	}
	f.must(o.Delete(ctx, "models/été 1"))
	f.must(o.Delete(ctx, "never"))
	if _, err := o.Get(ctx, "models/été 1"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Get of a deleted object: %v", err)
	}
}

func (suite) objectsFailingSource(t *testing.T, f *fixture) {
	broken := errors.New("broken")
	f.must(f.Objects.Put(f.ctx(), "m", strings.NewReader("old")))
	source := io.MultiReader(strings.NewReader(strings.Repeat("new", 100_000)), iotest.ErrReader(broken))
	if err := f.Objects.Put(f.ctx(), "m", source); !errors.Is(err, broken) {
		t.Errorf("Put from a failing source: %v", err)
	}
	if got := f.object("m"); got != "old" {
		t.Errorf("a failed Put left %d bytes", len(got))
	}
}

// objectsLarge: an object of many parts comes back right; one that is replaced while it
// is read ends with an error, never with a mixture or in silence.
func (suite) objectsLarge(t *testing.T, f *fixture) {
	data := make([]byte, 20<<20)
	f.must(second(rand.NewChaCha8([32]byte{2}).Read(data)))
	f.must(f.Objects.Put(f.ctx(), "m", bytes.NewReader(data)))
	if !bytes.Equal([]byte(f.object("m")), data) {
		t.Error("20 MiB changed")
	}
	r, err := f.Objects.Get(f.ctx(), "m")
	f.must(err)
	f.must(second(io.ReadFull(r, make([]byte, 1000))))
	f.must(f.Objects.Put(f.ctx(), "m", strings.NewReader("new")))
	if n, err := io.Copy(io.Discard, r); err == nil && n+1000 != int64(len(data)) {
		t.Errorf("read %d bytes of a replaced object without an error", n)
	}
	f.must(r.Close())
	r, err = f.Objects.Get(f.ctx(), "m")
	f.must(err)
	f.must(r.Close()) // unread
}

// projects: what is one project's is not another's, even when one name begins another.
func (suite) projects(t *testing.T, f *fixture) {
	other, err := f.store.Project(f.ctx(), f.id+"_log")
	f.must(err)
	f.append("mine")
	f.must(second(f.KV.Put(f.ctx(), "k", []byte("mine"))))
	f.must(f.Objects.Put(f.ctx(), "o", strings.NewReader("mine")))
	if last, err := other.Log.Last(f.ctx()); err != nil || last != 0 {
		t.Errorf("the other log's end is %d, %v", last, err)
	}
	if _, err := other.KV.Get(f.ctx(), "k"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("the other project's key: %v", err)
	}
	if _, err := other.Objects.Get(f.ctx(), "o"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("the other project's object: %v", err)
	}
	again, err := f.store.Project(f.ctx(), f.id)
	if f.must(err); again != f.Project {
		t.Error("a project was opened twice")
	}
	ids, err := f.store.Projects(f.ctx())
	f.must(err)
	found := 0
	for _, id := range ids {
		if id == f.id || id == other.ID {
			found++
		}
	}
	if found != 2 {
		t.Errorf("Projects = %v", ids)
	}
	for _, id := range []bellwether.ProjectID{"", "A", "a.b", "a b", "a/b", "é", "*"} {
		if _, err := f.store.Project(f.ctx(), id); err == nil {
			t.Errorf("project %q was taken", id)
		}
	}
}

// reopen: everything is there after the store was closed and opened again.
func (suite) reopen(t *testing.T, f *fixture) {
	f.append("a", "b")
	revision, err := f.KV.Put(f.ctx(), "k", []byte("v"))
	f.must(err)
	f.must(f.Objects.Put(f.ctx(), "o", strings.NewReader("object")))
	f.close()
	f.open()
	f.append("c")
	if diff := cmp.Diff([]string{"a", "b", "c"}, f.ids(0)); diff != "" {
		t.Error(diff)
	}
	if e, err := f.KV.Get(f.ctx(), "k"); err != nil || string(e.Value) != "v" || e.Revision != revision {
		t.Errorf("key: %+v, %v", e, err)
	}
	if got := f.object("o"); got != "object" {
		t.Errorf("object: %q", got)
	}
}
