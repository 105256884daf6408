package measure

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"bellwether"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestQuantiles(t *testing.T) {
	for _, c := range []struct{ got, want, tolerance float64 }{
		{normalQuantile(0.975), 1.959964, 1e-6},
		{normalTail(1.959964), 0.05, 1e-6},
		{studentQuantile(0.975, 5), 2.5706, 3e-3}, // tables of Student's t
		{studentQuantile(0.975, 10), 2.2281, 1e-3},
		{studentQuantile(0.95, 30), 1.6973, 1e-4},
	} {
		if math.Abs(c.got-c.want) > c.tolerance {
			t.Errorf("got %.6f, want %.6f", c.got, c.want)
		}
	}
	low, high := wilson(10, 100, 0.95) // Wilson 1927, as tabulated: .0552–.1744
	if math.Abs(low-0.0552) > 1e-4 || math.Abs(high-0.1744) > 1e-4 {
		t.Errorf("Wilson's interval of 10 in 100 is %.4f … %.4f", low, high)
	}
}

// normal returns n values around mean, and pre-period values that correlate rho with them.
func normal(rng *rand.Rand, n int, mean, sd, rho float64) (y, x []float64) {
	for range n {
		z := rng.NormFloat64()
		x = append(x, 5+2*z)
		y = append(y, mean+sd*(rho*z+math.Sqrt(1-rho*rho)*rng.NormFloat64()))
	}
	return y, x
}

// TestIntervalsCover: nominal 90 % intervals of Welch, Fieller and CUPED over 200 worlds, and CUPED's variance.
func TestIntervalsCover(t *testing.T) {
	const worlds, rho = 400, 0.7
	rng := rand.New(rand.NewPCG(21, 1))
	covered := map[string]float64{}
	var plain, adjusted []float64
	for range worlds {
		y1, x1 := normal(rng, 400, 11, 4, rho)
		y0, x0 := normal(rng, 60, 10, 3, rho)
		e := Compare(y1, y0, 0.9, "Welch")
		a := Adjust(y1, y0, x1, x0, 0.9)
		for name, c := range map[string]struct {
			e     bellwether.Estimate
			truth float64
		}{"Welch": {e.Absolute, 1}, "Fieller": {e.Relative, 0.1}, "CUPED": {a.Absolute, 1}, "CUPED relative": {a.Relative, 0.1}} {
			covered[name] += indicator(c.e.Interval[0] <= c.truth && c.truth <= c.e.Interval[1]) / worlds
		}
		plain = append(plain, e.Absolute.Value)
		adjusted = append(adjusted, a.Absolute.Value)
	}
	for name, share := range covered {
		if share < 0.855 || share > 0.945 { // 0.9 ± 3 SE
			t.Errorf("%s covers %.3f", name, share)
		}
	}
	p, a := describe(plain), describe(adjusted)
	if ratio, want := a.variance/p.variance, 1-rho*rho; math.Abs(ratio-want) > 0.05+3*want*math.Sqrt(4/float64(worlds))*math.Sqrt(1-want) {
		t.Errorf("CUPED's variance is × %.3f, want × %.3f", ratio, want)
	}
	if math.Abs(a.mean-1) > 3*math.Sqrt(a.square()) {
		t.Errorf("CUPED averages %.3f, the truth is 1", a.mean)
	}
}

func TestFiellerRefusesAMeanNearZero(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	y1, _ := normal(rng, 50, 1, 3, 0)
	y0, _ := normal(rng, 50, 0, 3, 0)
	if e := Compare(y1, y0, 0.95, "Welch").Relative; e.Interval != nil || e.Withheld == "" {
		t.Errorf("a ratio over a mean of about 0 has the interval %v", e.Interval)
	}
}

func TestTooFewPeopleWithhold(t *testing.T) {
	if e := Compare([]float64{1, 2, 3}, []float64{1}, 0.95, "Welch").Absolute; e.Withheld == "" || e.Interval != nil {
		t.Errorf("one person in the holdout gives %+v", e)
	}
}

// TestRatioMetricsUseThePerson: clicks of one person are alike, so decisions are no independent units. The delta
// method's interval covers; the one that takes each decision as a unit would not.
func TestRatioMetricsUseThePerson(t *testing.T) {
	const worlds, truth = 300, 0.3
	rng := rand.New(rand.NewPCG(31, 1))
	m := metric{figure: vClicked, denominator: vDecisions}
	covered, naive := 0.0, 0.0
	for range worlds {
		people := newCrowd()
		var n, clicks float64
		for i := range 200 {
			p := Person{Holdout: i%2 == 1}
			p.During.Decisions = float64(1 + rng.IntN(20))
			rate := indicator(rng.Float64() < truth) // people click always or never
			p.During.Clicked = rate * p.During.Decisions
			people.add(&p)
			if !p.Holdout {
				n, clicks = n+p.During.Decisions, clicks+p.During.Clicked
			}
		}
		e := m.effect(&people.arms, figures, 0.9).Treated
		covered += indicator(e.Interval[0] <= truth && truth <= e.Interval[1]) / worlds
		low, high := wilson(clicks, n, 0.9)
		naive += indicator(low <= truth && truth <= high) / worlds
	}
	if covered < 0.84 || covered > 0.95 {
		t.Errorf("the delta method's 90 %% interval covers %.3f", covered)
	}
	if naive > 0.7 {
		t.Errorf("the naive interval covers %.3f: this world does not tell them apart", naive)
	}
}

// TestWinsorise compares with the plain way: all values in a list, people without money too, capped at the pooled quantile.
func TestWinsorise(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 9))
	for range 50 {
		c := newCrowd()
		var y, x [2][]float64
		n := 2 + rng.IntN(3000)
		bought := rng.Float64()
		for range n {
			p := Person{Holdout: rng.Float64() < 0.4}
			if rng.Float64() < bought {
				p.During.Revenue, p.Before.Revenue = math.Exp(2*rng.NormFloat64())-1, math.Exp(rng.NormFloat64())-0.5
			}
			c.add(&p)
			arm := armOf(p.Holdout)
			y[arm], x[arm] = append(y[arm], p.During.Revenue), append(x[arm], p.Before.Revenue)
		}
		o := EffectOptions{Winsorise: 0.99}.withDefaults()
		got := metric{"revenue", "", vRevenue, none, true}.winsorised(c, o)
		for _, values := range []*[2][]float64{&y, &x} {
			all := append(slices.Clone(values[0]), values[1]...)
			slices.Sort(all)
			limit := all[int(math.Ceil(0.99*float64(len(all)-1)))]
			for _, arm := range values {
				for i := range arm {
					arm[i] = min(arm[i], limit)
				}
			}
		}
		want := Compare(y[0], y[1], o.Level, got.Absolute.Method)
		want.Metric, want.Adjusted = "revenue", Adjust(y[0], y[1], x[0], x[1], o.Level)
		if diff := cmp.Diff(want, got, cmpopts.EquateApprox(1e-9, 1e-12)); diff != "" {
			t.Fatal(diff)
		}
	}
}

// peopleWorld has a share of people in the holdout; the treated earn lift more.
func peopleWorld(rng *rand.Rand, n int, share, lift float64) []Person {
	people := make([]Person, n)
	for i := range people {
		base := rng.ExpFloat64() * 10
		p := Person{Subject: bellwether.Subject(fmt.Sprint(i)), Holdout: rng.Float64() < share}
		p.Before.Revenue = base * rng.ExpFloat64()
		p.During = Totals{Decisions: 5, Clicked: float64(rng.IntN(3)), Orders: 1, Revenue: base * rng.ExpFloat64(), Seconds: 60, Sessions: 2}
		if !p.Holdout {
			p.During.Revenue += lift
		}
		p.During.Margin, p.Before.Margin = p.During.Revenue/2, p.Before.Revenue/2
		people[i] = p
	}
	return people
}

func TestEffectsFindThePlantedLift(t *testing.T) {
	people := peopleWorld(rand.New(rand.NewPCG(2, 2)), 20_000, 0.1, 2)
	effects, checks := Effects(people, EffectOptions{HoldoutShare: 0.1, Currency: "EUR"})
	if f := first(checks, Failed); f != nil {
		t.Fatal(f)
	}
	found := 0
	for _, e := range effects {
		want, known := map[string]float64{"revenue": 2, "margin": 1}[e.Metric]
		if !known {
			continue
		}
		found++
		if e.Absolute.Interval[0] > want || e.Absolute.Interval[1] < want || e.Absolute.Interval[0] < 0 {
			t.Errorf("%s: %v, planted %g", e.Metric, e.Absolute.Interval, want)
		}
		if e.Adjusted == nil || e.Adjusted.Correlation <= 0.1 {
			t.Errorf("%s has no use of the pre-period: %+v", e.Metric, e.Adjusted)
		}
	}
	if found != 2 {
		t.Errorf("%d of the two figures are there", found)
	}
}

func TestSampleRatioMismatchHidesEffects(t *testing.T) {
	// 50.8 : 49.2 of 200 000 (docs/science.md §9).
	if c := SampleRatio(101_600, 98_400, 0.5); c.Strength != Failed {
		t.Errorf("50.8 : 49.2 passes: %+v", c)
	}
	rng := rand.New(rand.NewPCG(4, 2))
	alarms := 0
	for range 2000 {
		holdout := 0
		for range 500 {
			holdout += int(indicator(rng.Float64() < 0.5))
		}
		alarms += int(indicator(SampleRatio(500-holdout, holdout, 0.5).Strength == Failed))
	}
	if alarms > 8 { // p = .001 of 2000 is 2, + 4 SE
		t.Errorf("%d false alarms in 2000 A/A tests", alarms)
	}
	effects, checks := Effects(peopleWorld(rng, 5000, 0.2, 0), EffectOptions{HoldoutShare: 0.1})
	if effects != nil || first(checks, Failed) == nil {
		t.Error("20 % of people in a holdout of 10 % and the effects are shown")
	}
}

func TestPrePeriodDifferenceWarns(t *testing.T) {
	people := peopleWorld(rand.New(rand.NewPCG(2, 2)), 5000, 0.2, 0)
	for i := range people {
		if people[i].Holdout {
			people[i].Before.Revenue *= 1.5
		}
	}
	_, checks := Effects(people, EffectOptions{})
	if strength(checks, "no effect before the start") != Warning {
		t.Error("arms that differed before the start are not seen")
	}
}

func TestSurvey(t *testing.T) {
	rng := rand.New(rand.NewPCG(61, 1))
	const worlds = 400
	var nps, csat float64
	for range worlds {
		var answers []float64
		for range 150 { // 20 % 10, 35 % 8, 45 % 3: NPS −.25, CSAT .55
			u := rng.Float64()
			answers = append(answers, 10*indicator(u < 0.2)+8*indicator(u >= 0.2 && u < 0.55)+3*indicator(u >= 0.55))
		}
		s := SurveyOf(answers, 500, 0.9)
		nps += indicator(s.NPS.Interval[0] <= -0.25 && -0.25 <= s.NPS.Interval[1]) / worlds
		csat += indicator(s.CSAT.Interval[0] <= 0.55 && 0.55 <= s.CSAT.Interval[1]) / worlds
		if s.Response.Value != 0.3 || len(s.NPS.Warnings) == 0 {
			t.Fatalf("response %v, warnings %v", s.Response.Value, s.NPS.Warnings)
		}
	}
	if nps < 0.85 || nps > 0.95 || csat < 0.85 || csat > 0.95 {
		t.Errorf("90 %% intervals cover: NPS %.3f, CSAT %.3f", nps, csat)
	}
	if s := SurveyOf(nil, 0, 0.9); s.Mean.Withheld == "" || s.Response.Withheld == "" {
		t.Error("no answers give a number")
	}
}
