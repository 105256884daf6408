package apptest_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"bellwether/apps"
	"bellwether/apps/app"
	"bellwether/internal/apptest"
	"bellwether/learn"
)

// TestAnApplicationIsAFolderAndALine: with one line in a list the application of this package learns with the others, serves, and
// has its route, its command and its page.
func TestAnApplicationIsAFolderAndALine(t *testing.T) {
	s := apptest.Open(t, append(apps.All(), apptest.Application())...)
	if _, err := s.Ask("GET", "/v1/habit?subject=person-001", nil); !errors.Is(err, learn.ErrNoModel) {
		t.Errorf("before any turn: %v", err)
	}
	s.Catalogue(100)
	s.Walk(120, 45, 100)
	done, failed := s.Turn()
	if w := done[apptest.Name]; w == nil || !w.Promoted || w.Card.Chosen != "markov" {
		t.Fatalf("the turn: %v; promoted %v, %s", failed, w.Promoted, w.Reason)
	}
	if len(done) != 3 {
		t.Errorf("%d tasks have learned, and %v", len(done), failed)
	}
	const want = `{"item":"item-46","model":"habit-000001"}` // number 1, then 45 steps of one
	if got, err := s.Ask("GET", "/v1/habit?subject=person-001", nil); err != nil || !strings.Contains(got, `"item":"item-46"`) || !strings.Contains(got, `"model":"habit-000001"`) {
		t.Errorf("the route answers %s, %v", got, err)
	}
	if got, err := s.Run(true, "habit", "person-001"); err != nil || strings.TrimSpace(got) != want {
		t.Errorf("the command writes %s, %v", got, err)
	}
	if got, err := s.Run(false, "habit", "person-001"); err != nil || got != "item-46 by habit-000001\n" {
		t.Errorf("the command writes %s, %v", got, err)
	}
	if _, err := s.Run(false, "habit", "nobody"); !errors.Is(err, app.ErrUnknownPerson) {
		t.Errorf("of somebody unknown: %v", err)
	}
	if got, err := s.Ask("GET", "/habits", nil); err != nil || !strings.Contains(got, "habit-000001 serves") {
		t.Errorf("the page shows %s, %v", got, err)
	}
	if !slices.Contains(s.Notes, "model_promoted habit habit-000001") {
		t.Errorf("noted were %v", s.Notes)
	}
	s.Reopen()
	if got, err := s.Run(false, "habit", "person-001"); err != nil || got != "item-46 by habit-000001\n" {
		t.Errorf("after a restart the command writes %s, %v", got, err)
	}
}

// TestNobodyElseKnowsIt: no file outside of this folder imports the application, or names its task.
func TestNobodyElseKnowsIt(t *testing.T) {
	root := filepath.Join("..", "..")
	looked := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() && (name == "testdata" || name == "apptest" || path != root && strings.HasPrefix(name, ".")) {
			return fs.SkipDir
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		text, err := os.ReadFile(path)
		looked++
		if strings.Contains(string(text), `"`+apptest.Name+`"`) || strings.Contains(string(text), `"bellwether/internal/apptest"`) {
			t.Errorf("%s knows the application", path)
		}
		return err
	})
	if err != nil || looked < 100 {
		t.Errorf("%d files were looked at: %v", looked, err)
	}
}
