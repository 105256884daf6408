package behaviour

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"bellwether"
	"bellwether/apps/app"
	"bellwether/internal/apptest"
	"bellwether/learn"
	"bellwether/models"
	"bellwether/models/dnn"

	"github.com/google/go-cmp/cmp"
)

// churn is a table in which low spend means leaving.
func churn(n int) *bellwether.Dataset {
	rng := rand.New(rand.NewPCG(3, 4))
	t := &bellwether.Table{Positive: "yes", Columns: []bellwether.Column{
		{Name: "spend", Numbers: make([]float64, n)},
		{Name: "plan", Codes: make([]int32, n), Levels: []string{"basic", "plus"}},
	}}
	for i := range n {
		x := rng.NormFloat64()
		t.Columns[0].Numbers[i] = x
		t.Columns[1].Codes[i] = rng.Int32N(2)
		y := 0.0
		if x+.5*rng.NormFloat64() < -.3 {
			y = 1
		}
		t.Target = append(t.Target, y)
		t.Split = append(t.Split, []bellwether.Split{bellwether.Train, bellwether.Train, bellwether.Train, bellwether.Test}[i%4])
	}
	return &bellwether.Dataset{Name: "behaviour", Digest: "churn", Table: t}
}

func TestCandidates(t *testing.T) {
	d, o := churn(2000), learn.FitOptions{Training: learn.Training{Seed: 1, Epochs: 5}, Clock: time.Now}
	fitted, err := learn.FitAll(t.Context(), Candidates(o), d, 0, time.Now, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(fitted) != 3 || fitted[0].Name != dnn.Majority || fitted[1].Name != dnn.Logistic || fitted[2].Name != dnn.Network {
		t.Fatalf("%+v", fitted)
	}
	loss := map[string]float64{}
	for _, f := range fitted {
		if f.Baseline == (f.Name == "dnn") {
			t.Errorf("%s: baseline %v", f.Name, f.Baseline)
		}
		var b bytes.Buffer
		if err := f.Model.Save(&b); err != nil {
			t.Fatal(err)
		}
		back, err := models.Load(f.Model.Family(), &b)
		if err != nil {
			t.Fatal(err)
		}
		p, err := back.(bellwether.Classifier).Predict(t.Context(), d.Table)
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range p {
			if d.Table.Split[i] == bellwether.Test {
				loss[f.Name] += (v - d.Table.Target[i]) * (v - d.Table.Target[i])
			}
		}
	}
	if loss["logistic"] > .7*loss["majority"] || loss["dnn"] > .7*loss["majority"] {
		t.Errorf("squared errors %v: what is learned is no better than the majority's share", loss)
	}
	if _, err := learn.FitAll(t.Context(), Candidates(o), &bellwether.Dataset{}, 0, time.Now, nil); err == nil {
		t.Error("no table, no error")
	}
}

// TestGivenTables: what a table needs is said.
func TestGivenTables(t *testing.T) {
	task := Task()
	d := churn(2000)
	m, err := task.Given("test", d.Table, apptest.Begin)
	if err != nil || m.Data.Digest == "" || m.Assembler != nil {
		t.Errorf("%+v, %v", m, err)
	}
	few, rare, odd := churn(99).Table, churn(400).Table, churn(400).Table
	clear(rare.Target)
	odd.Target[7] = 3
	for name, test := range map[string]struct {
		table  *bellwether.Table
		noData bool
		want   string
	}{
		"few rows": {few, true, "99 people are in the table"}, "one class": {rare, true, "class 1 has 0 people"},
		"a number": {odd, false, "row 8 has the target 3"}, "nothing": {nil, false, "learns from a table"},
	} {
		if _, err := task.Given("test", test.table, apptest.Begin); err == nil || errors.Is(err, learn.ErrNoData) != test.noData || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// buyers lets one half of the people buy every third day.
func buyers(t *testing.T) *apptest.Shop {
	t.Helper()
	s := apptest.Open(t, Application())
	s.Catalogue(20)
	s.Walk(240, 70, 20)
	return s
}

// TestLoop: who has bought so far, buys; the model in service says so, from the features of the moment.
func TestLoop(t *testing.T) {
	s := buyers(t)
	if _, _, err := Predict(t.Context(), s.Project, apptest.Person(0), nil); !errors.Is(err, learn.ErrNoModel) {
		t.Errorf("without a model: %v", err)
	}
	done, failed := s.Turn()
	if w := done[Name]; w == nil || !w.Promoted || len(w.Card.Rows) != 3 || w.Card.Rows[2].Validation["auc"].Value < .95 {
		t.Fatalf("%v", failed)
	}
	yes, version, err := Predict(t.Context(), s.Project, apptest.Person(0), nil)
	if err != nil {
		t.Fatal(err)
	}
	no, _, err := Predict(t.Context(), s.Project, apptest.Person(1), nil)
	if err != nil {
		t.Fatal(err)
	}
	if version != "behaviour-000001" || len(yes) != 1 || yes[0] < 5*no[0] {
		t.Errorf("%s: who buys has %v, who does not %v", version, yes, no)
	}
	if p, v, err := Predict(t.Context(), s.Project, "nobody", nil); !errors.Is(err, app.ErrUnknownPerson) || p != nil || v != "" {
		t.Errorf("of somebody unknown: %v of %s, %v", p, v, err)
	}
	rows := []map[string]any{{"frequency": 20., "monetary": 200., "purchase_30d": 10., "purchase_90d": 20., "days_since_purchase": 1.}, {"frequency": 0., "device": "phone"}, {"device": nil, "plan": true}}
	p, _, err := Predict(t.Context(), s.Project, "", rows)
	if err != nil || len(p) != 3 {
		t.Errorf("rows: %v, %v", p, err)
	}
	for name, ask := range map[string]func() error{
		"nobody and nothing": func() error { _, _, err := Predict(t.Context(), s.Project, "", nil); return err },
		"a subject and rows": func() error { _, _, err := Predict(t.Context(), s.Project, "x", rows); return err },
		"a row of lists": func() error {
			_, _, err := Predict(t.Context(), s.Project, "", []map[string]any{{"x": []any{1}}})
			return err
		},
		"no actions": func() error {
			_, err := Act(t.Context(), s.Project, app.ActionRequest{Subject: "x", Surface: "email"})
			return err
		},
		"a value for two actions": func() error {
			_, err := Act(t.Context(), s.Project, app.ActionRequest{Subject: "x", Surface: "email", Actions: []string{"send", "none"}, Values: []float64{1}})
			return err
		},
		"an action for nobody": func() error {
			_, err := Act(t.Context(), s.Project, app.ActionRequest{Surface: "email", Actions: []string{"send"}})
			return err
		},
	} {
		if err := ask(); !errors.Is(err, app.ErrBadRequest) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAct(t *testing.T) {
	s := buyers(t)
	act := func(r app.ActionRequest) app.Answer {
		t.Helper()
		r.Surface, r.Actions = "email", []string{"send", "none"}
		a, err := Act(t.Context(), s.Project, r)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	yes, no := true, false
	if a := act(app.ActionRequest{Subject: apptest.Person(0), Preview: true, Holdout: &no}); a.Decision.Model != "none" || !strings.Contains(a.Reason, "no model is in service") {
		t.Errorf("without a model %s: %s", a.Decision.Model, a.Reason)
	}
	if _, failed := s.Turn(); failed[Name] != nil {
		t.Fatal(failed[Name])
	}
	if a := act(app.ActionRequest{Subject: "x", Preview: true, Holdout: &yes}); a.Decision.Chosen()[0] != "none" || !a.Decision.Holdout {
		t.Errorf("the holdout gets %v", a.Decision.Chosen())
	}
	a := act(app.ActionRequest{Subject: apptest.Person(0), Preview: true, Holdout: &no})
	if c := a.Decision.Candidates; a.Reason != unvalued || a.Decision.Model != "behaviour-000001" || c[0].Score != 0 || c[0].Propensity != c[1].Propensity {
		t.Errorf("that somebody buys is taken for a reason to write: %s %v: %s", a.Decision.Model, c, a.Reason)
	}
	if v := act(app.ActionRequest{Subject: apptest.Person(0), Values: []float64{.7, .2}, Preview: true, Holdout: &no}); v.Reason != "" || v.Decision.Candidates[0].Score != .7 || v.Decision.Candidates[1].Score != .2 {
		t.Errorf("with values: %v: %s", v.Decision.Candidates, v.Reason)
	}
	if a := act(app.ActionRequest{Subject: "nobody", Preview: true, Holdout: &no}); a.Decision.Model != "none" || a.Decision.Context["probability"] != 0 || !strings.Contains(a.Reason, "unknown") {
		t.Errorf("of somebody unknown %s: %s", a.Decision.Model, a.Reason)
	}
	other, err := s.Person(t.Context(), apptest.Person(1), "") // who never bought
	if err != nil {
		t.Fatal(err)
	}
	if b := act(app.ActionRequest{Subject: apptest.Person(0), History: other.Events, Preview: true, Holdout: &no}); 5*b.Decision.Context["probability"] > a.Decision.Context["probability"] {
		t.Errorf("with the history of somebody who never bought: %v", b.Decision.Context)
	}
	first := act(app.ActionRequest{Subject: apptest.Person(3), Key: "k"})
	if diff := cmp.Diff(first.Decision, act(app.ActionRequest{Subject: apptest.Person(3), Key: "k"}).Decision); diff != "" {
		t.Errorf("the same key:\n%s", diff)
	}
}

// TestWithheld: a model whose calibration error is above the limit beyond chance, or was never judged, answers nobody, and no threshold
// stands on it; what it would say is no feature of a decision either.
func TestWithheld(t *testing.T) {
	s := buyers(t)
	if _, failed := s.Turn(); failed[Name] != nil {
		t.Fatal(failed[Name])
	}
	v, err := s.Registry.Serving(Name)
	if err != nil || v.Withheld != "" {
		t.Fatal(v, err)
	}
	if τ, err := ProfitThreshold(s.Project, 1, 4); (v.Judged["ece"].Value <= .05) != (err == nil) || err == nil && τ != .25 {
		t.Errorf("a threshold of %v at a calibration error of %v: %v", τ, v.Judged["ece"].Value, err)
	}
	slot, err := s.Registry.Slot(Name)
	if err != nil {
		t.Fatal(err)
	}
	bad, err := learn.NewServing(v.Version, Name, v.Model, learn.Vocabulary{}, s.Currency)
	if err != nil {
		t.Fatal(err)
	}
	bad.Withheld, bad.Judged = "its calibration error is .3", map[string]bellwether.Estimate{"ece": {Value: .3}}
	slot.Swap(bad)
	if p, _, err := Predict(t.Context(), s.Project, apptest.Person(0), nil); !errors.Is(err, app.ErrWithheld) || p != nil {
		t.Errorf("%v, %v", p, err)
	}
	if _, err := ProfitThreshold(s.Project, 1, 4); !errors.Is(err, app.ErrWithheld) {
		t.Errorf("a threshold: %v", err)
	}
	a, err := Act(t.Context(), s.Project, app.ActionRequest{Subject: apptest.Person(0), Surface: "email", Actions: []string{"send", "none"}, Preview: true})
	if err != nil || len(a.Decision.Context) != 0 || !strings.Contains(a.Reason, "withheld") {
		t.Errorf("%v: %s, %v", a.Decision.Context, a.Reason, err)
	}
}

// TestHistoryEndedLongAgo: that nobody bought lately is not said of a shop whose events ended before.
func TestHistoryEndedLongAgo(t *testing.T) {
	s := buyers(t)
	s.SetClock(s.Now().AddDate(0, 0, 45))
	if _, failed := s.Turn(); !errors.Is(failed[Name], learn.ErrNoData) || !strings.Contains(fmt.Sprint(failed[Name]), "the newest event is of ") {
		t.Errorf("%v", failed[Name])
	}
}

func TestTurnWithoutData(t *testing.T) {
	s := apptest.Open(t, Application())
	if _, failed := s.Turn(); !errors.Is(failed[Name], learn.ErrNoData) {
		t.Errorf("an empty shop: %v", failed[Name])
	}
	s.Walk(20, 40, 5)
	if _, failed := s.Turn(); !errors.Is(failed[Name], learn.ErrNoData) || !strings.Contains(fmt.Sprint(failed[Name]), "20 people are in the table") {
		t.Errorf("twenty people: %v", failed[Name])
	}
}
