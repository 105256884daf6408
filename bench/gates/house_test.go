package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Names of applications are found as an import, in a text and as an identifier; comments, tests, applications' own folders and the columns of events may say them.
func TestApplicationsNamed(t *testing.T) {
	root := t.TempDir()
	for name, text := range map[string]string{
		"learn/a.go":        "package learn\n\n// recommend is fine here.\nvar task = \"the task recommend\"\n",
		"host/b.go":         "package host\n\nimport _ \"bellwether/apps/campaign\"\n\nvar Behaviour = \"recommended\"\n",
		"host/b_test.go":    "package host\n\nvar name = \"recommend\"\n",
		"decide/c.go":       "package decide\n\nvar column = \"campaign\"\n",
		"collect/d.go":      "package collect\n\nvar columns = []string{\"behaviour\"}\n",
		"apps/recommend.go": "package apps\n\nvar name = \"recommend\"\n",
	} {
		if err := os.MkdirAll(filepath.Join(root, filepath.Dir(name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(root)
	found, err := applicationsNamed(".")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Join(found, "\n")
	if len(found) != 3 || !strings.Contains(text, "learn/a.go:4") || !strings.Contains(text, "host/b.go:3") || !strings.Contains(text, "host/b.go:5") {
		t.Errorf("found %d:\n%s", len(found), text)
	}
}

func TestLinesOf(t *testing.T) {
	folder := t.TempDir()
	for name, text := range map[string]string{"a.go": "a\nb\n", "b.go": "c\n", "a_test.go": "d\n", "c.txt": "e\n"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := linesOf(folder); n != 3 || err != nil {
		t.Errorf("%d lines, %v", n, err)
	}
}
