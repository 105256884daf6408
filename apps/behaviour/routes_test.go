package behaviour

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bellwether/apps/app"
	"bellwether/learn"
)

// TestRoutes asks every route and command: they answer what the requests do, and refuse by name.
func TestRoutes(t *testing.T) {
	s := buyers(t)
	if _, err := s.Ask("POST", "/v1/predict", map[string]any{"subject": "person-000"}); !errors.Is(err, learn.ErrNoModel) {
		t.Errorf("without a model: %v", err)
	}
	if _, failed := s.Turn(); failed[Name] != nil {
		t.Fatal(failed[Name])
	}
	want, _, err := Predict(t.Context(), s.Project, "person-000", nil)
	if err != nil {
		t.Fatal(err)
	}
	prediction := func(text string, err error) (out Prediction) {
		t.Helper()
		if err == nil {
			err = json.Unmarshal([]byte(text), &out)
		}
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	file := filepath.Join(t.TempDir(), "rows.json")
	if err := os.WriteFile(file, []byte(`[{"frequency": 3}, {"device": "phone"}]`), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, got := range map[string]Prediction{
		"POST": prediction(s.Ask("POST", "/v1/predict", map[string]any{"application": "behaviour", "subject": "person-000"})),
		"run":  prediction(s.Run(true, "predict", "person-000")),
	} {
		if got.Model != "behaviour-000001" || len(got.Probabilities) != 1 || got.Probabilities[0] != want[0] {
			t.Errorf("%s: %+v, want %v", name, got, want)
		}
	}
	if got := prediction(s.Run(true, "predict", "--rows", file)); len(got.Probabilities) != 2 {
		t.Errorf("rows: %+v", got)
	}
	if text, err := s.Run(false, "decide", "person-000", "send", "none", "--surface", "push"); err != nil || !strings.HasPrefix(text, "push for person-000 by behaviour-000001, policy softmax") {
		t.Errorf("the command writes %q, %v", text, err)
	}
	var c Choice
	text, err := s.Ask("POST", "/v1/decide", map[string]any{"subject": "person-001", "surface": "email", "actions": []string{"send", "none"}, "preview": true, "holdout": true})
	if err == nil {
		err = json.Unmarshal([]byte(text), &c)
	}
	if err != nil || c.Action != "none" || !c.Holdout || c.Subject != "person-001" || c.Propensity != 1 {
		t.Errorf("in the holdout: %+v, %v", c, err)
	}
	for name, ask := range map[string]func() (string, error){
		"nobody and nothing": func() (string, error) { return s.Ask("POST", "/v1/predict", map[string]any{}) },
		"neither":            func() (string, error) { return s.Run(false, "predict") },
		"both":               func() (string, error) { return s.Run(false, "predict", "x", "--rows", file) },
	} {
		if _, err := ask(); !errors.Is(err, app.ErrBadRequest) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := s.Run(false, "predict", "nobody"); !errors.Is(err, app.ErrUnknownPerson) {
		t.Errorf("of somebody unknown: %v", err)
	}
}
