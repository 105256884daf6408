package store_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"bellwether"
	"bellwether/store"

	"github.com/google/go-cmp/cmp"
)

// oldFolder unpacks the folder of format 1 (testdata/format1.md).
func oldFolder(t testing.TB) string {
	t.Helper()
	f, err := os.Open("testdata/format1.tar.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return dir
		}
		path := filepath.Join(dir, filepath.FromSlash(h.Name))
		switch {
		case err != nil:
		case h.Typeflag == tar.TypeDir:
			err = os.MkdirAll(path, 0o700)
		default:
			var b []byte
			if b, err = io.ReadAll(r); err == nil {
				err = os.WriteFile(path, b, 0o600)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// oldContent is what the program of format 1 read in the folder.
func oldContent(t testing.TB) []string {
	t.Helper()
	f, err := os.Open("testdata/format1.txt.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(b), "\n"), "\n")
}

// letter is a dead letter, which package collect writes.
type letter struct {
	ID       string        `json:"id" cbor:"1,keyasint"`
	Source   string        `json:"source" cbor:"2,keyasint"`
	Line     int64         `json:"line,omitempty" cbor:"3,keyasint"`
	Reason   string        `json:"reason" cbor:"4,keyasint"`
	Time     time.Time     `json:"time" cbor:"5,keyasint"`
	Raw      []byte        `json:"-" cbor:"6,keyasint"`
	Format   string        `json:"format,omitempty" cbor:"7,keyasint"`
	Mapping  string        `json:"mapping,omitempty" cbor:"8,keyasint"`
	Skew     time.Duration `json:"skew,omitempty" cbor:"9,keyasint"`
	Replayed bool          `json:"replayed" cbor:"-"`
}

// content is what a store holds: a line a record, dead letter, value of a key, and object.
func content(t testing.TB, s *store.Store) []string {
	t.Helper()
	ids, err := s.Projects(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	add := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	for _, id := range ids {
		p, err := s.Project(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		letters := map[string]letter{}
		err = p.Log.Read(ctx, 0, func(b store.Batch) error {
			for _, r := range b.Records {
				add("%s log %d %s", id, b.Sequence, line(t, r))
				if r.Kind == store.KindReject {
					var l letter
					if err := store.Decode(r.Data, &l); err != nil {
						return err
					}
					letters[l.ID] = l
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range slices.Sorted(maps.Keys(letters)) {
			j, _ := json.Marshal(letters[key])
			add("%s reject %s %q", id, j, letters[key].Raw)
		}
		keys, err := p.KV.Keys(ctx, "")
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range keys {
			history, err := p.KV.History(ctx, k)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range history {
				add("%s key %s %q", id, k, e.Value)
			}
		}
		objects, err := p.Objects.List(ctx, "")
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range objects {
			add("%s object %s %d %s", id, o.Name, o.Size, o.Digest)
		}
	}
	return lines
}

func line(t testing.TB, r store.Record) string {
	var v any
	switch r.Kind {
	case store.KindEvent:
		v = new(bellwether.Event)
	case store.KindItem:
		v = new(bellwether.Item)
	case store.KindDecision:
		v = new(bellwether.Decision)
	case store.KindReject:
		return "reject " + r.ID
	default:
		return fmt.Sprintf("kind %d %s %q", r.Kind, r.ID, r.Data)
	}
	if err := store.Decode(r.Data, v); err != nil {
		t.Fatal(err)
	}
	j, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	e, ok := v.(*bellwether.Event)
	if !ok {
		return fmt.Sprintf("kind %d %s %s", r.Kind, r.ID, j)
	}
	types := ""
	for _, k := range slices.Sorted(maps.Keys(e.Traits)) {
		types += fmt.Sprintf(" %T", e.Traits[k])
	}
	return fmt.Sprintf("event %s %s%s", r.ID, j, types)
}

// migrated opens the folder, compares it with what the older program read, and closes it.
func migrated(t *testing.T, dir string, o store.Options) {
	t.Helper()
	s := open(t, dir, o)
	if diff := cmp.Diff(oldContent(t), content(t, s)); diff != "" {
		t.Fatalf("after the migration (-old +new):\n%s", diff)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// files returns the contents of the files below dir but for LOCK.
func files(t testing.TB, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() == "LOCK" {
			return err
		}
		b, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		out[name] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestMigration(t *testing.T) {
	dir := oldFolder(t)
	var log bytes.Buffer
	migrated(t, dir, store.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	if text := log.String(); !strings.Contains(text, "migrating the data folder") || !strings.Contains(text, "records=1535") || !strings.Contains(text, "format-1") {
		t.Errorf("the log says\n%s", text)
	}
	if b, _ := os.ReadFile(filepath.Join(dir, "FORMAT")); string(b) != "bellwether store 2 needs 0.2.0\n" {
		t.Errorf("FORMAT is %q", b)
	}
	if entries, _ := filepath.Glob(filepath.Join(dir, "*")); len(entries) != 6 {
		t.Errorf("the folder has %v, want FORMAT, LOCK, format-1, guard, nats and views", entries)
	}
	log.Reset()
	migrated(t, dir, store.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	if log.Len() > 0 {
		t.Errorf("a second start logs\n%s", log.String())
	}

	// What was kept aside is the old data: put back, it is migrated again.
	if err := os.RemoveAll(filepath.Join(dir, "nats")); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(dir, "format-1", "nats"), filepath.Join(dir, "nats")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "FORMAT"), []byte("bellwether store 1 needs 0.1.0\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	migrated(t, dir, store.Options{})
}

// TestMigrationAppends: a migrated log goes on where the old one ended.
func TestMigrationGoesOn(t *testing.T) {
	dir := oldFolder(t)
	s := open(t, dir, store.Options{})
	p := project(t, s)
	last, err := p.Log.Last(ctx)
	if err != nil {
		t.Fatal(err)
	}
	at, err := p.Log.Append(ctx, store.Record{Kind: store.KindNote, ID: "next"})
	if err != nil || at != last+1 {
		t.Errorf("appended at %d after %d: %v", at, last, err)
	}
}

// TestMigrationThatWasInterrupted brings the folder into each state in which a crash can leave it.
func TestMigrationThatWasInterrupted(t *testing.T) {
	whole := t.TempDir() // a migrated folder, taken apart below
	if err := os.CopyFS(whole, os.DirFS(oldFolder(t))); err != nil {
		t.Fatal(err)
	}
	migrated(t, whole, store.Options{})
	put := func(t *testing.T, from, to string) {
		t.Helper()
		if err := os.CopyFS(to, os.DirFS(from)); err != nil {
			t.Fatal(err)
		}
	}
	say := func(t *testing.T, dir string, format int) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, "FORMAT"), fmt.Appendf(nil, "bellwether store %d needs 0.%d.0\n", format, format), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, prepare := range map[string]func(t *testing.T, dir string){
		"while copying": func(t *testing.T, dir string) {
			put(t, filepath.Join(whole, "nats"), filepath.Join(dir, "migrating", "nats"))
			if err := os.RemoveAll(filepath.Join(dir, "migrating", "nats", "jetstream", "$G", "streams", "second_log")); err != nil {
				t.Fatal(err)
			}
		},
		"after copying": func(t *testing.T, dir string) {
			put(t, filepath.Join(whole, "nats"), filepath.Join(dir, "migrating", "nats"))
			say(t, filepath.Join(dir, "migrating"), 2)
			if err := os.Mkdir(filepath.Join(dir, "format-1"), 0o700); err != nil {
				t.Fatal(err)
			}
		},
		"between the renames": func(t *testing.T, dir string) {
			put(t, filepath.Join(whole, "nats"), filepath.Join(dir, "migrating", "nats"))
			say(t, filepath.Join(dir, "migrating"), 2)
			put(t, filepath.Join(dir, "nats"), filepath.Join(dir, "format-1", "nats"))
			if err := os.RemoveAll(filepath.Join(dir, "nats")); err != nil {
				t.Fatal(err)
			}
		},
		"after the renames": func(t *testing.T, dir string) {
			put(t, filepath.Join(dir, "nats"), filepath.Join(dir, "format-1", "nats"))
			if err := os.RemoveAll(filepath.Join(dir, "nats")); err != nil {
				t.Fatal(err)
			}
			put(t, filepath.Join(whole, "nats"), filepath.Join(dir, "nats"))
			if err := os.Mkdir(filepath.Join(dir, "migrating"), 0o700); err != nil {
				t.Fatal(err)
			}
			say(t, filepath.Join(dir, "migrating"), 2)
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := oldFolder(t)
			prepare(t, dir)
			migrated(t, dir, store.Options{})
			for _, left := range []string{"migrating"} {
				if _, err := os.Stat(filepath.Join(dir, left)); err == nil {
					t.Errorf("%s was left behind", left)
				}
			}
			if _, err := os.Stat(filepath.Join(dir, "format-1", "nats")); err != nil {
				t.Error("the old data are gone:", err)
			}
		})
	}
}

// TestMigrationIsKilled kills the process at any moment of the migration.
func TestMigrationIsKilled(t *testing.T) {
	dir := oldFolder(t)
	longest := 150 * time.Millisecond
	for range 8 {
		c := command("open", dir)
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(rand.Int64N(int64(longest))))
		_ = c.Process.Kill()
		_ = c.Wait()
	}
	migrated(t, dir, store.Options{})
}

func TestMigrationThatCannotBe(t *testing.T) {
	dir := oldFolder(t)
	before := files(t, filepath.Join(dir, "views"))
	unchanged := func(what string) {
		t.Helper()
		if b, _ := os.ReadFile(filepath.Join(dir, "FORMAT")); string(b) != "bellwether store 1 needs 0.1.0\n" {
			t.Errorf("%s: FORMAT is %q", what, b)
		}
		if _, err := os.Stat(filepath.Join(dir, "migrating")); err == nil {
			t.Errorf("%s: half a copy is left", what)
		}
		if !maps.Equal(before, files(t, filepath.Join(dir, "views"))) {
			t.Errorf("%s: the views changed", what)
		}
	}

	_, err := store.Open(ctx, dir, store.Options{MinFree: 1 << 55})
	if !errors.Is(err, store.ErrUnavailable) || !strings.Contains(err.Error(), "make room") {
		t.Errorf("no room: %v", err)
	}
	unchanged("no room")

	canceled, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := store.Open(canceled, dir, store.Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
	unchanged("canceled")

	aside := filepath.Join(dir, "format-1", "nats")
	if err := os.MkdirAll(aside, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Open(ctx, dir, store.Options{}); err == nil || !strings.Contains(err.Error(), "delete it") {
		t.Errorf("data of an earlier migration are in the way: %v", err)
	}
	unchanged("kept data in the way")
	if err := os.RemoveAll(aside); err != nil {
		t.Fatal(err)
	}
	migrated(t, dir, store.Options{})
}
