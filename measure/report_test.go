package measure

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"bellwether"
)

// reportWorld is a shop of n people, a tenth of them in the holdout, whose treated buy more often.
func reportWorld(n int) Input {
	rng := rand.New(rand.NewPCG(71, 1))
	var decisions []bellwether.Decision
	var events []bellwether.Event
	for i := range n {
		s := bellwether.Subject(fmt.Sprintf("s%d", i))
		p := []float64{0.6, 0.4}
		a := pick(p, rng)
		d := slate(fmt.Sprintf("d%d", i), s, 100, "a", "b")
		d.Slate, d.Evaluable, d.Actions, d.Propensity = false, true, []int{a}, p[a]
		d.Candidates[0].Propensity, d.Candidates[1].Propensity = p[0], p[1]
		if d.Holdout = i%10 == 0; d.Holdout {
			d.Policy, d.Evaluable, d.Propensity = "greedy/1", false, 1
		}
		decisions = append(decisions, d)
		if rng.Float64() < 0.3 {
			events = append(events, event("old"+string(s), bellwether.Purchase, s, 50, item("a"), costs(1000)))
		}
		if rng.Float64() < 0.5 {
			events = append(events, event("c"+string(s), bellwether.SelectItem, s, 101, item(d.Chosen()[0]), names(string(d.ID))))
		}
		if rate := map[bool]float64{true: 0.2, false: 0.4}[d.Holdout]; rng.Float64() < rate {
			events = append(events, event("p"+string(s), bellwether.Purchase, s, 102, item(d.Chosen()[0]), costs(2000), names(string(d.ID))))
		}
		if i%7 == 0 {
			events = append(events, event("m"+string(s), bellwether.MessageSent, s, 103, costs(10)),
				event("q"+string(s), bellwether.Survey, s, 110, func(e *bellwether.Event) { e.Value = float64(rng.IntN(11)) }))
		}
	}
	return Input{
		Project: `<script>alert("shop")</script>`, AsOf: epoch.Add(1000 * hour), Decisions: all(decisions), Events: all(events), Prices: catalogue(),
		HoldoutShare: 0.1, Costs: Costs{Other: bellwether.Money{Amount: 10000, Currency: "EUR"}}, Reward: Conversion,
		Targets: map[bellwether.Surface][]Target{"home": {constant(0.2, 0.8), constant(1, 0)}},
		Planned: &Plan{Metric: Margin, Effect: 1, People: n, Share: 0.1, Power: Power{SD: 8}},
	}
}

func TestReport(t *testing.T) {
	r, err := Build(reportWorld(4000))
	if err != nil {
		t.Fatal(err)
	}
	const truth = 0.2 * 17 // a fifth more buy, at a margin of 17
	if e := r.Earned; e.Metric != Margin || e.Treated != 3600 || e.Holdout != 400 ||
		e.Person.Interval[0] <= 0 || e.Person.Interval[0] > truth || e.Person.Interval[1] < truth {
		t.Errorf("earned %+v, the truth is %.2f a person", r.Earned, truth)
	}
	if r.Earned.Total.Value != r.Earned.Person.Value*3600 || r.Earned.Anytime.Interval[0] >= r.Earned.Person.Interval[0] {
		t.Errorf("total %v, anytime %v", r.Earned.Total.Value, r.Earned.Anytime.Interval)
	}
	if len(r.Surfaces) != 1 || r.Surfaces[0].Decisions != 4000 || len(r.Policies) != 2 || r.Policies[0].SNDR.Interval == nil {
		t.Errorf("surfaces %+v, policies %+v", r.Surfaces, r.Policies)
	}
	if r.Cost.Messages != 572 || r.Cost.ROI.Interval == nil || r.Survey.Mean.N != 572 {
		t.Errorf("cost %+v, survey of %d", r.Cost, r.Survey.Mean.N)
	}
	if f := first(r.Checks, Failed); f != nil {
		t.Errorf("%+v", f)
	}
}

func write(t *testing.T, r *Report, fn func(*Report, *bytes.Buffer) error) string {
	t.Helper()
	var b bytes.Buffer
	if err := fn(r, &b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func asHTML(r *Report, b *bytes.Buffer) error { return r.WriteHTML(b) }
func asJSON(r *Report, b *bytes.Buffer) error { return r.WriteJSON(b) }
func asCSV(r *Report, b *bytes.Buffer) error  { return r.WriteCSV(b) }

func TestReportIsOneSafePage(t *testing.T) {
	r, err := Build(reportWorld(1000))
	if err != nil {
		t.Fatal(err)
	}
	page := write(t, r, asHTML)
	for _, never := range []string{"<script", "http://", "https://", "url(", "@import", "NaN", "Inf", "ZgotmplZ"} {
		if strings.Contains(page, never) {
			t.Errorf("the page contains %q", never)
		}
	}
	for _, always := range []string{"<svg", `name="viewport"`, shown(r.Earned.Total.Value), "&lt;script&gt;", "How the holdout was sized"} {
		if !strings.Contains(page, always) {
			t.Errorf("the page lacks %q", always)
		}
	}
	// No figure without its interval, or the reason for having none.
	if regexp.MustCompile(`<small></small>`).MatchString(page) {
		t.Error("a figure has an empty interval")
	}
}

func TestReportAsJSONAndCSV(t *testing.T) {
	r, err := Build(reportWorld(1000))
	if err != nil {
		t.Fatal(err)
	}
	var back Report
	if err := json.Unmarshal([]byte(write(t, r, asJSON)), &back); err != nil {
		t.Fatal(err)
	}
	if back.Earned.Total.Value != r.Earned.Total.Value || back.Policies[0].SNDR.Value != r.Policies[0].SNDR.Value || back.Plan.SD != 8 {
		t.Error("the JSON document does not hold the report's figures")
	}
	rows, err := csv.NewReader(strings.NewReader(write(t, r, asCSV))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) < 40 || rows[1][0] != "earned" || rows[1][4] != number(r.Earned.Total.Value) {
		t.Errorf("%d rows, the first %v", len(rows), rows[1])
	}
}

// TestThePageSaysThatThereIsNoVerdict beside a number on which none may rest, and what of the cost is not known.
func TestThePageSaysThatThereIsNoVerdict(t *testing.T) {
	r, err := Build(reportWorld(1000))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(write(t, r, asHTML), "No verdict") {
		t.Error("a sound report has no verdict")
	}
	in := reportWorld(1000)
	in.Events = withSale(in.Events, "CHF")
	if r, err = Build(in); err != nil {
		t.Fatal(err)
	}
	if page := write(t, r, asHTML); !strings.Contains(page, "No verdict") || !strings.Contains(page, "not known: the exchange rate of CHF") {
		t.Error("a sale without a rate, and the page gives a verdict")
	}
}

// withSale adds a sale in a currency.
func withSale(events iter.Seq2[bellwether.Event, error], c bellwether.Currency) iter.Seq2[bellwether.Event, error] {
	return func(yield func(bellwether.Event, error) bool) {
		for e, err := range events {
			if !yield(e, err) {
				return
			}
		}
		yield(event("foreign", bellwether.Purchase, "s1", 120, item("a"), func(e *bellwether.Event) { e.Price = bellwether.Money{Amount: 100, Currency: c} }), nil)
	}
}

// TestEmptyReport: a fresh project has no decision, and says what is missing in every form.
func TestEmptyReport(t *testing.T) {
	in := reportWorld(0)
	in.HoldoutShare = 0.05
	r, err := Build(in)
	if err != nil {
		t.Fatal(err)
	}
	if page := write(t, r, asHTML); !strings.Contains(page, "No number yet") {
		t.Error("the page of an empty project shows a number")
	}
	write(t, r, asJSON)
	write(t, r, asCSV)
	if len(r.Policies) > 0 {
		t.Error("a policy has a value without a decision")
	}
}

func TestMismatchHidesTheReport(t *testing.T) {
	in := reportWorld(2000)
	in.HoldoutShare = 0.3
	r, err := Build(in)
	if err != nil {
		t.Fatal(err)
	}
	if r.Hidden == "" || r.Effects != nil || r.Earned.Total.Interval != nil || r.Earned.Total.Value != 0 || r.Cost.ROI.Interval != nil {
		t.Errorf("a tenth of people in a holdout of three tenths and it shows %+v", r.Earned)
	}
}

func TestWrongPropensitiesRefuseValues(t *testing.T) {
	in := reportWorld(2000)
	sound := in.Decisions
	in.Decisions = func(yield func(bellwether.Decision, error) bool) {
		for d, err := range sound {
			if d.Evaluable {
				d.Propensity *= 1.1
			}
			if !yield(d, err) {
				return
			}
		}
	}
	r, err := Build(in)
	if err != nil {
		t.Fatal(err)
	}
	if r.Policies[0].SNDR.Interval != nil || first(r.Checks, Failed) == nil {
		t.Error("policies are valued by wrong propensities")
	}
}

func TestUnreadableLogIsAnError(t *testing.T) {
	broken := errors.New("disk gone")
	in := reportWorld(10)
	in.Events = iter.Seq2[bellwether.Event, error](func(yield func(bellwether.Event, error) bool) { yield(bellwether.Event{}, broken) })
	if _, err := Build(in); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}
