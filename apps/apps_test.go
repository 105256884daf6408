package apps

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"bellwether/apps/app"
)

// before are folders that rerun what the project promises of its applications.
var before = []string{"bench"}

// columns are words of a task's name that a file means otherwise: as the name of a column.
var columns = map[string]string{"../collect/guess.go": "behaviour"}

// TestNobodyElseNamesTasks: outside of its application's folder no file has the name of a task as a text.
func TestNobodyElseNamesTasks(t *testing.T) {
	names := map[string]string{} // by task: the application
	for _, a := range All() {
		for _, task := range a.Tasks {
			names[task.Name] = a.Name
		}
	}
	looked := 0
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		folder := strings.Split(filepath.ToSlash(path), "/")
		if d.IsDir() && len(folder) > 1 {
			for _, old := range append(before, "docs", "python", "changelog") {
				if folder[1] == old {
					return fs.SkipDir
				}
			}
			if strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" {
				return fs.SkipDir
			}
		}
		if filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		looked++
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(f, func(n ast.Node) bool {
			lit, ok := n.(*ast.BasicLit)
			if !ok || lit.Kind != token.STRING {
				return true
			}
			text, _ := strconv.Unquote(lit.Value)
			if name, known := names[text]; known && columns[filepath.ToSlash(path)] != text && !strings.HasPrefix(filepath.ToSlash(path), "../apps/"+name+"/") {
				t.Errorf("%s names the task %s of %s", path, text, name)
			}
			return true
		})
		return nil
	})
	if err != nil || looked < 100 {
		t.Errorf("%d files were looked at: %v", looked, err)
	}
}

func TestNamesDiffer(t *testing.T) {
	seen := map[string]bool{}
	for _, a := range All() {
		if a.Name == "" || a.Title == "" || seen[a.Name] {
			t.Errorf("application %q: %q", a.Name, a.Title)
		}
		seen[a.Name] = true
	}
	tasks := map[string]bool{}
	for _, task := range app.Tasks(All()) {
		if tasks[task.Name] || task.Title == "" || task.Data == nil || task.Candidates == nil || task.Judge == nil || task.Compare == nil || task.Metric == "" {
			t.Errorf("the task %q lacks something, or has another one's name", task.Name)
		}
		tasks[task.Name] = true
	}
}
