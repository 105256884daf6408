//go:build slow && linux

package store_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bellwether/store"

	"golang.org/x/sys/unix"
)

// TestFullDisk fills a disk of its own, with and without the reserve of MinFree: appends
// answer ErrUnavailable, go on by themselves when there is room again, and nothing that
// was acknowledged is lost.
func TestFullDisk(t *testing.T) {
	for name, reserve := range map[string]int64{"with a reserve": 32 << 20, "to the last byte": -1} {
		t.Run(name, func(t *testing.T) {
			dir := smallDisk(t)
			s := open(t, dir, store.Options{MinFree: reserve, Timeout: 2 * time.Second})
			p := project(t, s)
			v, err := p.View(ctx, "count", 1, countOnce)
			if err != nil {
				t.Fatal(err)
			}
			ballast := filepath.Join(dir, "ballast")
			next := 0 // the first record not acknowledged
			for round, size := range []int{100 << 20, 60 << 20} {
				fill(t, ballast, size)
				if next, err = appendUntilRefused(p, next); !errors.Is(err, store.ErrUnavailable) {
					t.Fatalf("round %d: after %d records: %v", round, next, err)
				}
				t.Logf("round %d: refused after %d records: %v", round, next, err)
				if err := os.Remove(ballast); err != nil {
					t.Fatal(err)
				}
				sequence := eventually(t, func() (uint64, error) { return p.Log.Append(ctx, heavy(next)...) })
				next += crashBatch
				if err := v.Wait(ctx, sequence); err != nil {
					t.Fatal(err)
				}
			}
			checkFull(t, s, dir, next)
		})
	}
}

// TestCloseOnFullDisk: a store closes while its disk is full, and opens again later.
func TestCloseOnFullDisk(t *testing.T) {
	dir := smallDisk(t)
	s := open(t, dir, store.Options{MinFree: -1, Timeout: time.Second})
	p := project(t, s)
	if _, err := p.View(ctx, "count", 1, countOnce); err != nil {
		t.Fatal(err)
	}
	ballast := filepath.Join(dir, "ballast")
	fill(t, ballast, 100<<20)
	next, err := appendUntilRefused(p, 0)
	if !errors.Is(err, store.ErrUnavailable) {
		t.Fatal(err)
	}
	closed := make(chan error, 1)
	go func() { closed <- s.Close() }()
	select {
	case err := <-closed:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("Close does not return")
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	checkFull(t, s, dir, next)
}

// checkFull opens the store again and looks for the records up to next in log and view.
func checkFull(t *testing.T, s *store.Store, dir string, next int) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	p := project(t, open(t, dir, store.Options{MinFree: -1}))
	seen := map[string]bool{}
	err := p.Log.Read(ctx, 0, func(b store.Batch) error {
		for _, r := range b.Records {
			seen[r.ID] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	v, err := p.View(ctx, "count", 1, countOnce)
	if err != nil {
		t.Fatal(err)
	}
	for i := range next {
		id := fmt.Sprint(0, "-", i)
		if counted, err := v.Get([]byte(id)); !seen[id] || counted == nil || err != nil {
			t.Fatalf("record %s was acknowledged: in the log %v, in the view %v, %v", id, seen[id], counted != nil, err)
		}
	}
}

func appendUntilRefused(p *store.Project, next int) (int, error) {
	for ; ; next += crashBatch {
		if _, err := p.Log.Append(ctx, heavy(next)...); err != nil {
			return next, err
		}
	}
}

// heavy is numbered with data that do not compress.
func heavy(next int) []store.Record {
	records := numbered(0, next)
	for i := range records {
		records[i].Data = make([]byte, 10<<10)
		for j := range records[i].Data {
			records[i].Data[j] = byte((i + j) * (j + next) * 2654435761 >> 13)
		}
	}
	return records
}

func fill(t *testing.T, path string, bytes int) {
	t.Helper()
	if err := os.WriteFile(path, make([]byte, bytes), 0o600); err != nil {
		t.Fatal(err)
	}
}

// smallDisk mounts a file system of 160 MiB in memory.
func smallDisk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=160m"); err != nil {
		t.Skipf("mounting a small disk needs root: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// TestReadOnlyFolder: a folder that cannot be written is said to be so, and not to be in use.
func TestReadOnlyFolder(t *testing.T) {
	dir := smallDisk(t)
	if err := open(t, dir, store.Options{}).Close(); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("", dir, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		t.Skip(err)
	}
	_, err := store.Open(ctx, dir, store.Options{})
	if !errors.Is(err, store.ErrUnavailable) || errors.Is(err, store.ErrLocked) || !strings.Contains(err.Error(), "cannot be written") {
		t.Errorf("%v", err)
	}
}
