package pipeline

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
	"bellwether/apps/recommend"
	"bellwether/collect"
	"bellwether/internal/apptest"
	"bellwether/learn"
	"bellwether/models/sequence"

	"github.com/google/go-cmp/cmp"
	pq "github.com/parquet-go/parquet-go"
)

// churn is a table in which low spend means leaving, for nine in ten.
func churn(n int, seed uint64) *bellwether.Table {
	rng := rand.New(rand.NewPCG(seed, 4))
	t := &bellwether.Table{Positive: "yes", Columns: []bellwether.Column{{Name: "spend", Numbers: make([]float64, n)}}}
	for i := range n {
		x := rng.NormFloat64()
		t.Columns[0].Numbers[i] = x
		y := 0.0
		if x < 0 == (rng.IntN(10) > 0) {
			y = 1
		}
		t.Target, t.Split = append(t.Target, y), append(t.Split, []bellwether.Split{bellwether.Train, bellwether.Train, bellwether.Validation, bellwether.Test}[i%4])
	}
	return t
}

// TestByHand: the stages of a turn one at a time, the data of the run assembled again as of its moment while newer events have come in.
func TestByHand(t *testing.T) {
	s := newShop(t)
	if _, err := s.Evaluate(t.Context(), "recommend", nil, nil); !errors.Is(err, learn.ErrNoRun) {
		t.Errorf("evaluating before training: %v", err)
	}
	if _, err := s.Train(t.Context(), "ads", nil, nil, nil); !errors.Is(err, learn.ErrUnknownTask) {
		t.Errorf("training an unknown task: %v", err)
	}
	if _, err := s.Train(t.Context(), "recommend", nil, nil, nil); !errors.Is(err, learn.ErrNoData) {
		t.Errorf("training on nothing: %v", err)
	}
	s.catalogue(20)
	s.walk(40, 20, 20)
	version, err := s.Train(t.Context(), "recommend", nil, &learn.Training{Epochs: 1, Preset: "tiny", Seed: 7}, nil)
	if err != nil || version != "recommend-000001" {
		t.Fatalf("trained %s, %v", version, err)
	}
	if _, _, err := s.Promote(t.Context(), "recommend", nil, false, nil); !errors.Is(err, learn.ErrNotJudged) {
		t.Errorf("promoting before evaluating: %v", err)
	}
	s.later(3)
	s.accept(bellwether.Event{ID: "newer", Type: bellwether.ViewItem, Subject: apptest.Person(1), Item: apptest.Item(3), Occurred: s.Clock()})
	card, err := s.Evaluate(t.Context(), "recommend", nil, nil)
	if err != nil || card.Version != version || len(card.Rows) < 3 || card.Chosen == "" {
		t.Fatalf("%+v, %v", card, err)
	}
	promoted, reason, err := s.Promote(t.Context(), "recommend", nil, false, nil)
	if err != nil || !promoted || s.serving("recommend") != version {
		t.Errorf("promoted %v (%s), %v; %s is in service", promoted, reason, err, s.serving("recommend"))
	}
	// An event that came late was not there when the run learned: the run is judged as before.
	s.accept(bellwether.Event{ID: "late", Type: bellwether.ViewItem, Subject: apptest.Person(2), Item: apptest.Item(3), Occurred: apptest.Begin.Add(time.Minute)})
	again, err := s.Evaluate(t.Context(), "recommend", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(card.Rows, again.Rows); diff != "" {
		t.Errorf("judged again the figures differ:\n%s", diff)
	}
}

// TestGivenTable: what learned from a table is judged and promoted with the same table alone.
func TestGivenTable(t *testing.T) {
	s := newShop(t)
	table := churn(800, 3)
	version, err := s.Train(t.Context(), "behaviour", table, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, other := range map[string]*bellwether.Table{"none": nil, "another": churn(800, 5)} {
		if _, err := s.Evaluate(t.Context(), "behaviour", other, nil); !errors.Is(err, learn.ErrOtherData) {
			t.Errorf("evaluating with %s: %v", name, err)
		}
	}
	card, err := s.Evaluate(t.Context(), "behaviour", table, nil)
	if err != nil || card.Version != version {
		t.Fatalf("%+v, %v", card, err)
	}
	for _, row := range card.Rows {
		if auc := row.Test["auc"].Value; !row.Baseline && auc < .85 {
			t.Errorf("%s has an AUC of %g", row.Name, auc)
		}
	}
	if promoted, reason, err := s.Promote(t.Context(), "behaviour", table, true, nil); err != nil || !promoted || s.serving("behaviour") != version {
		t.Errorf("promoted %v (%s), %v", promoted, reason, err)
	}
	if _, err := s.Train(t.Context(), "recommend", table, nil, nil); err == nil {
		t.Error("sequences were learned from a table")
	}
}

// TestExport writes everything that can be had, and reads it back.
func TestExport(t *testing.T) {
	s := newShop(t)
	if err := s.Export(t.Context(), "weights", new(bytes.Buffer)); !errors.Is(err, app.ErrBadRequest) {
		t.Errorf("an unknown export: %v", err)
	}
	if err := s.Export(t.Context(), "model", new(bytes.Buffer)); !errors.Is(err, learn.ErrNoRun) {
		t.Errorf("a model before any training: %v", err)
	}
	s.catalogue(20)
	s.walk(120, 16, 20)
	s.recommend(recommend.Request{Subject: apptest.Person(1)})
	s.turn(TurnOptions{})
	s.later(60)
	files := map[string][]byte{}
	for _, e := range Exports() {
		var b bytes.Buffer
		if err := s.Export(t.Context(), e.Name, &b); err != nil {
			t.Errorf("%s: %v", e.Name, err)
			continue
		}
		files[e.Name] = b.Bytes()
	}
	for name, want := range map[string]int64{"events": 120*16 + 60*6, "decisions": 1, "outcomes": 1, "recommend": 0, "behaviour": 0} {
		f, err := pq.OpenFile(bytes.NewReader(files[name]), int64(len(files[name])))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := f.NumRows(); want > 0 && got != want || got == 0 {
			t.Errorf("%s has %d rows, want %d", name, got, want)
		}
	}
	m, err := sequence.Load(bytes.NewReader(files["model"]))
	if err != nil {
		t.Fatal(err)
	}
	var onnx bytes.Buffer
	if err := sequence.WriteONNX(&onnx, m); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(onnx.Bytes(), files["model-onnx"]) {
		t.Error("the ONNX file is of another model")
	}
	if !strings.Contains(string(files["model-card"]), "recommend-000001") {
		t.Errorf("the card is %s", files["model-card"])
	}
	// A second export has what came meanwhile.
	s.accept(bellwether.Event{ID: "more", Type: bellwether.ViewItem, Subject: "new", Item: apptest.Item(1), Occurred: s.Clock()})
	var b bytes.Buffer
	if err := s.Export(t.Context(), "events", &b); err != nil {
		t.Fatal(err)
	}
	if f, err := pq.OpenFile(bytes.NewReader(b.Bytes()), int64(b.Len())); err != nil || f.NumRows() != 120*16+60*6+1 {
		t.Errorf("with one event more there are %d rows, %v", f.NumRows(), err)
	}
}

// TestPlan: a larger effect is shown by a smaller holdout; too few people can't show a small one.
func TestPlan(t *testing.T) {
	s := newShop(t)
	s.catalogue(20)
	rng := rand.New(rand.NewPCG(1, 2))
	var in []collect.Incoming
	for p := range 4000 {
		for day := range 60 {
			if rng.IntN(10) > 0 {
				continue
			}
			in = append(in, collect.Incoming{Source: "test", Event: bellwether.Event{
				ID: bellwether.EventID(fmt.Sprint(p, "/", day)), Type: bellwether.Purchase, Subject: bellwether.Subject(fmt.Sprint("p", p)), Item: apptest.Item(p % 20),
				Quantity: 1, Price: bellwether.Money{Amount: 1000, Currency: "EUR"}, Occurred: apptest.Begin.AddDate(0, 0, day),
			}})
		}
	}
	s.later(60)
	for len(in) > 0 {
		n := min(len(in), 1000)
		if _, err := s.Collector.Accept(t.Context(), in[:n]); err != nil {
			t.Fatal(err)
		}
		in = in[n:]
	}
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	from := apptest.Begin.AddDate(0, 0, 30)
	small, err := s.Plan(t.Context(), .1, from, 30*24*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	large, err := s.Plan(t.Context(), .3, from, 30*24*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if small.Share <= large.Share || large.Share <= 0 || small.Share > .5 || small.People < 3500 {
		t.Errorf("10 %% needs a holdout of %g of %d people, 30 %% one of %g", small.Share, small.People, large.Share)
	}
	// Three purchases of a margin of 4 EUR are expected of a person in 30 days.
	if small.Effect < .9*1.2 || small.Effect > 1.1*1.2 {
		t.Errorf("10 %% of what a person brings are %g", small.Effect)
	}
	if diff := cmp.Diff(large.Metric, "margin"); diff != "" {
		t.Error(diff)
	}
	if _, err := s.Plan(t.Context(), 1e-4, from, 30*24*time.Hour); err == nil {
		t.Error("a hundredth of a percent can be shown by 4000 people")
	}
	if _, err := s.Plan(t.Context(), .1, from, 0); err == nil {
		t.Error("a comparison of no time was planned")
	}
}
