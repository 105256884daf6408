//go:build slow

package growth

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// The harness measures today's program on a small shop: every figure is there that the program can give.
func TestBenchSmall(t *testing.T) {
	program := filepath.Join(t.TempDir(), "bellwether")
	build := exec.Command("go", "build", "-o", program, "./cmd/bellwether")
	build.Dir = filepath.Join("..", "..")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	b := &Bench{Program: program, Folder: t.TempDir(), Size: Size{Events: 200_000, People: 20_000, Items: 20_000}, Seed: 1, Log: os.Stderr}
	r, err := b.Run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if r.PerEvent() <= 0 || r.Import.Peak < 10<<20 || r.Serve.First <= 0 || r.Serve.P99 < r.Serve.P50 || r.Serve.PageP95 <= 0 || r.Serve.Peak <= 0 || r.Disk <= 0 {
		t.Errorf("%+v", r)
	}
	for _, g := range r.Gates(r) {
		t.Logf("%v  %s  %s  %s", g.Pass, g.Name, g.Value, g.Gate)
	}
}
