package store_test

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"bellwether/store"
)

// TestDoctor: a healthy folder has no findings, while it is served from and after; a damaged
// one has, and is left as it is.
func TestDoctor(t *testing.T) {
	if _, err := store.Check(ctx, t.TempDir()); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("an empty folder: %v", err)
	}
	folders := filledFolders(t)
	for stop, dir := range folders {
		r, err := store.Check(ctx, dir)
		if err != nil || r.Damaged() || r.Serving || len(r.Streams) != 3 {
			t.Errorf("%s: %+v, %v", stop, r, err)
		}
		s := open(t, dir, store.Options{})
		project(t, s)
		if r, err = store.Check(ctx, dir); err != nil || r.Damaged() || !r.Serving {
			t.Errorf("%s, while it is open: %+v, %v", stop, r, err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	rng := rand.New(rand.NewPCG(7, 8))
	of := kinds(t, folders["in order"])
	for _, kind := range []string{"default_log .blk", "KV_default_kv .blk", "OBJ_default_objects .blk", "default_log .inf", "views .sst", "FORMAT"} {
		if len(of[kind]) == 0 {
			t.Fatalf("no files of kind %s in %v", kind, of)
		}
		dir := copyFolder(t, folders["in order"])
		what := harm(t, rng, dir, of[kind][0])
		r, err := store.Check(ctx, dir)
		if err != nil || len(r.Findings) == 0 {
			t.Errorf("%s: %+v, %v", what, r.Findings, err)
		}
		if r.Damaged() != !strings.HasPrefix(kind, "views") {
			t.Errorf("%s: damaged %v: %+v", what, r.Damaged(), r.Findings)
		}
		again, err := store.Check(ctx, dir)
		if err != nil || !slices.Equal(r.Findings, again.Findings) {
			t.Errorf("%s: a second look finds %v, not %v; %v", what, again.Findings, r.Findings, err)
		}
	}
}
