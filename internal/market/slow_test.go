//go:build slow

package market

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const smallDigest = "884596cf21fb9750656abc25ed06616fa91747d280e35fb9dfc5c30dc37c6dfe"

func TestGoldenDigestOfSmall(t *testing.T) {
	got, err := mustNew(t, Small(), 1).Digest()
	if err != nil {
		t.Fatal(err)
	}
	if got != smallDigest {
		t.Errorf("digest is %s, want %s", got, smallDigest)
	}
}

// Compilers for these processors fuse x*y + z where nothing forbids it, which would give another world.
func TestNoFusedArithmetic(t *testing.T) {
	fused := regexp.MustCompile(`(?i)\s(fn?m(add|sub)\w*|vfn?m(add|sub)\w*|xsn?m(add|sub)\w*)\s`)
	for _, processor := range []string{"arm64", "ppc64le", "s390x"} {
		binary := filepath.Join(t.TempDir(), "market.test")
		build := exec.Command("go", "test", "-c", "-o", binary, ".")
		build.Env = append(os.Environ(), "GOARCH="+processor, "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("building for %s: %v\n%s", processor, err, out)
		}
		out, err := exec.Command("go", "tool", "objdump", "-s", `internal/market\.`, binary).Output()
		if err != nil {
			t.Fatalf("disassembling for %s: %v", processor, err)
		}
		for line := range strings.Lines(string(out)) {
			if fused.MatchString(line) && !strings.Contains(line, "_test.go") {
				t.Errorf("%s: %s", processor, strings.TrimSpace(line))
			}
		}
	}
}
