package collect

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"bellwether"
	"bellwether/store"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// inStore is a collector over a real store in a folder of the test's own, and its project.
func inStore(t testing.TB) (*Collector, *store.Project) {
	t.Helper()
	s, err := store.Open(context.Background(), t.TempDir(), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	p, err := s.Project(context.Background(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	c, err := New(context.Background(), p, Options{Clock: func() time.Time { return noon }, Currency: "EUR"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return c, p
}

// inMemory is a collector whose log is forgotten and whose view is memory. It is for one goroutine.
func inMemory() *Collector {
	c := &Collector{o: Options{Clock: func() time.Time { return noon }, Currency: "EUR"}.withDefaults()}
	return c.dryOver(nil)
}

// logged returns the events in a project's log.
func logged(t testing.TB, p *store.Project) []bellwether.Event {
	t.Helper()
	var out []bellwether.Event
	err := p.Log.Read(context.Background(), 0, func(b store.Batch) error {
		for _, r := range b.Records {
			if r.Kind != store.KindEvent {
				continue
			}
			var e bellwether.Event
			if err := store.Decode(r.Data, &e); err != nil {
				return err
			}
			out = append(out, e)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// letters returns the dead letters.
func letters(t testing.TB, c *Collector) []Rejected {
	t.Helper()
	var out []Rejected
	if err := c.DeadLetters(context.Background(), func(r Rejected) bool { out = append(out, r); return true }); err != nil {
		t.Fatal(err)
	}
	return out
}

// shared opens a file of ../shared/data, or skips.
func shared(t testing.TB, name string) *os.File {
	t.Helper()
	dir := os.Getenv("BELLWETHER_SHARED")
	if dir == "" {
		dir = filepath.Join("..", "..", "shared")
	}
	f, err := os.Open(filepath.Join(dir, "data", name))
	if err != nil {
		t.Skipf("the shared data are absent: %v", err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// holds checks what every input must satisfy: all messages are accounted for, and each refused one is in the dead
// letters with a reason.
func holds(t testing.TB, c *Collector, r Result, messages int64) {
	t.Helper()
	if messages >= 0 && r.Accepted+r.Duplicates+r.Rejected != messages {
		t.Errorf("%d accepted, %d duplicates, %d refused of %d messages", r.Accepted, r.Duplicates, r.Rejected, messages)
	}
	all := letters(t, c)
	if int64(len(all)) != r.Rejected {
		t.Errorf("%d dead letters of %d refused messages", len(all), r.Rejected)
	}
	for _, l := range all {
		if l.Reason == "" || l.ID == "" {
			t.Errorf("dead letter %+v says nothing", l)
		}
	}
}
