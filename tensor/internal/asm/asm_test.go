package asm

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestGeneratedFiles runs go generate on a copy of the generator and compares
// what comes out with the files that are checked in.
func TestGeneratedFiles(t *testing.T) {
	if testing.Short() {
		t.Skip("the generator has to be compiled")
	}
	folder := t.TempDir()
	if err := os.CopyFS(filepath.Join(folder, "gen"), os.DirFS("gen")); err != nil {
		t.Fatal(err)
	}
	copyFile(t, "asm.go", folder)
	if err := os.WriteFile(filepath.Join(folder, "go.mod"), []byte("module asm\n\ngo 1.26.0\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := run(filepath.Join(folder, "gen"), "mod", "download"); err != nil {
		t.Skipf("the generator's modules are not here and cannot be downloaded: %s", out)
	}
	if out, err := run(folder, "generate", "."); err != nil {
		t.Fatalf("go generate: %v\n%s", err, out)
	}
	for _, pattern := range []string{"*_amd64.s", "*_amd64.go", "*_arm64.s", "*_arm64.go", "elsewhere*.go"} {
		compare(t, ".", folder, pattern)
		compare(t, folder, ".", pattern)
	}
}

func run(folder string, arguments ...string) (string, error) {
	c := exec.Command("go", arguments...)
	c.Dir = folder
	c.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=")
	out, err := c.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

func copyFile(t *testing.T, name, folder string) {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, name), text, 0o644); err != nil {
		t.Fatal(err)
	}
}

// compare requires every file of the pattern in one folder to be in the other, with the same bytes.
func compare(t *testing.T, one, other, pattern string) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(one, pattern))
	if err != nil || len(names) == 0 {
		t.Fatalf("no files %s in %s: %v", pattern, one, err)
	}
	for _, name := range names {
		a, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(filepath.Join(other, filepath.Base(name)))
		if err != nil || !bytes.Equal(a, b) {
			t.Errorf("%s is not what the generator writes: run go generate ./tensor/...", filepath.Base(name))
		}
	}
}
