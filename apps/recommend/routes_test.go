package recommend

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"bellwether"
	"bellwether/apps/app"
	"bellwether/internal/apptest"
	"bellwether/learn"
)

// TestRoutes asks every route and command: they answer what the requests do, and refuse by name.
func TestRoutes(t *testing.T) {
	s := apptest.Open(t, Application())
	s.Catalogue(100)
	s.Walk(60, 20, 100)
	if _, err := s.Ask("GET", "/v1/forecast?subject=person-001", nil); !errors.Is(err, learn.ErrNoModel) {
		t.Errorf("a forecast without a model: %v", err)
	}
	if _, failed := s.Turn(); failed[Name] != nil {
		t.Fatal(failed[Name])
	}
	who := string(outside(s))
	slate := func(text string, err error) (out Slate) {
		t.Helper()
		if err == nil {
			err = json.Unmarshal([]byte(text), &out)
		}
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	want := ask(s, Request{Subject: bellwether.Subject(who), K: 3, Surface: "shelf", Key: "k"})
	for name, got := range map[string]Slate{
		"GET":  slate(s.Ask("GET", "/v1/recommend?k=3&surface=shelf&key=k&subject="+who, nil)),
		"POST": slate(s.Ask("POST", "/v1/recommend", map[string]any{"subject": who, "k": 3, "surface": "shelf", "key": "k"})),
		"run":  slate(s.Run(true, "recommend", who, "-k", "3", "--surface", "shelf", "--key", "k", "--log")),
	} {
		if got.Decision != want.Decision.ID || got.Propensity != want.Decision.Propensity || got.Model != "recommend-000001" || len(got.Items) != 3 || got.Items[0].Item != want.Decision.Chosen()[0] {
			t.Errorf("%s answers %+v, the request %+v", name, got, want.Decision)
		}
	}
	if text, err := s.Run(false, "recommend", who, "-k", "2"); err != nil || !strings.HasPrefix(text, "home for "+who+" by recommend-000001, policy softmax") || strings.Count(text, "item-") != 2 {
		t.Errorf("the command writes %q, %v", text, err)
	}
	for path, want := range map[string]error{
		"/v1/recommend?subject=" + who + "&k=many": app.ErrBadRequest, "/v1/recommend?subject=" + who + "&k=1001": app.ErrBadRequest,
		"/v1/recommend": app.ErrBadRequest, "/v1/recommend?subject=" + who + "&category=none": ErrNothing, "/v1/forecast?subject=nobody": app.ErrUnknownPerson,
	} {
		if _, err := s.Ask("GET", path, nil); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", path, err, want)
		}
	}
	for _, body := range []string{"{", `{"subject":7}`, `{"subject":"x","holdout":true}`, `[]`} {
		if _, err := s.Ask("POST", "/v1/recommend", strings.NewReader(body)); !errors.Is(err, app.ErrBadRequest) {
			t.Errorf("%s: %v", body, err)
		}
	}
	history := []app.Visit{{Item: "item-07", Type: bellwether.ViewItem, Time: s.Now()}}
	if got := slate(s.Ask("POST", "/v1/recommend", map[string]any{"subject": "new", "history": history, "preview": true, "holdout": false})); got.Model != "recommend-000001" {
		t.Errorf("a history of the request: %+v", got)
	}

	var all []Slate
	text, err := s.Run(true, "recommend", "--everybody", "-k", "2")
	if err == nil {
		err = json.Unmarshal([]byte(text), &all)
	}
	if err != nil || len(all) != 60 || len(all[3].Items) != 2 || all[3].Subject != apptest.Person(3) {
		t.Errorf("everybody: %d slates, %v", len(all), err)
	}
	if text, err := s.Run(false, "recommend", "--everybody", "-k", "2"); err != nil || strings.Count(text, "\n") != 60 || len(strings.Split(strings.SplitN(text, "\n", 2)[0], "\t")) != 4 {
		t.Errorf("everybody: %.100q, %v", text, err)
	}
	if text, err := s.Ask("POST", "/v1/recommend/everybody", map[string]any{"category": "none", "preview": true}); err != nil || strings.TrimSpace(text) != "[\n]" {
		t.Errorf("nobody: %q, %v", text, err)
	}
	if _, err := s.Run(false, "recommend", "--everybody", "--exclude", "all"); !errors.Is(err, app.ErrBadRequest) {
		t.Errorf("a bad filter: %v", err)
	}
	for _, args := range [][]string{{"recommend"}, {"recommend", who, "--everybody"}} {
		if _, err := s.Run(false, args...); !errors.Is(err, app.ErrBadRequest) {
			t.Errorf("%v: %v", args, err)
		}
	}
	for _, name := range []string{"forecast", "outlook"} {
		if text, err := s.Run(false, name, who); err != nil || !strings.Contains(text, "by recommend-000001 (point estimates)") || !strings.Contains(text, "types withheld  60 cases are too few") {
			t.Errorf("%s writes %q, %v", name, text, err)
		}
	}
	if text, err := s.Ask("GET", "/v1/outlook?subject="+who, nil); err != nil || !strings.Contains(text, `"types"`) {
		t.Errorf("the route of before answers %q, %v", text, err)
	}
}
