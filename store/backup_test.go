package store_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"bellwether/store"
)

// TestBackupWhileServing: copies that are made while several callers append, change keys and replace an
// object hold what was acknowledged before each began, agree with themselves, and share what did not change.
func TestBackupWhileServing(t *testing.T) {
	t.Run("folder", func(t *testing.T) { backupWhileServing(t, store.BackupFolder(t.TempDir())) })
	t.Run("bucket", func(t *testing.T) { backupWhileServing(t, store.BackupBucket(newBucket(t, nil), "shop/copies")) })
}

func backupWhileServing(t *testing.T, to store.Depot) {
	dir := t.TempDir()
	s := open(t, dir, store.Options{})
	p := project(t, s)
	var group sync.WaitGroup
	stop := make(chan struct{})
	var mu sync.Mutex
	done := map[string]int{}
	work := func(what string, do func(n int) error) {
		group.Go(func() {
			for n := 1; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				if err := do(n); err != nil {
					t.Error(what, err)
					return
				}
				mu.Lock()
				done[what] = n
				mu.Unlock()
			}
		})
	}
	for w := range 3 {
		work(fmt.Sprint("log ", w), func(n int) error {
			_, err := p.Log.Append(ctx, store.Record{ID: fmt.Sprint(w, "-", n), Data: noise(uint64(n), 30<<10)})
			return err
		})
	}
	work("keys", func(n int) error {
		if err := p.Objects.Put(ctx, fmt.Sprint("model-", n), bytes.NewReader(noise(uint64(n), 300<<10))); err != nil {
			return err
		}
		if _, err := p.KV.Put(ctx, "newest", []byte(fmt.Sprint("model-", n))); err != nil {
			return err
		}
		time.Sleep(500 * time.Millisecond) // models change now and then; a copy of them fits between
		return p.Objects.Delete(ctx, fmt.Sprint("model-", n-2))
	})
	type made struct {
		copy   store.Copy
		before map[string]int
	}
	var copies []made
	for range 4 {
		time.Sleep(300 * time.Millisecond)
		mu.Lock()
		before := map[string]int{}
		for k, v := range done {
			before[k] = v
		}
		mu.Unlock()
		c, err := store.Backup(ctx, dir, to)
		if err != nil {
			t.Fatal(err)
		}
		copies = append(copies, made{c, before})
	}
	close(stop)
	group.Wait()
	for i, m := range copies {
		var size int64
		for _, f := range m.copy.Files {
			size += f.Size
		}
		t.Logf("copy %d: %d bytes, %d of them new, after %v", i, size, m.copy.New, m.before)
		checkRestored(t, to, m.copy, m.before)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Backup(ctx, dir, to); err != nil {
		t.Fatal(err)
	}
	again, err := store.Backup(ctx, dir, to)
	if err != nil || again.New != 0 {
		t.Errorf("nothing changed and %d bytes are new, %v", again.New, err)
	}
	if err := store.Prune(ctx, to, 1); err != nil {
		t.Fatal(err)
	}
	if left, err := store.Copies(ctx, to); err != nil || len(left) != 1 {
		t.Errorf("%d copies are left, %v", len(left), err)
	}
	checkRestored(t, to, again, done)
}

func checkRestored(t *testing.T, to store.Depot, c store.Copy, before map[string]int) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data")
	if _, err := store.Restore(ctx, to, dir, c.Made); err != nil {
		t.Fatal(err)
	}
	s := open(t, dir, store.Options{})
	defer s.Close()
	p := project(t, s)
	if l := p.Losses(); len(l) > 0 || p.ReadOnly() != nil {
		t.Errorf("losses %v", l)
	}
	seen, last := map[string]bool{}, uint64(0)
	err := p.Log.Read(ctx, 0, func(b store.Batch) error {
		for _, r := range b.Records {
			seen[r.ID] = true
		}
		last = b.Sequence
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for w := range 3 {
		for n := 1; n <= before[fmt.Sprint("log ", w)]; n++ {
			if !seen[fmt.Sprint(w, "-", n)] {
				t.Fatalf("record %d-%d was acknowledged before the copy and is not in it", w, n)
			}
		}
	}
	newest, err := p.KV.Get(ctx, "newest")
	if before["keys"] > 0 && err != nil {
		t.Fatal(err)
	}
	if err == nil {
		r, err := p.Objects.Get(ctx, string(newest.Value))
		if err != nil {
			t.Fatalf("the newest key names %s: %v", newest.Value, err)
		}
		if _, err := io.Copy(io.Discard, r); err != nil {
			t.Errorf("%s: %v", newest.Value, err)
		}
		r.Close()
	}
	if next, err := p.Log.Append(ctx, store.Record{ID: "new"}); err != nil || next != last+1 {
		t.Errorf("after batch %d comes %d, %v", last, next, err)
	}
}

// TestRestoreCompares: a damaged backup is said and makes no folder; a folder with data is not overwritten.
func TestRestoreCompares(t *testing.T) {
	dir, folder := t.TempDir(), t.TempDir()
	to := store.BackupFolder(folder)
	s := open(t, dir, store.Options{})
	p := project(t, s)
	if _, err := p.Log.Append(ctx, numbered(0, 0)...); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Backup(ctx, dir, to); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Restore(ctx, to, dir, time.Time{}); !errors.Is(err, store.ErrConflict) {
		t.Errorf("restoring over data: %v", err)
	}
	if _, err := store.Restore(ctx, to, filepath.Join(t.TempDir(), "x"), time.Unix(0, 0)); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("restoring what was before the first copy: %v", err)
	}
	blobs := 0
	err := filepath.WalkDir(filepath.Join(folder, "blobs"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		good, err := os.ReadFile(path)
		if err != nil || len(good) == 0 {
			return err
		}
		blobs++
		bad := bytes.Clone(good)
		bad[len(bad)/2] ^= 1
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			return err
		}
		there := filepath.Join(t.TempDir(), "data")
		if _, err := store.Restore(ctx, to, there, time.Time{}); !errors.Is(err, store.ErrDamaged) {
			t.Errorf("with %s damaged: %v", path, err)
		}
		if _, err := os.Stat(there); err == nil {
			t.Error("a damaged backup was restored")
		}
		return os.WriteFile(path, good, 0o600)
	})
	if err != nil || blobs < 5 {
		t.Errorf("%d blobs, %v", blobs, err)
	}
	if _, err := store.Restore(ctx, to, filepath.Join(t.TempDir(), "data"), time.Time{}); err != nil {
		t.Error(err)
	}
}
