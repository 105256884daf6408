package arch

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// architecture is what ARCHITECTURE.md says.
type architecture struct {
	folders map[string]bool     // the tree's top-level folders
	imports map[string][]string // by row of packages: the packages of ours that they may import
	floors  []string            // the rows of imports from above
	modules map[string][]string // by third-party module: the rows, or "tests", that may import it
}

var quoted = regexp.MustCompile("`([^`]+)`")

// read parses the tables under the three headings.
func read(t *testing.T) architecture {
	text, err := os.ReadFile(filepath.Join(root, "ARCHITECTURE.md"))
	if err != nil {
		t.Fatal(err)
	}
	a := architecture{folders: map[string]bool{}, imports: map[string][]string{}, modules: map[string][]string{}}
	heading := ""
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "## ") {
			heading = strings.TrimSpace(line[3:])
		}
		cells := strings.Split(line, "|")
		if len(cells) < 4 || !strings.Contains(cells[1], "`") {
			continue
		}
		key, values := words(cells[1])[0], words(cells[2])
		if strings.Contains(cells[2], "everything") {
			values = []string{"everything"}
		}
		switch {
		case strings.HasPrefix(heading, "The tree"):
			a.folders[strings.Split(key, "/")[0]] = true
		case heading == "Who may import whom":
			a.imports[key] = values
			a.floors = append(a.floors, key)
		case heading == "Third-party modules":
			a.modules[key] = values
		}
	}
	if len(a.folders) == 0 || len(a.imports) == 0 || len(a.modules) == 0 {
		t.Fatalf("ARCHITECTURE.md lacks a table: %d folders, %d import rows, %d modules", len(a.folders), len(a.imports), len(a.modules))
	}
	return a
}

func words(cell string) (out []string) {
	for _, m := range quoted.FindAllStringSubmatch(cell, -1) {
		out = append(out, m[1])
	}
	return out
}

// matches reports whether pattern names pkg: exactly, or as "folder/*" for all below folder.
func matches(pattern, pkg string) bool {
	below, star := strings.CutSuffix(pattern, "/*")
	return pattern == pkg || pattern == "everything" || star && strings.HasPrefix(pkg, below+"/")
}

// within reports whether one of a and b is the other or lies below it.
func within(a, b string) bool {
	return a != "." && b != "." && (a == b || strings.HasPrefix(a, b+"/") || strings.HasPrefix(b, a+"/"))
}

// row returns the longest row of the import table that covers pkg: by name, by pattern or as its parent.
func (a architecture) row(pkg string) (best string) {
	for r := range a.imports {
		if (matches(r, pkg) || r != "." && strings.HasPrefix(pkg, r+"/")) && len(r) > len(best) {
			best = r
		}
	}
	return best
}

// mayImport reports whether pkg may import the path.
func (a architecture) mayImport(pkg, imported string, test bool) bool {
	if imported == module || strings.HasPrefix(imported, module+"/") {
		to := path.Clean("." + strings.TrimPrefix(imported, module))
		return within(pkg, to) || slices.ContainsFunc(a.imports[a.row(pkg)], func(p string) bool { return matches(p, to) })
	}
	first, _, _ := strings.Cut(imported, "/")
	if !strings.Contains(first, ".") {
		return true // the standard library
	}
	for m, rows := range a.modules {
		if imported == m || strings.HasPrefix(imported, m+"/") {
			row := a.row(pkg)
			return slices.Contains(rows, row) || test && slices.Contains(rows, "tests")
		}
	}
	return false
}

// upwards lists what rows name that stands below them: nothing, where packages stand by floors. A row may name itself; the kernels and
// layers of tensor, and the tools of internal, are named by any.
func (a architecture) upwards() (out []string) {
	for at, row := range a.floors {
		for _, to := range a.imports[row] {
			if to == "everything" || to == "tensor/*" || to == "internal/*" {
				continue
			}
			switch floor := slices.Index(a.floors, to); {
			case floor < 0:
				out = append(out, row+" names "+to+", which has no row")
			case floor > at:
				out = append(out, row+" names "+to+", which stands below it")
			}
		}
	}
	return out
}
