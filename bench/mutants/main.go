// Command mutants flips the conditions that choose, one at a time, and runs the test that must die of each. It exits with 1 when one lives.
//
//	go run ./bench/mutants [--only promotion,value]
//
// Run it from the project's root. No file is changed: the compiler is given the mutant in its place.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	only := flag.String("only", "", "areas, with commas; all by default")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, strings.FieldsFunc(*only, func(r rune) bool { return r == ',' })); err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, areas []string) error {
	folder, err := os.MkdirTemp("", "mutants-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	alive, tried := 0, 0
	for _, m := range mutants {
		if len(areas) > 0 && !slices.Contains(areas, m.area) {
			continue
		}
		tried++
		killed, err := m.killed(ctx, folder)
		if err != nil {
			return fmt.Errorf("%s: %w", m.file, err)
		}
		word := "killed"
		if !killed {
			word = "ALIVE"
			alive++
		}
		fmt.Printf("%-7s %-10s %s: %s -> %s\n", word, m.area, m.file, m.from, m.to)
	}
	if tried == 0 {
		return fmt.Errorf("no area is called %s", strings.Join(areas, ", "))
	}
	if alive > 0 {
		return fmt.Errorf("%d of %d live: no test holds those conditions", alive, tried)
	}
	fmt.Printf("all %d were killed\n", tried)
	return nil
}

// killed runs m's tests on the mutant. A mutant that does not compile is an error, as no test has seen it.
func (m *mutant) killed(ctx context.Context, folder string) (bool, error) {
	text, err := os.ReadFile(m.file)
	if err != nil {
		return false, err
	}
	if n := strings.Count(string(text), m.from); n != 1 {
		return false, fmt.Errorf("%q occurs %d times; name a place that is there once", m.from, n)
	}
	file, err := filepath.Abs(m.file)
	if err != nil {
		return false, err
	}
	flipped, overlay := filepath.Join(folder, "mutant.go"), filepath.Join(folder, "overlay.json")
	if err := os.WriteFile(flipped, []byte(strings.Replace(string(text), m.from, m.to, 1)), 0o600); err != nil {
		return false, err
	}
	replace, err := json.Marshal(map[string]map[string]string{"Replace": {file: flipped}})
	if err != nil {
		return false, err
	}
	if err := os.WriteFile(overlay, replace, 0o600); err != nil {
		return false, err
	}
	out, err := exec.CommandContext(ctx, "go", "test", "-vet=off", "-overlay", overlay, "-run", "^("+m.tests+")$", m.folder).CombinedOutput()
	var failed *exec.ExitError
	switch {
	case err == nil && strings.Contains(string(out), "no tests to run"):
		return false, fmt.Errorf("no test is called %s", m.tests)
	case err == nil:
		return false, nil
	case !errors.As(err, &failed):
		return false, err
	case !strings.Contains(string(out), "--- FAIL"):
		return false, fmt.Errorf("it does not run: %s", out)
	}
	return true, nil
}
