//go:build linux

package store_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"bellwether/store"
)

// insist appends numbered records one batch after the other, for ever, repeats what was not
// acknowledged, and prints the number of the next record after each acknowledgement.
func insist(dir, from string) error {
	s, err := store.Open(ctx, dir, store.Options{MinFree: -1, Timeout: 2 * time.Second, Logger: slog.New(slog.NewTextHandler(os.Stderr, nil))})
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
	next, err := strconv.Atoi(from)
	if err != nil {
		return err
	}
	fmt.Println(next)
	for {
		_, err := p.Log.Append(ctx, wide(next)...)
		if errors.Is(err, store.ErrUnavailable) {
			time.Sleep(10 * time.Millisecond)
			continue
		}
		if err != nil {
			return err
		}
		next += crashBatch
		fmt.Println(next)
	}
}

// wide is numbered with data of 20 KiB each, so that blocks are soon full.
func wide(from int) []store.Record {
	records := numbered(0, from)
	for i := range records {
		records[i].Data = noise(uint64(from+i), 20<<10)
	}
	return records
}

// insisting is a process that appends, and what it acknowledged.
type insisting struct {
	*exec.Cmd
	mu    sync.Mutex
	next  int
	count int
	ended chan struct{}
}

func startInsisting(t *testing.T, dir string, from int) *insisting {
	t.Helper()
	c := &insisting{Cmd: command("insist", dir, strconv.Itoa(from)), ended: make(chan struct{})}
	said, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if text, _ := os.ReadFile(said.Name()); t.Failed() {
			t.Logf("the program said:\n%s", text[max(0, len(text)-20000):])
		}
		said.Close()
	})
	c.Stderr = said
	out, err := c.StdoutPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(c.ended)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			n, err := strconv.Atoi(lines.Text())
			if err != nil {
				continue
			}
			c.mu.Lock()
			c.next, c.count = n, c.count+1
			c.mu.Unlock()
		}
		_, _ = io.Copy(io.Discard, out)
	}()
	c.await(t, 1)
	return c
}

func (c *insisting) acknowledged() (next, count int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.next, c.count
}

// await waits for more acknowledgements.
func (c *insisting) await(t *testing.T, more int) {
	t.Helper()
	_, before := c.acknowledged()
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if _, now := c.acknowledged(); now >= before+more {
			return
		}
		select {
		case <-c.ended:
			t.Fatal("the program ended by itself")
		default:
		}
		if time.Now().After(end) {
			t.Fatal("nothing is acknowledged any more")
		}
	}
}

func (c *insisting) kill() int {
	_ = c.Process.Kill()
	<-c.ended
	_ = c.Wait()
	next, _ := c.acknowledged()
	return next
}

// trace attaches strace with the arguments and returns a function that detaches it.
func trace(t *testing.T, pid int, args ...string) (detach func()) {
	t.Helper()
	path, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("strace is not installed: no system call is made to fail")
	}
	c := exec.Command(path, append([]string{"-f", "-p", strconv.Itoa(pid)}, args...)...)
	said, err := c.StderrPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	attached := make(chan string, 1)
	go func() {
		lines := bufio.NewScanner(said)
		for lines.Scan() {
			if text := lines.Text(); strings.Contains(text, "attached") || strings.Contains(text, "not permitted") {
				select {
				case attached <- text:
				default:
				}
			}
		}
	}()
	select {
	case text := <-attached:
		if strings.Contains(text, "not permitted") {
			t.Skip("strace may not trace here: ", text)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("strace does not attach")
	}
	return func() {
		_ = c.Process.Signal(syscall.SIGINT)
		_ = c.Wait()
	}
}

// TestEverySyncFails: while syncs fail nothing is acknowledged; when they work again it goes on.
func TestEverySyncFails(t *testing.T) {
	dir := t.TempDir()
	c := startInsisting(t, dir, 0)
	defer c.kill()
	c.await(t, 3)
	detach := trace(t, c.Process.Pid, "-o", "/dev/null", "-e", "trace=fsync", "-e", "inject=fsync:error=EIO")
	time.Sleep(50 * time.Millisecond) // what was under way lands
	_, before := c.acknowledged()
	time.Sleep(3 * time.Second)
	if _, after := c.acknowledged(); after != before {
		t.Errorf("%d appends were acknowledged while every sync failed", after-before)
	}
	detach()
	c.await(t, 5)
	checkInsisted(t, dir, c.kill())
}

// checkInsisted opens the folder and looks for the records below next.
func checkInsisted(t *testing.T, dir string, next int) {
	t.Helper()
	s := open(t, dir, store.Options{MinFree: -1})
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	p := project(t, s)
	if l := p.Losses(); len(l) > 0 {
		t.Errorf("losses: %v", l)
	}
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
	for i := range next {
		if !seen[fmt.Sprint(0, "-", i)] {
			t.Fatalf("record %d was acknowledged and is gone", i)
		}
	}
}

// failures are system calls and how they are made to fail.
var failures = []string{
	"fsync:error=EIO", "fdatasync:error=EIO", "pwrite64:error=EIO", "pwrite64:error=ENOSPC", "openat:error=EMFILE", "renameat:error=EIO", "openat:error=ENOSPC",
}

// failingCalls makes n random system calls of a writing program fail, some at a time, and kills it now
// and then. What was acknowledged stays, and was on disk by then.
func failingCalls(t *testing.T, n int) {
	dir, rng, next, failed, rounds := "", rand.New(rand.NewPCG(5, 6)), 0, 0, 0
	for round := 0; failed < n; round++ {
		rounds++
		if round%len(failures) == 0 { // a log of some blocks, not of gigabytes
			dir, next = t.TempDir(), 0
		}
		failure := failures[round%len(failures)]
		c := startInsisting(t, dir, next)
		log := filepath.Join(t.TempDir(), "trace")
		first, step := 1+rng.IntN(40), 20+rng.IntN(60)
		detach := trace(t, c.Process.Pid, "-o", log, "-y", "-s", "0", "-e", "signal=none",
			"-e", "trace=fsync,fdatasync,pwrite64,write,renameat,openat", "-e", fmt.Sprintf("inject=%s:when=%d+%d", failure, first, step))
		for end := time.Now().Add(4 * time.Second); time.Now().Before(end) && injected(t, log) < 8; {
			time.Sleep(100 * time.Millisecond)
		}
		detach()
		c.await(t, 2)
		next = c.kill()
		hits := injected(t, log)
		failed += hits
		acks := checkTrace(t, log)
		t.Logf("%s, from %d every %d: %d failed, %d acknowledgements checked", failure, first, step, hits, acks)
		checkInsisted(t, dir, next)
		if t.Failed() {
			return
		}
	}
	t.Logf("%d failing calls in %d processes", failed, rounds)
}

func injected(t *testing.T, log string) int {
	t.Helper()
	b, err := os.ReadFile(log)
	if err != nil {
		return 0
	}
	return strings.Count(string(b), "(INJECTED)")
}

// diskModel is which of what was written to files is on disk, by the system calls of a program.
type diskModel struct {
	dirty map[string]map[int]int // by path: offset → number of the write that is not on disk
	lost  map[string]map[int]int // the same, after a sync that failed: no later one brings them
	count int
}

var (
	traced     = regexp.MustCompile(`^(\d+) +(?:<\.\.\. )?(\w+)(?: resumed>|\()(.*)$`)
	tracedFile = regexp.MustCompile(`^\d+<([^>]*)>`)
	tracedName = regexp.MustCompile(`"([^"]*)"`)
)

// checkTrace replays a trace and reports acknowledgements that came before what they
// acknowledge was on disk: with one writer nothing of the log may be dirty then. It returns
// the number of acknowledgements.
func checkTrace(t *testing.T, log string) (acks int) {
	t.Helper()
	f, err := os.Open(log)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	d := &diskModel{dirty: map[string]map[int]int{}, lost: map[string]map[int]int{}}
	unfinished := map[string]string{} // by thread: the call's arguments
	covered := map[string]int{}       // by thread: writes before its sync began
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		m := traced.FindStringSubmatch(lines.Text())
		if m == nil {
			continue
		}
		thread, call, rest := m[1], m[2], m[3]
		if before, ok := strings.CutSuffix(rest, "<unfinished ...>"); ok {
			unfinished[thread], covered[thread] = before, d.count
			continue
		}
		if strings.Contains(lines.Text(), "resumed>") {
			rest = unfinished[thread] + rest
		} else {
			covered[thread] = d.count
		}
		if call == "write" && strings.Contains(rest, "<pipe:") {
			acks++
			d.acknowledge(t, acks)
			continue
		}
		d.replay(call, rest, covered[thread])
	}
	return acks
}

func (d *diskModel) replay(call, rest string, covered int) {
	file := tracedFile.FindStringSubmatch(rest)
	ok := !strings.Contains(rest, ") = -1") && !strings.Contains(rest, "= -1 E")
	switch call {
	case "pwrite64", "write":
		end := strings.LastIndex(rest, ") ")
		if file == nil || !ok || end < 0 {
			return
		}
		offset := -1
		if fields := strings.Split(rest[:end], ", "); call == "pwrite64" {
			offset, _ = strconv.Atoi(strings.TrimSpace(fields[len(fields)-1]))
		}
		d.count++
		path := file[1]
		if d.dirty[path] == nil {
			d.dirty[path] = map[int]int{}
		}
		d.dirty[path][offset] = d.count
		delete(d.lost[path], offset)
	case "fsync", "fdatasync":
		if file == nil {
			return
		}
		path := file[1]
		for offset, n := range d.dirty[path] {
			if n > covered {
				continue
			}
			if delete(d.dirty[path], offset); !ok {
				if d.lost[path] == nil {
					d.lost[path] = map[int]int{}
				}
				d.lost[path][offset] = n
			}
		}
	case "renameat":
		if names := tracedName.FindAllStringSubmatch(rest, -1); ok && len(names) == 2 {
			from, to := names[0][1], names[1][1]
			d.dirty[to], d.lost[to] = d.dirty[from], d.lost[from]
			delete(d.dirty, from)
			delete(d.lost, from)
		}
	}
}

func (d *diskModel) acknowledge(t *testing.T, number int) {
	t.Helper()
	for _, of := range []map[string]map[int]int{d.dirty, d.lost} {
		for path, writes := range of {
			if strings.Contains(path, "default_log/msgs/") && strings.HasSuffix(path, ".blk") && len(writes) > 0 {
				t.Errorf("acknowledgement %d came while %d writes to %s were not on disk", number, len(writes), filepath.Base(path))
			}
		}
	}
}

func TestFailingCalls(t *testing.T) { failingCalls(t, 8) }
