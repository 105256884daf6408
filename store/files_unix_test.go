//go:build linux

package store_test

import (
	"os/exec"
	"strings"
	"testing"
	"time"
)

// TestFewFiles: with too few files allowed the program says at once what to do.
func TestFewFiles(t *testing.T) {
	c := command("open", t.TempDir())
	sh := exec.Command("sh", "-c", `ulimit -n 20 && exec "$0" "$@"`, c.Path, c.Args[1])
	sh.Env = c.Env
	begin := time.Now()
	out, err := sh.Output()
	if err == nil || !strings.Contains(string(out), "ulimit -n") || time.Since(begin) > 10*time.Second {
		t.Errorf("after %v: %v, %s", time.Since(begin), err, out)
	}
}
