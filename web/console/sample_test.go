package console

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing/fstest"
	"time"

	"bellwether"
	"bellwether/web/page"
)

// now is the moment of every sample.
var now = time.Date(2026, 3, 14, 9, 30, 0, 0, time.UTC)

// sample is a shop after its third turn; its answers do not change.
type sample struct{ empty bool }

func between(v, half float64, n int64, method string) bellwether.Estimate {
	return bellwether.Estimate{Value: v, Interval: []float64{v - half, v + half}, Level: .95, N: n, Method: method}
}

func sampleEarned() Earned {
	truth := 10240.0
	return Earned{
		Currency: "EUR", Metric: "margin", From: now.AddDate(0, 0, -28), AsOf: now, Treated: 1848, Holdout: 204, Crossover: 3,
		Total: between(9871.4, 4120, 2052, "Welch, adjusted by the pre-period (CUPED)"), Person: between(5.34, 2.23, 2052, "Welch"),
		Relative: between(.488, .21, 2052, "Fieller"), Anytime: between(5.34, 3.4, 2052, "asymptotic confidence sequence"), Truth: &truth,
	}
}

func (s sample) Today(context.Context) (Today, error) {
	if s.empty {
		return Today{Earned: Earned{Currency: "EUR", Total: bellwether.Estimate{Withheld: "nobody is in the holdout yet"}}}, nil
	}
	return Today{
		Earned: sampleEarned(), Events: 1482137, Decided: 20411, LastEvent: now.Add(-3 * time.Second),
		Attention: []Attention{{Level: "warning", What: "sales of items without a cost add nothing to the margin; import the cost: sku-014", Do: "look at the checks of the report", Href: "/report#checks"}},
		Serving: []Serving{
			{Task: "recommend", Version: "recommend-000003", Family: "ensemble", Since: now.Add(-26 * time.Hour)},
			{Task: "behaviour"},
		},
		Decisions: sampleDecisions(8),
	}, nil
}

func (s sample) Models(context.Context) (Models, error) {
	if s.empty {
		return Models{}, nil
	}
	t := Task{Name: "recommend", Metric: "ndcg@10", Serving: Serving{Task: "recommend", Version: "recommend-000003", Family: "ensemble", Since: now.Add(-26 * time.Hour)}}
	rng := rand.New(rand.NewPCG(1, 2))
	for turn := 1; turn <= 3; turn++ {
		x := Turn{
			Number: turn, AsOf: now.AddDate(0, 0, 7*(turn-4)), Events: int64(turn) * 412345, Decisions: int64(turn) * 6100, Took: time.Duration(turn) * 47 * time.Second,
			Version: bellwether.ModelVersion(fmt.Sprintf("recommend-%06d", turn)), Chosen: "ensemble", Promoted: turn != 2,
			Reason: "ensemble has the best validation ndcg@10, 0.4555 [0.4391, 0.4719]; the best baseline beside it, blend, has 0.3812 [0.3644, 0.3980]",
		}
		for i, name := range []string{"popularity", "item-knn", "blend", "transformer", "ensemble"} {
			v := .12 + .07*float64(i) + .02*float64(turn) + .01*rng.Float64()
			row := bellwether.CardRow{Name: name, Baseline: i < 3, FitSeconds: float64(i*i) * 1.7, Validation: map[string]bellwether.Estimate{"ndcg@10": between(v, .016, 1990, "bootstrap over people")}, Test: map[string]bellwether.Estimate{"ndcg@10": between(v-.004, .017, 2004, "bootstrap over people")}}
			x.Rows = append(x.Rows, row)
		}
		t.Turns = append(t.Turns, x)
	}
	return Models{Tasks: []Task{t, {Name: "behaviour", Metric: "auc", Serving: Serving{Task: "behaviour"}}}}, nil
}

var titles = []string{"Espresso cups, set of six", "Linen apron", "Cast-iron pan 26 cm", "Hand grinder", "Pour-over kettle", "Bread knife", "Olive wood board", "Milk jug 350 ml", "Salt mill", "Enamel bowl", "Tea strainer", "Copper whisk", "Ramekins, four", "Wool tea cosy", "Pasta drying rack with a very long name that has to wrap somewhere"}

func sampleDecisions(n int) (out []Decision) {
	rng := rand.New(rand.NewPCG(3, 4))
	for i := range n {
		d := Decision{Titles: map[string]string{}, Value: "EUR", Decision: bellwether.Decision{
			ID: bellwether.DecisionID(fmt.Sprintf("d-%06d", 20411-i)), Time: now.Add(-time.Duration(i*47) * time.Second), Subject: bellwether.Subject(fmt.Sprintf("customer-%04d", rng.IntN(2000))),
			Surface: bellwether.Surface([]string{"home", "basket", "mail"}[i%3]), Slate: true, Policy: "plackett-luce/1", Model: "recommend-000003", Seed: rng.Uint64(), Floor: .1,
			Evaluable: true, Holdout: i%9 == 4, Filters: []string{"bought:4", "stock:1"}, Consent: []bellwether.Purpose{"personalisation"}, Propensity: 3.1e-7, Snapshot: "f-8812",
		}}
		total := 0.0
		for k, t := range titles {
			c := bellwether.Candidate{Action: fmt.Sprintf("sku-%03d", k+1), Score: 3 - float64(k)*.31 + rng.Float64(), Propensity: math.Exp(-float64((k+i)%len(titles)) * .4)}
			d.Titles[c.Action] = t
			d.Candidates = append(d.Candidates, c)
			total += c.Propensity
		}
		for k := range d.Candidates {
			d.Candidates[k].Propensity /= total
		}
		d.Actions = []int{i % 5, (i + 3) % 15, (i + 7) % 15, (i + 1) % 15, (i + 9) % 15}
		if i == 0 {
			d.Outcome = &bellwether.Outcome{Rewards: map[string]float64{"click": 1, "purchase": 1, "revenue": 24.9}, Matured: false}
		}
		out = append(out, d)
	}
	return out
}

func (s sample) Decisions(_ context.Context, q Query) (Decisions, error) {
	if s.empty {
		return Decisions{Command: "bellwether recommend PERSON"}, nil
	}
	out := Decisions{Pages: 816, Surfaces: []bellwether.Surface{"home", "basket", "mail"}}
	for _, d := range sampleDecisions(25) {
		if (q.Surface == "" || d.Surface == q.Surface) && strings.Contains(string(d.Subject), q.Text) {
			out.Rows = append(out.Rows, d)
		}
	}
	return out, nil
}

func (s sample) Decision(_ context.Context, id bellwether.DecisionID) (Decision, error) {
	for _, d := range sampleDecisions(25) {
		if d.ID == id && !s.empty {
			return d, nil
		}
	}
	return Decision{}, page.NotFound(fmt.Errorf("no decision has the id %q", id))
}

func (s sample) Report(context.Context) (Report, error) {
	r := Report{Earned: sampleEarned()}
	if s.empty {
		none := bellwether.Estimate{Withheld: "nobody is in the holdout yet"}
		return Report{Earned: Earned{Currency: "EUR", Total: none, Anytime: none}}, nil
	}
	r.Decisions, r.Credited, r.Organic = 20411, 3120, 911
	for i, m := range []string{"margin", "revenue", "conversion", "purchases", "click-through rate", "satisfaction"} {
		v := []float64{16.2, 41.3, .31, .62, .12, 7.4}[i]
		e := Effect{Metric: m, Unit: []page.Unit{"EUR", "EUR", "%", "", "%", ""}[i], Treated: between(v, v*.04, 1848, "normal"), Holdout: between(v*.8, v*.1, 204, "normal"), Absolute: between(v*.2, v*.11, 2052, "Welch"), Relative: between(.25, .05+.05*float64(i), 2052, "Fieller")}
		if i < 2 {
			a := between(v*.21, v*.08, 2052, "CUPED")
			e.Adjusted = &a
		}
		r.Effects = append(r.Effects, e)
	}
	r.Effects[4].Holdout, r.Effects[4].Absolute, r.Effects[4].Relative = bellwether.Estimate{}, bellwether.Estimate{}, bellwether.Estimate{Withheld: "the holdout's mean is 0 or has too few people"}
	r.Surfaces = []SurfaceEffects{{Surface: "home", Decisions: 12100, Effects: r.Effects[2:5]}, {Surface: "basket", Decisions: 8311, Effects: r.Effects[2:3]}}
	r.Survey = Survey{Mean: between(7.41, .3, 212, "t"), Satisfied: between(.55, .07, 212, "Wilson"), Promoter: between(.12, .1, 212, "normal"), Response: bellwether.Estimate{Withheld: "nobody was asked", Method: "Wilson"}}
	r.Cost = Cost{Messages: 4120, Sent: 82.4, Other: 500, Return: between(15.9, 7, 2052, "Welch")}
	weak := between(.131, .06, 911, "SNDR")
	weak.Withheld = "the log is worth 61 decisions of this policy, too few for a verdict; collect more or explore more"
	r.Policies = []PolicyValue{
		{Surface: "home", Policy: "best-first/1", Metric: "conversion", N: 12100, ESS: 3180, Logged: between(.112, .006, 12100, "mean"), SNDR: between(.121, .011, 3180, "SNDR"), SNIPS: between(.122, .013, 3180, "SNIPS"), DR: between(.121, .012, 3180, "DR"), Gain: between(.009, .01, 3180, "SNDR")},
		{Surface: "home", Policy: "newest-first/1", Metric: "conversion", N: 12100, ESS: 61, Logged: between(.112, .006, 12100, "mean"), SNDR: weak, SNIPS: weak, DR: weak, Gain: weak},
	}
	r.Plan = &Plan{Metric: "margin", Effect: 3, People: 2000, Share: .1, SD: 21.4}
	r.Checks = []Check{
		{Name: "sample ratio", Strength: "passed", Measured: .42, Limit: .001, Message: "…"},
		{Name: "every item sold has a cost", Strength: "warning", Measured: 3, Limit: 0, Message: "sales of items without a cost add nothing to the margin; import the cost: sku-014"},
		{Name: "effective sample", Strength: "withheld", Measured: 61, Limit: 121, Message: "the log is worth 61 decisions of this policy, too few for a verdict; collect more or explore more"},
	}
	return r, nil
}

func (s sample) Data(context.Context) (Data, error) {
	if s.empty {
		return Data{}, nil
	}
	d := Data{Events: 1482137, People: 20412, First: now.AddDate(0, 0, -60), Last: now.Add(-3 * time.Second), RefusedTotal: 31}
	rng := rand.New(rand.NewPCG(5, 6))
	for i := range 60 {
		d.Days = append(d.Days, DayCount{now.AddDate(0, 0, i-60), 20000 + int64(5000*math.Sin(float64(i)*2*math.Pi/7)) + rng.Int64N(3000)})
	}
	for i, t := range []string{"view_item", "add_to_cart", "purchase", "page_view", "message_sent", "loyalty_card_scanned"} {
		d.Types = append(d.Types, TypeCount{t, int64(900000 / (i*i*3 + 1)), now.Add(-time.Duration(i) * time.Hour)})
	}
	d.Rules = []Rule{
		{Name: "repeated_id", Why: "the same message id came before", Seen: 412, Dropped: 412, Examples: []Example{{ID: "e-118", Before: "view_item SKU-001"}}},
		{Name: "names", Why: "the same thing was spelled in several ways", Seen: 12043, Changed: 12043, Examples: []Example{{ID: "e-7", Before: "SKU-001", After: "sku-001"}, {ID: "e-9", Before: "Sku 001", After: "sku-001"}}},
		{Name: "robot_rate", Why: "no person browses more than 120 pages a minute", Seen: 8120, Dropped: 8120},
		{Name: "late", Why: "received more than a day after it occurred; used from its receipt on"},
	}
	for i := range 7 {
		d.Refused = append(d.Refused, Refused{now.Add(-time.Duration(i) * time.Hour), "orders-2026-03.csv", int64(17 + 11*i), "the price is text", `{"item":"sku-004","price":"twelve <b>euro</b>","time":"2026-03-13T18:00:00Z"}`})
	}
	d.Imports = []Import{
		{ID: "i-2", File: "orders-2026-03.csv", Format: "shopify", Time: now.Add(-20 * time.Hour), Read: 18220, Kept: 18189, Refused: 31},
		{ID: "i-1", File: "orders-2026-02.csv", Format: "shopify", Time: now.Add(-220 * time.Hour), Read: 17100, Kept: 17100, Undone: now.Add(-200 * time.Hour)},
	}
	return d, nil
}

func (s sample) UndoImport(context.Context, string) (Import, error) {
	return Import{ID: "t-1", File: "orders.csv", Kept: 3}, nil
}

func (s sample) Replay(_ context.Context, source string, dry bool) (Replayed, error) {
	if source == "nowhere" {
		return Replayed{}, &page.Error{Status: 422, Err: errors.New("no message came from nowhere")}
	}
	d, _ := sample{}.Data(context.Background())
	return Replayed{Tried: 31, Accepted: 24, Still: d.Refused[:2]}, nil
}

// shopTexts stands for the texts of an application.
var shopTexts = fstest.MapFS{
	"en.json": {Data: []byte(`{"task": {"recommend": "What to show to whom", "behaviour": "Who will buy next"}}`)},
	"zh.json": {Data: []byte(`{"task": {"recommend": "给谁看什么", "behaviour": "谁会购买"}}`)},
}

func frame(s Source) (*page.Frame, error) {
	return page.New(page.Options{Project: func(*http.Request) string { return "kitchen-shop" }, Groups: Groups(), Clock: func() time.Time { return now }}, Module(s), page.Module{Name: "shop", Texts: shopTexts})
}
