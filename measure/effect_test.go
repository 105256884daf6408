package measure

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"bellwether"
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
	m := metric{value: func(t Totals) float64 { return t.Clicked }, denominator: func(t Totals) float64 { return t.Decisions }}
	covered, naive := 0.0, 0.0
	for range worlds {
		var people []Person
		var n, clicks float64
		for i := range 200 {
			p := Person{Holdout: i%2 == 1}
			p.During.Decisions = float64(1 + rng.IntN(20))
			rate := indicator(rng.Float64() < truth) // people click always or never
			p.During.Clicked = rate * p.During.Decisions
			people = append(people, p)
			if !p.Holdout {
				n, clicks = n+p.During.Decisions, clicks+p.During.Clicked
			}
		}
		e := m.effect(people, EffectOptions{Level: 0.9}).Treated
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

func TestWinsorise(t *testing.T) {
	a := make([]float64, 2000)
	for i := range a {
		a[i] = float64(i % 100)
	}
	a[0] = 1e9
	x, y := winsorise(a, []float64{5, 1e6}, 0.999)
	if x[0] != 99 || y[1] != 99 || a[0] != 1e9 || y[0] != 5 {
		t.Errorf("winsorised to %g and %g; the original is %g", x[0], y[1], a[0])
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
	// 50.8 : 49.2 of 200 000 (SCIENCE §9).
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

// TestConfidenceSequenceSurvivesPeeking: 100 looks at skewed data without an effect. Welch's interval is left
// by far more than 5 % of the runs, the sequence's by at most .05 + 3 SE (SCIENCE §9).
func TestConfidenceSequenceSurvivesPeeking(t *testing.T) {
	const runs, looks, each = 400, 100, 20
	rng := rand.New(rand.NewPCG(41, 1))
	s := Sequential{Planned: looks * each}
	var peeking, sequence float64
	for range runs {
		var n, s1, s0, q1, q0 float64
		hitP, hitS := false, false
		for range looks {
			for range each {
				a, b := rng.ExpFloat64(), rng.ExpFloat64()
				n, s1, s0, q1, q0 = n+1, s1+a, s0+b, q1+a*a, q0+b*b
			}
			variance := (q1-s1*s1/n)/(n-1) + (q0-s0*s0/n)/(n-1)
			d := math.Abs(s1-s0) / n
			hitP = hitP || d > 1.96*math.Sqrt(variance/n)
			hitS = hitS || d > s.HalfWidth(n, variance)
		}
		peeking += indicator(hitP) / runs
		sequence += indicator(hitS) / runs
	}
	t.Logf("false positives with %d looks: fixed interval %.3f, confidence sequence %.3f", looks, peeking, sequence)
	if limit := 0.05 + 3*math.Sqrt(0.05*0.95/runs); sequence > limit {
		t.Errorf("the confidence sequence is left by %.3f, over %.3f", sequence, limit)
	}
	if peeking < 0.2 {
		t.Errorf("peeking at a fixed interval gives only %.3f: this world does not tell them apart", peeking)
	}
	y, _ := normal(rng, 500, 1, 1, 0)
	if e := s.Difference(y, y[:100]); len(e.Interval) != 2 || e.Level != 0.95 {
		t.Errorf("no interval: %+v", e)
	}
}

// TestPower plans a test, and then runs it: the planned power must come out.
func TestPower(t *testing.T) {
	p := Power{SD: 3}
	share, err := p.HoldoutShare(1, 1000)
	if err != nil {
		t.Fatal(err)
	}
	if e := p.MinimalEffect(1000, share); math.Abs(e-1) > 1e-6 {
		t.Errorf("a share of %.4f shows %.6f, not 1", share, e)
	}
	if n := p.People(1, share); n < 999 || n > 1001 {
		t.Errorf("%d people, not 1000", n)
	}
	rng := rand.New(rand.NewPCG(51, 1))
	const runs = 600
	found := 0.0
	for range runs {
		y1, _ := normal(rng, int(1000*(1-share)), 6, 3, 0)
		y0, _ := normal(rng, int(1000*share), 5, 3, 0)
		found += indicator(Compare(y1, y0, 0.95, "Welch").Absolute.Interval[0] > 0) / runs
	}
	if math.Abs(found-0.8) > 0.06 {
		t.Errorf("power is %.3f, planned .8", found)
	}
	if _, err := p.HoldoutShare(0.1, 100); err == nil {
		t.Error("100 people are to show an effect of a thirtieth of the standard deviation")
	}
	if half := (Power{SD: 3, Correlation: 0.8}).MinimalEffect(1000, share); math.Abs(half-0.6) > 1e-6 {
		t.Errorf("CUPED with ρ = .8 shows %.3f, want .6", half)
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

func TestPeople(t *testing.T) {
	held := slate("d3", "h", 10, "a")
	held.Holdout = true
	crossed := slate("d4", "h", 20, "a")
	in := func(s string) func(*bellwether.Event) { return func(e *bellwether.Event) { e.Session = s } }
	events := []bellwether.Event{
		event("before", bellwether.Purchase, "s", 5, item("a"), costs(1000)),
		event("click", bellwether.SelectItem, "s", 11, item("a"), in("v1")),
		event("buy", bellwether.Purchase, "s", 12, item("a"), costs(2000), in("v2")),
		event("stay", bellwether.Engagement, "s", 13, in("v2"), func(e *bellwether.Event) { e.Value = 30 }),
		event("answer", bellwether.Survey, "s", 14, func(e *bellwether.Event) { e.Value = 7 }),
		event("late", bellwether.Purchase, "s", 90, item("a"), costs(9000)),
		event("outsider", bellwether.Purchase, "u", 12, item("a"), costs(500)),
		event("held", bellwether.Purchase, "h", 12, item("a"), costs(700)),
	}
	j := join(t, 100, []bellwether.Decision{slate("d1", "s", 10, "a"), slate("d2", "s", 11, "b"), held, crossed}, events...)
	people, checks, err := People(j, all(events), PeopleOptions{To: epoch.Add(80 * hour)})
	if err != nil {
		t.Fatal(err)
	}
	if len(people) != 2 || people[0].Subject != "s" || people[0].Holdout || !people[1].Holdout {
		t.Fatalf("%+v", people)
	}
	want := Totals{Decisions: 2, Clicked: 1, Orders: 1, Revenue: 20, Margin: 17, Seconds: 30, Sessions: 2, Answers: 1, Score: 7}
	if people[0].During != want {
		t.Errorf("%+v, want %+v", people[0].During, want)
	}
	if b := people[0].Before; b.Revenue != 10 || b.Orders != 1 {
		t.Errorf("before: %+v", b)
	}
	if first(checks, Warning) == nil {
		t.Error("half of the people crossed over and nobody is warned")
	}

	assigned, _, err := People(j, all(events), PeopleOptions{From: epoch, Assign: func(s bellwether.Subject) (bool, bool) { return s == "u", s != "h" }})
	if err != nil {
		t.Fatal(err)
	}
	if len(assigned) != 2 || assigned[0].During.Revenue != 120 || !assigned[1].Holdout || assigned[1].During.Revenue != 5 {
		t.Errorf("by assignment: %+v", assigned)
	}
	if _, _, err := People(j, all(events), PeopleOptions{Assign: func(bellwether.Subject) (bool, bool) { return false, true }}); err == nil {
		t.Error("assignment without a start was accepted")
	}
}
