package store_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bellwether/store"
)

var ctx = context.Background()

func open(t testing.TB, dir string, o store.Options) *store.Store {
	t.Helper()
	s, err := store.Open(ctx, dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func project(t testing.TB, s *store.Store) *store.Project {
	t.Helper()
	p, err := s.Project(ctx, "default")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestNewerFormatIsRefused(t *testing.T) {
	dir := t.TempDir()
	if err := open(t, dir, store.Options{}).Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "FORMAT")
	if err := os.WriteFile(path, []byte("bellwether store 7 needs 3.4.0\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := store.Open(ctx, dir, store.Options{})
	if !errors.Is(err, store.ErrNewerFormat) || !strings.Contains(err.Error(), "needs Bellwether 3.4.0") {
		t.Errorf("a newer format: %v", err)
	}
	if err := os.WriteFile(path, []byte("junk"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Open(ctx, dir, store.Options{}); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("a damaged FORMAT: %v", err)
	}
	if err := os.Remove(path); err != nil { // a refused store was released: it opens once it is mended
		t.Fatal(err)
	}
	open(t, dir, store.Options{})
}

func TestFolderIsLocked(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, store.Options{})
	if _, err := store.Open(ctx, dir, store.Options{}); !errors.Is(err, store.ErrLocked) || !strings.Contains(err.Error(), dir) {
		t.Errorf("opening an open folder: %v", err)
	}
	if out := child(t, "open", dir); !strings.Contains(out, store.ErrLocked.Error()) {
		t.Errorf("opening it in another process: %s", out)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if out := child(t, "open", dir); out != "opened\n" {
		t.Errorf("opening it in another process once it is closed: %s", out)
	}
}

func TestAbsentServer(t *testing.T) {
	_, err := store.Open(ctx, t.TempDir(), store.Options{URL: "nats://127.0.0.1:1"})
	if !errors.Is(err, store.ErrUnavailable) || !strings.Contains(fmt.Sprint(err), "127.0.0.1:1") {
		t.Errorf("no server: %v", err)
	}
}
