//go:build slow

package main

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Training that is interrupted, by a person or by kill −9, goes on from its last checkpoint at the same command.
func TestTrainingSurvivesInterruption(t *testing.T) {
	dir := t.TempDir()
	binary := filepath.Join(dir, "bellwether")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("building: %v\n%s", err, out)
	}
	walks := filepath.Join(dir, "walks.txt")
	if err := os.WriteFile(walks, []byte(randomWalks(4000, 30, 2000)), 0o600); err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(dir, "data")
	if out, err := exec.Command(binary, "import", walks, "--format", "sequence", "--data", data).CombinedOutput(); err != nil {
		t.Fatalf("importing: %v\n%s", err, out)
	}
	reached := 0
	for _, stop := range []struct {
		signal os.Signal
		code   int
	}{{os.Interrupt, 130}, {syscall.SIGKILL, -1}, {syscall.SIGKILL, -1}, {nil, 0}} {
		cmd := exec.Command(binary, "train", "recommend", "--minutes", "1", "--data", data)
		stderr, err := cmd.StderrPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		first, last := steps(stderr, func(passed time.Duration) {
			if stop.signal != nil && passed > 6*time.Second {
				_ = cmd.Process.Signal(stop.signal)
			}
		})
		_ = cmd.Wait()
		t.Logf("from step %d to %d, then %v: exit code %d", first, last, stop.signal, cmd.ProcessState.ExitCode())
		if code := cmd.ProcessState.ExitCode(); code != stop.code {
			t.Errorf("exit code %d, want %d", code, stop.code)
		}
		if first < reached/2 || last <= reached {
			t.Errorf("it went on from step %d to %d although step %d had been reached", first, last, reached)
		}
		reached = last
	}
}

// steps reads the progress of the Transformer and returns its first and last step; tick is called at each, with the time since the first.
func steps(progress io.Reader, tick func(passed time.Duration)) (first, last int) {
	line, begun := regexp.MustCompile(`^transformer +([0-9]+)`), time.Time{}
	for lines := bufio.NewScanner(progress); lines.Scan(); {
		m := line.FindStringSubmatch(lines.Text())
		if m == nil {
			continue
		}
		last, _ = strconv.Atoi(m[1])
		if begun.IsZero() {
			first, begun = last, time.Now()
		}
		tick(time.Since(begun))
	}
	return first, last
}

// randomWalks are lines of a person and items, each beside the one before.
func randomWalks(people, length, items int) string {
	var b strings.Builder
	rng := rand.New(rand.NewPCG(1, 2))
	for p := range people {
		fmt.Fprintf(&b, "p%d", p)
		item := rng.IntN(items)
		for range length {
			fmt.Fprintf(&b, " i%d", item)
			item = (item + 1 + rng.IntN(3)) % items
		}
		b.WriteByte('\n')
	}
	return b.String()
}
