package arch

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const (
	root   = "../.."
	module = "bellwether"
)

// files calls visit with each Go file of the module, parsed up to its imports, and its folder.
func files(t *testing.T, visit func(pkg, name string, f *ast.File)) {
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(root, p)
		pkg := filepath.ToSlash(filepath.Dir(rel))
		if d.IsDir() {
			_, nested := os.Stat(filepath.Join(p, "go.mod"))
			if rel != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || nested == nil) {
				return fs.SkipDir // hidden, data, or a module of its own
			}
			return nil
		}
		if filepath.Ext(p) != ".go" {
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), p, nil, parser.ImportsOnly|parser.ParseComments)
		if err == nil {
			visit(pkg, d.Name(), f)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestImports(t *testing.T) {
	a := read(t)
	files(t, func(pkg, name string, f *ast.File) {
		if a.row(pkg) == "" {
			t.Errorf("package %s has no row in ARCHITECTURE.md's import table", pkg)
			return
		}
		for _, spec := range f.Imports {
			imported := strings.Trim(spec.Path.Value, `"`)
			if !a.mayImport(pkg, imported, strings.HasSuffix(name, "_test.go")) {
				t.Errorf("%s/%s imports %s, which ARCHITECTURE.md does not allow to %s", pkg, name, imported, a.row(pkg))
			}
		}
	})
}

func TestEveryPackageHasAComment(t *testing.T) {
	documented := map[string]bool{}
	files(t, func(pkg, name string, f *ast.File) {
		if !strings.HasSuffix(name, "_test.go") {
			documented[pkg] = documented[pkg] || f.Doc != nil && strings.TrimSpace(f.Doc.Text()) != ""
		}
	})
	for pkg, ok := range documented {
		if !ok {
			t.Errorf("package %s has no package comment", pkg)
		}
	}
}

// TestTree: every folder is on the map. A folder of the map may be missing while it is planned.
func TestTree(t *testing.T) {
	a := read(t)
	ignored, _ := os.ReadFile(filepath.Join(root, ".gitignore"))
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		name := e.Name()
		if !e.IsDir() || strings.HasPrefix(name, ".") || a.folders[name] || strings.Contains(string(ignored), "/"+name) {
			continue
		}
		t.Errorf("folder %s is not in ARCHITECTURE.md's tree", name)
	}
}

// TestFloors: packages stand by floors, so that the table is a graph without circles in which calls go down.
func TestFloors(t *testing.T) {
	a := read(t)
	for _, fault := range a.upwards() {
		t.Error(fault)
	}
	a.imports["store"] = append(a.imports["store"], "history", "unheard-of")
	if got := a.upwards(); len(got) != 2 {
		t.Errorf("two faults in the table are found as %q", got)
	}
}

func TestMayImport(t *testing.T) {
	a := read(t)
	for _, test := range []struct {
		pkg, imported string
		test, want    bool
	}{
		{".", "bellwether/store", false, false},
		{".", "encoding/json", false, true},
		{"history", "bellwether/dataset", false, false},
		{"learn", "bellwether/models/dnn", false, true},
		{"learn", "bellwether/apps/app", false, false},
		{"apps/recommend", "bellwether/apps/behaviour", false, false},
		{"history/lake", "bellwether/history", false, true},
		{"models/dnn", "bellwether/models/sequence", false, false},
		{"models/dnn", "bellwether/tensor/nn", false, true},
		{"collect", "bellwether", false, true},
		{"collect", "bellwether/decide", false, false},
		{"tensor", "bellwether/tensor/internal/reference", false, true},
		{"cmd/bellwether", "bellwether/pipeline", false, true},
		{"store", "github.com/cockroachdb/pebble/v2/vfs", false, true},
		{"web", "github.com/cockroachdb/pebble/v2", false, false},
		{"dataset", "github.com/google/go-cmp/cmp", true, true},
		{"dataset", "github.com/google/go-cmp/cmp", false, false},
		{"dataset", "github.com/unknown/module", true, false},
	} {
		if got := a.mayImport(test.pkg, test.imported, test.test); got != test.want {
			t.Errorf("%s imports %s (test %v): allowed %v, want %v", test.pkg, test.imported, test.test, got, test.want)
		}
	}
}
