package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"bellwether"
	"bellwether/apps"
)

// Folders in which applications may be named: their own, the benchmarks, and the simulated market.
var mayName = []string{"apps", "bench", "internal/market"}

// applicationsNamed lists where Go code outside applications' folders, the list and tests says the name of an application or of a task:
// as an import, in a text, or in an identifier. Comments may. A name that is also a column of events, such as campaign, counts as an import
// alone; so do all in collect, whose texts are the columns of other people's files.
func applicationsNamed(root string) (found []string, err error) {
	names := applicationNames()
	columns := eventColumns()
	words := slices.DeleteFunc(slices.Clone(names), func(n string) bool { return slices.Contains(columns, n) })
	text := regexp.MustCompile(`\b(` + strings.Join(words, "|") + `)\b`)
	identifier := regexp.MustCompile(`(?i)^(` + strings.Join(words, "|") + `)$`)
	imported := regexp.MustCompile(`^bellwether/apps/(` + strings.Join(names, "|") + `)$`)
	set := token.NewFileSet()
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel := filepath.ToSlash(path)
		if d.IsDir() && (rel != "." && strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || slices.Contains(mayName, rel)) {
			return fs.SkipDir
		}
		if filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		f, err := parser.ParseFile(set, path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(f, func(n ast.Node) bool {
			said := ""
			switch n := n.(type) {
			case *ast.BasicLit:
				said = literal(n)
				if imported.MatchString(said) {
					break
				}
				if strings.HasPrefix(rel, "collect/") || !text.MatchString(said) {
					return true
				}
			case *ast.Ident:
				if said = n.Name; !identifier.MatchString(said) {
					return true
				}
			default:
				return true
			}
			found = append(found, fmt.Sprintf("%s: %.60q", set.Position(n.Pos()), said))
			return true
		})
		return nil
	})
	return found, err
}

func literal(l *ast.BasicLit) string {
	if l.Kind != token.STRING {
		return ""
	}
	s, _ := strconv.Unquote(l.Value)
	return s
}

// applicationNames are the names of applications and tasks.
func applicationNames() (names []string) {
	for _, a := range apps.All() {
		names = append(names, a.Name)
		for _, t := range a.Tasks {
			names = append(names, t.Name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// eventColumns are the names of events' fields.
func eventColumns() (names []string) {
	for f := range reflect.TypeFor[bellwether.Event]().Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		names = append(names, name)
	}
	return names
}
