package store_test

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"bellwether/store"
)

const childRole = "STORE_TEST_CHILD"

// TestMain runs the tests, or, in a process that child or startWriter started, its role.
func TestMain(m *testing.M) {
	switch os.Getenv(childRole) {
	case "":
		os.Exit(m.Run())
	case "open":
		s, err := store.Open(ctx, os.Args[1], store.Options{})
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println("opened")
		_ = s.Close()
	case "fill":
		if err := fill500(os.Args[1], true); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	case "insist":
		if err := insist(os.Args[1], os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	case "write":
		if err := write(os.Args[1], os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

func command(role string, args ...string) *exec.Cmd {
	c := exec.Command(os.Args[0], args...)
	c.Env = append(os.Environ(), childRole+"="+role)
	return c
}

// child runs the role and returns what it printed.
func child(t *testing.T, role string, args ...string) string {
	t.Helper()
	out, err := command(role, args...).Output()
	if _, failed := err.(*exec.ExitError); err != nil && !failed {
		t.Fatal(err)
	}
	return string(out)
}

const (
	crashWriters = 4
	crashBatch   = 20
)

// write appends numbered records for ever, from several callers at once, with a view
// following. It prints a line for each append that was acknowledged: the writer's
// number and its next record. It begins at the numbers given, which repeats what was
// appended but not heard of before the last crash.
func write(dir, from string) error {
	s, err := store.Open(ctx, dir, store.Options{MinFree: -1})
	if err != nil {
		return err
	}
	p, err := s.Project(ctx, "default")
	if err != nil {
		return err
	}
	if _, err = p.View(ctx, "count", 1, countOnce); err != nil {
		return err
	}
	var failed error
	var mu sync.Mutex
	var group sync.WaitGroup
	for writer, start := range strings.Split(from, ",") {
		next, err := strconv.Atoi(start)
		if err != nil {
			return err
		}
		group.Go(func() {
			for ; ; next += crashBatch {
				_, err := p.Log.Append(ctx, numbered(writer, next)...)
				mu.Lock()
				if err != nil {
					failed = err
					mu.Unlock()
					return
				}
				fmt.Println(writer, next+crashBatch) // one write: whole or absent
				mu.Unlock()
			}
		})
	}
	group.Wait()
	return failed
}

func numbered(writer, from int) []store.Record {
	records := make([]store.Record, crashBatch)
	for i := range records {
		id := fmt.Sprint(writer, "-", from+i)
		records[i] = store.Record{Kind: store.KindEvent, ID: id, Data: []byte("data of " + id)}
	}
	return records
}

// countOnce counts each id once: the total under "", each seen id under itself.
func countOnce(w *store.ViewWriter, b store.Batch) error {
	for _, r := range b.Records {
		seen, err := w.Get([]byte(r.ID))
		if err != nil {
			return err
		}
		if seen != nil {
			continue
		}
		total, err := w.Get(nil)
		if err != nil {
			return err
		}
		w.Set([]byte(r.ID), []byte{1})
		n, _ := binary.Uvarint(total)
		w.Set(nil, binary.AppendUvarint(nil, n+1))
	}
	return nil
}

// crashed is what a test knows of the log that its writers are killed over.
type crashed struct {
	t        *testing.T
	dir      string
	next     [crashWriters]int // of each writer: its first record that was not acknowledged
	checked  [crashWriters]int // the same, when last looked for in the log
	read     uint64            // sequence up to which the log was read
	seen     map[string]bool   // ids in the log
	repeated int               // records whose id was in the log already
}

// crash kills a writing process the given number of times and checks the store after
// each: every acknowledged record is in the log, and the view that the killed processes
// folded counts each id once.
func crash(t *testing.T, kills int) {
	c, rng := &crashed{t: t, dir: t.TempDir(), seen: map[string]bool{}}, rand.New(rand.NewPCG(1, 2))
	for range kills {
		killWriter(t, c.dir, c.next[:], time.Duration(rng.IntN(150))*time.Millisecond)
		c.check()
	}
	t.Logf("%d kills: %d records stored, of which %d again after a crash", kills, len(c.seen)+c.repeated, c.repeated)
	c.read, c.checked, c.seen = 0, [crashWriters]int{}, map[string]bool{} // once more, from the beginning
	c.check()
}

func (c *crashed) check() {
	c.t.Helper()
	s := open(c.t, c.dir, store.Options{})
	p := project(c.t, s)
	if err := p.Log.Read(ctx, c.read, c.note); err != nil {
		c.t.Fatal(err)
	}
	for w, n := range c.next {
		for ; c.checked[w] < n; c.checked[w]++ {
			if id := fmt.Sprint(w, "-", c.checked[w]); !c.seen[id] {
				c.t.Fatalf("record %s was acknowledged and is gone", id)
			}
		}
	}
	v, err := p.View(ctx, "count", 1, countOnce)
	if err != nil {
		c.t.Fatal(err)
	}
	total, err := v.Get(nil)
	if n, _ := binary.Uvarint(total); err != nil || int(n) != len(c.seen) {
		c.t.Fatalf("the view counts %d ids, the log has %d; %v", n, len(c.seen), err)
	}
	if err := s.Close(); err != nil {
		c.t.Fatal(err)
	}
}

func (c *crashed) note(b store.Batch) error {
	c.read = b.Sequence
	for _, r := range b.Records {
		if string(r.Data) != "data of "+r.ID {
			c.t.Errorf("record %s holds %q", r.ID, r.Data)
		}
		if c.seen[r.ID] {
			c.repeated++
		}
		c.seen[r.ID] = true
	}
	return nil
}

// killWriter starts a writer at next, kills it the delay after its first
// acknowledgement, and moves next past what it acknowledged.
func killWriter(t *testing.T, dir string, next []int, delay time.Duration) {
	t.Helper()
	deadline, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	starts := strings.Trim(strings.Join(strings.Fields(fmt.Sprint(next)), ","), "[]")
	c := command("write", dir, starts)
	c.Stderr = os.Stderr
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	stop := context.AfterFunc(deadline, func() { _ = c.Process.Kill() })
	defer stop()
	acknowledged, lines := 0, bufio.NewScanner(out)
	for lines.Scan() {
		var writer, done int
		if _, err := fmt.Sscan(lines.Text(), &writer, &done); err != nil {
			t.Fatalf("writer said %q", lines.Text())
		}
		next[writer] = done
		if acknowledged++; acknowledged == 1 {
			time.AfterFunc(delay, func() { _ = c.Process.Kill() }) // SIGKILL
		}
	}
	_, _ = io.Copy(io.Discard, out)
	if err := c.Wait(); err == nil || acknowledged == 0 {
		t.Fatalf("the writer ended by itself or wrote nothing: %v", err)
	}
}

func TestCrashFiveTimes(t *testing.T) { crash(t, 5) }
