package page

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestVendored holds that the vendored files are those that vendored.json names, with their licences beside them.
func TestVendored(t *testing.T) {
	text, err := os.ReadFile("assets/vendored.json")
	if err != nil {
		t.Fatal(err)
	}
	var rows []struct {
		File, Sha256, Built string
		Packages            []struct{ Name, Version, Licence, Text string }
	}
	if err := json.Unmarshal(text, &rows); err != nil {
		t.Fatal(err)
	}
	pinned, err := os.ReadFile("build/package.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		content, err := os.ReadFile(filepath.Join("assets", r.File))
		if err != nil {
			t.Fatal(err)
		}
		if sum := sha256.Sum256(content); hex.EncodeToString(sum[:]) != r.Sha256 {
			t.Errorf("%s has the checksum %x, and vendored.json says %s", r.File, sum, r.Sha256)
		}
		for _, p := range r.Packages {
			if _, err := os.Stat(filepath.Join("assets", p.Text)); err != nil {
				t.Errorf("the licence %s of %s: %v", p.Licence, p.Name, err)
			}
		}
		if first := r.Packages[0]; !strings.Contains(string(pinned), `"`+first.Name+`": "`+first.Version+`"`) {
			t.Errorf("build/package.json has another version of %s than %s", first.Name, first.Version)
		}
	}
	if len(rows) != 2 {
		t.Errorf("%d vendored files, want htmx and ECharts", len(rows))
	}
}
