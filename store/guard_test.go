package store

import (
	"bytes"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestWithout compares with a set of numbers.
func TestWithout(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		var gaps, others []gap
		for at := uint64(1); at < 40; {
			first := at + rng.Uint64N(4)
			gaps, at = append(gaps, gap{first, first + rng.Uint64N(9)}), first+10
		}
		for range rng.IntN(6) {
			first := rng.Uint64N(40)
			others = append(others, gap{first, first + rng.Uint64N(12)})
		}
		in := func(of []gap, s uint64) bool {
			return slices.ContainsFunc(of, func(g gap) bool { return g.First <= s && s <= g.Last })
		}
		left := without(gaps, others)
		for s := range uint64(60) {
			if want := in(gaps, s) && !in(others, s); in(left, s) != want {
				t.Fatalf("%v without %v is %v: %d is in it: %v", gaps, others, left, s, !want)
			}
		}
		if covers(others, gaps[0]) != (len(without(gaps[:1], others)) == 0) {
			t.Fatal("covers")
		}
	}
}

// TestSeqMark: a mark rises only, outlives its process, is of one stream, and is known to be damaged.
func TestSeqMark(t *testing.T) {
	path, created := filepath.Join(t.TempDir(), "mark"), time.Unix(7, 9)
	m, err := openSeqMark(path, created)
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []uint64{3, 9, 5} {
		if err := m.advance(at); err != nil {
			t.Fatal(err)
		}
	}
	if at, of, err := readSeqMark(path); at != 9 || of != created.UnixNano() || err != nil {
		t.Errorf("read without a close: %d of %d, %v", at, of, err)
	}
	if err := m.close(); err != nil {
		t.Fatal(err)
	}
	if m, err = openSeqMark(path, created); err != nil || m.at != 9 {
		t.Errorf("opened again: %+v, %v", m, err)
	}
	if m, err = openSeqMark(path, created.Add(1)); err != nil || m.at != 0 {
		t.Errorf("opened for another stream: %+v, %v", m, err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range b {
		bad := bytes.Clone(b)
		bad[i] ^= 4
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, _, err := readSeqMark(path); err == nil {
			t.Errorf("a flip in byte %d is not found", i)
		}
	}
}

// TestLimited: of one message no more lines than quietLines a minute, and then how many were left out.
func TestLimited(t *testing.T) {
	var out bytes.Buffer
	log := Limited(slog.New(slog.NewTextHandler(&out, nil)))
	now := time.Unix(0, 0)
	log.Handler().(*quiet).counts.now = func() time.Time { return now }
	for range 3 * quietLines {
		log.With("project", "p").Warn("again")
	}
	log.Warn("another")
	if n := strings.Count(out.String(), "msg=again"); n != quietLines || !strings.Contains(out.String(), "another") {
		t.Errorf("%d lines, %s", n, out.String())
	}
	out.Reset()
	now = now.Add(quietEvery)
	log.Warn("again")
	if !strings.Contains(out.String(), "left_out=60") {
		t.Error(out.String())
	}
	if Limited(log) == log && strings.Count(out.String(), "\n") != 1 {
		t.Error("limited twice")
	}
}

// TestSettled: a folder is synced again when a file came, and not when none did.
func TestSettled(t *testing.T) {
	s := &settled{dir: t.TempDir()}
	old := time.Now().Add(-time.Minute)
	if err := os.Chtimes(s.dir, old, old); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.sync(); err != nil || !s.changed.Equal(old) && !s.changed.Round(time.Microsecond).Equal(old.Round(time.Microsecond)) {
			t.Fatalf("settled at %v, not %v; %v", s.changed, old, err)
		}
	}
	if err := os.WriteFile(filepath.Join(s.dir, "2.blk"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	before := s.changed
	if err := s.sync(); err != nil || !s.changed.Equal(before) {
		t.Errorf("a folder that changed just now counts as settled: %v, %v", s.changed, err)
	}
	time.Sleep(2 * clockGrain)
	if err := s.sync(); err != nil || s.changed.Equal(before) {
		t.Errorf("it never settles: %v", err)
	}
	if err := os.Remove(s.dir + "/2.blk"); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(s.dir); err != nil {
		t.Fatal(err)
	}
	if err := s.sync(); err == nil {
		t.Error("an absent folder is no error")
	}
}

// TestHold: blocks that the server removed before it opened their stream come back.
func TestHold(t *testing.T) {
	g := newGuard(t.TempDir(), slog.New(slog.DiscardHandler))
	if err := makeFolder(g.messages("p_log")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"1.blk", "2.blk"} {
		if err := os.WriteFile(filepath.Join(g.messages("p_log"), name), []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := g.hold("p_log"); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(g.streams(), "p_log")); err != nil {
		t.Fatal(err)
	}
	if err := g.unhold("p_log"); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"1.blk", "2.blk"} {
		if b, err := os.ReadFile(filepath.Join(g.messages("p_log"), name)); string(b) != name || err != nil {
			t.Errorf("%s is %q, %v", name, b, err)
		}
	}
	if exists(g.held("p_log")) {
		t.Error("the second names stay")
	}
}
