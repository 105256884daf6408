package console

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"bellwether"
	"bellwether/measure"
)

// still is a source whose answers do not change.
type still struct {
	report    *measure.Report
	turns     []Turn
	decisions []bellwether.Decision
	rejects   []Reject
	err       error
}

func (s *still) Report(context.Context) (*measure.Report, error) { return s.report, s.err }
func (s *still) Turns(context.Context) ([]Turn, error)           { return s.turns, nil }
func (s *still) Decisions(context.Context, int) ([]bellwether.Decision, error) {
	return s.decisions, nil
}
func (s *still) Rejects(context.Context, int) ([]Reject, error) { return s.rejects, nil }
func (s *still) Title(action string) string {
	if action == "sku-1" {
		return "Red <b>shoes</b>"
	}
	return ""
}

func full() *still {
	row := func(name string, v float64) bellwether.CardRow {
		e := map[string]bellwether.Estimate{"ndcg@10": {Value: v, Interval: []float64{v - .01, v + .01}, Method: "bootstrap"}}
		return bellwether.CardRow{Name: name, Validation: e, Test: e}
	}
	earned := bellwether.Estimate{Value: 1234, Interval: []float64{200, 2268}, Level: .95, N: 100, Method: "Welch"}
	return &still{
		report: &measure.Report{
			Project: "shop", Currency: "EUR", AsOf: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC),
			Earned: measure.Earned{Treated: 90, Holdout: 10, Total: earned, Person: earned, Relative: earned},
		},
		turns: []Turn{{Number: 1, Applications: []Application{{
			Name: "recommend", Version: "recommend-000001", Promoted: true, Chosen: "blend",
			Rows: []bellwether.CardRow{row("popularity", .1), row("blend", .2)},
		}}, Cleaning: []Rule{{Name: "robot_rate", Seen: 3, Dropped: 3}}}},
		decisions: []bellwether.Decision{{
			ID: "d-1", Subject: "ann", Surface: "home", Slate: true, Actions: []int{1, 0}, Propensity: .3, Holdout: true,
			Candidates: []bellwether.Candidate{{Action: "sku-2", Propensity: .4}, {Action: "sku-1", Propensity: .6}},
		}},
		rejects: []Reject{{Source: "orders.csv", Line: 7, Reason: "price is text", Text: `{"price":"x"}`}},
	}
}

func get(t *testing.T, s Source, path string) (int, string) {
	t.Helper()
	w := httptest.NewRecorder()
	Handler(s).ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w.Code, w.Body.String()
}

func TestOverview(t *testing.T) {
	for _, test := range []struct {
		path string
		want []string
	}{
		{"/", []string{`lang="en"`, "1234 EUR", "200.0 … 2268", "recommend-000001", "robot_rate", "orders.csv:7", "Red &lt;b&gt;shoes", "holdout", "<svg", "promoted"}},
		{"/?lang=zh", []string{`lang="zh"`, "对照组", "已上线", "1234 EUR"}},
		{"/live", []string{"ann", "sku-2", "ε"}},
		{"/report", []string{"<!doctype html>", "shop"}},
		{"/style.css", []string{"--mark"}},
	} {
		code, body := get(t, full(), test.path)
		if code != http.StatusOK {
			t.Errorf("%s: %d", test.path, code)
		}
		for _, w := range test.want {
			if !strings.Contains(body, w) {
				t.Errorf("%s lacks %q", test.path, w)
			}
		}
		if strings.Contains(body, "<b>shoes") {
			t.Errorf("%s shows a title as markup", test.path)
		}
	}
}

// TestNothingYet holds that an empty project shows what is missing, and no number.
func TestNothingYet(t *testing.T) {
	s := &still{report: &measure.Report{Project: "shop", Earned: measure.Earned{Total: bellwether.Estimate{Withheld: "nobody is in the holdout yet"}}}}
	_, body := get(t, s, "/")
	for _, w := range []string{"No number yet", "nobody is in the holdout yet", "No turn yet", "No decision yet", "Nothing was refused"} {
		if !strings.Contains(body, w) {
			t.Errorf("the page lacks %q", w)
		}
	}
	if strings.Contains(body, "<svg") {
		t.Error("there is a chart of nothing")
	}
}

func TestProblemIsShown(t *testing.T) {
	code, body := get(t, &still{err: errors.New("the log cannot be read")}, "/")
	if code != http.StatusOK || !strings.Contains(body, "the log cannot be read") {
		t.Errorf("%d %s", code, body)
	}
	if code, _ := get(t, &still{err: errors.New("the log cannot be read")}, "/report"); code != http.StatusInternalServerError {
		t.Errorf("the report answered %d", code)
	}
}

func TestChartNamesDoNotCover(t *testing.T) {
	lines := []line{{Label: 100}, {Label: 101}, {Label: 102}, {Label: 200}}
	separate(lines)
	for i := range lines {
		for j := range i {
			if d := lines[i].Label - lines[j].Label; d > -10 && d < 10 {
				t.Errorf("names %d and %d are %.1f apart", i, j, d)
			}
		}
	}
}
