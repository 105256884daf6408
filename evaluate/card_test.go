package evaluate

import (
	"errors"
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"bellwether"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func estimate(v float64) bellwether.Estimate {
	return bellwether.Estimate{Value: v, Interval: []float64{v - .002, v + .002}, Level: .95, N: 22363, Method: "bootstrap over people, 1000 resamples, percentile"}
}

func card() bellwether.Card {
	row := func(name string, baseline bool, valid, test float64) bellwether.CardRow {
		return bellwether.CardRow{
			Name: name, Baseline: baseline, FitSeconds: .25,
			Validation: map[string]bellwether.Estimate{"ndcg@10": estimate(valid)},
			Test: map[string]bellwether.Estimate{
				"ndcg@10": estimate(test), "hr@10": estimate(test + .03),
				"coverage@10": {Value: .5, N: 12101, Method: "point"},
			},
		}
	}
	c := bellwether.Card{
		Version: "recommend-000003", Application: "recommend", Family: "ensemble", Parameters: 1234567,
		Trained:  time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC),
		Data:     bellwether.CardData{Digest: "ab12", From: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), To: time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC), Events: 198502, People: 22363, Items: 12101},
		Rows:     []bellwether.CardRow{row("blend", true, .06, .052), row("transformer", false, .058, .054), row("a|b", false, .065, .06)},
		Settings: map[string]any{"minutes": 10, "weights": []float64{.3, .7}},
		Warnings: []string{"half of the people have 2 events or fewer"},
	}
	c.Rows[1].Test["shown"] = bellwether.Estimate{Value: 1, Withheld: "12 positives, fewer than 50"}
	c.Chosen, c.Reason = Choose(c.Rows, "ndcg@10")
	return c
}

func TestWriteCard(t *testing.T) {
	var b strings.Builder
	if err := WriteCard(&b, card()); err != nil {
		t.Fatal(err)
	}
	const golden = "testdata/card.md"
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("go test -run WriteCard -update rewrites the file if this is meant:\n%s", diff)
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("the disk is full") }

func TestWriteCardTellsErrors(t *testing.T) {
	if err := WriteCard(broken{}, card()); err == nil || !strings.Contains(err.Error(), "the disk is full") {
		t.Errorf("error %v", err)
	}
}

func TestChoose(t *testing.T) {
	row := func(name string, baseline bool, metric string, v float64) bellwether.CardRow {
		return bellwether.CardRow{Name: name, Baseline: baseline, Validation: map[string]bellwether.Estimate{metric: estimate(v)}}
	}
	withheld := row("dnn", false, "auc", .9)
	e := withheld.Validation["auc"]
	e.Withheld = "12 positives, fewer than 50"
	withheld.Validation["auc"] = e
	for _, c := range []struct {
		name   string
		rows   []bellwether.CardRow
		metric string
		want   string
		reason []string
	}{
		{"the best", []bellwether.CardRow{row("pop", true, "auc", .5), row("dnn", false, "auc", .8)}, "auc", "dnn", []string{"0.8000 [0.7980, 0.8020]", "baseline beside it, pop, has 0.5000"}},
		{"less is better", []bellwether.CardRow{row("majority", true, "logloss", .5), row("dnn", false, "logloss", .8)}, "logloss", "majority", []string{"a baseline that no other model beats"}},
		{"of equals the first", []bellwether.CardRow{row("blend", true, "auc", .8), row("dnn", false, "auc", .8)}, "auc", "blend", nil},
		{"withheld", []bellwether.CardRow{row("majority", true, "auc", .5), withheld}, "auc", "majority", []string{"the verdict on dnn is withheld: 12 positives"}},
		{"nothing to choose", []bellwether.CardRow{row("pop", true, "auc", .5)}, "f1", "", []string{`no row has the validation figure "f1"`}},
	} {
		name, reason := Choose(c.rows, c.metric)
		if name != c.want {
			t.Errorf("%s: chose %q because %s; want %q", c.name, name, reason, c.want)
		}
		for _, part := range c.reason {
			if !strings.Contains(reason, part) {
				t.Errorf("%s: the reason %q does not say %q", c.name, reason, part)
			}
		}
	}
}

func TestChooseIgnoresTest(t *testing.T) {
	rows := card().Rows
	first, _ := Choose(rows, "ndcg@10")
	for i := range rows {
		rows[i].Test = map[string]bellwether.Estimate{"ndcg@10": estimate(float64(9 - i))}
	}
	if again, _ := Choose(rows, "ndcg@10"); again != first {
		t.Errorf("the choice moved from %q to %q with the test figures", first, again)
	}
}
