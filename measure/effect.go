package measure

import (
	"fmt"
	"math"

	"bellwether"
)

// Effect is one metric of the treated against the holdout.
type Effect struct {
	Metric   string              `json:"metric"`
	Unit     string              `json:"unit"`
	Treated  bellwether.Estimate `json:"treated"`
	Holdout  bellwether.Estimate `json:"holdout"`
	Absolute bellwether.Estimate `json:"absolute"`           // treated − holdout, Welch
	Relative bellwether.Estimate `json:"relative"`           // absolute / holdout, Fieller
	Adjusted *Adjusted           `json:"adjusted,omitempty"` // with the pre-period (CUPED)
}

// Adjusted is an effect whose variance was reduced by what was known before the start (Deng et al. 2013).
type Adjusted struct {
	Absolute    bellwether.Estimate `json:"absolute"`
	Relative    bellwether.Estimate `json:"relative"`
	Correlation float64             `json:"correlation"` // ρ of the pre-period: the variance is × (1−ρ²)
}

// EffectOptions configure [Effects]; the zero value works.
type EffectOptions struct {
	Level        float64 // of the intervals; 0: 0.95
	Winsorise    float64 // quantile that money is capped at; 0: 0.999
	HoldoutShare float64 // expected share of people in the holdout, for the sample-ratio check; 0: not checked
	Currency     bellwether.Currency
}

func (o EffectOptions) withDefaults() EffectOptions {
	if o.Level == 0 {
		o.Level = 0.95
	}
	if o.Winsorise == 0 {
		o.Winsorise = 0.999
	}
	return o
}

// metric is how a figure a person is read from totals: a mean, or with denominator a ratio of sums.
type metric struct {
	name, unit  string
	value       func(Totals) float64
	denominator func(Totals) float64
	capped      bool // winsorised
}

// metrics lists the figures that are compared, in the order of the report.
func metrics(currency bellwether.Currency) []metric {
	money := string(currency) + " a person"
	return []metric{
		{name: "margin", unit: money, value: func(t Totals) float64 { return t.Margin }},
		{name: "margin, winsorised", unit: money, value: func(t Totals) float64 { return t.Margin }, capped: true},
		{name: "revenue", unit: money, value: func(t Totals) float64 { return t.Revenue }},
		{name: "revenue, winsorised", unit: money, value: func(t Totals) float64 { return t.Revenue }, capped: true},
		{name: "conversion", unit: "share of people", value: func(t Totals) float64 { return indicator(t.Orders > 0) }},
		{name: "purchases", unit: "a person", value: func(t Totals) float64 { return t.Orders }},
		{
			name: "click-through rate", unit: "clicked decisions a decision",
			value: func(t Totals) float64 { return t.Clicked }, denominator: func(t Totals) float64 { return t.Decisions },
		},
		{name: "sessions", unit: "a person", value: func(t Totals) float64 { return t.Sessions }},
		{name: "engagement", unit: "seconds a person", value: func(t Totals) float64 { return t.Seconds }},
		{
			name: "satisfaction", unit: "answer 0–10",
			value: func(t Totals) float64 { return t.Score }, denominator: func(t Totals) float64 { return t.Answers },
		},
	}
}

func indicator(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// arms are the people's figures, treated first.
type arms [2][]float64

// Effects compares the treated with the holdout in every metric. When the arms' sizes contradict
// the expected share (sample-ratio mismatch, p < .001) the effects are hidden: it returns none, and a
// failed check.
func Effects(people []Person, o EffectOptions) ([]Effect, []Check) {
	o = o.withDefaults()
	treated, holdout := 0, 0
	for i := range people {
		if people[i].Holdout {
			holdout++
		} else {
			treated++
		}
	}
	var checks []Check
	if o.HoldoutShare > 0 {
		checks = append(checks, SampleRatio(treated, holdout, o.HoldoutShare))
	}
	if first(checks, Failed) != nil {
		return nil, checks
	}
	var out []Effect
	for _, m := range metrics(o.Currency) {
		out = append(out, m.effect(people, o))
	}
	return out, append(checks, prePeriod(people))
}

// SampleRatio checks that treated and holdout people came in the expected share (χ² with one
// degree of freedom; Fabijan et al. 2019).
func SampleRatio(treated, holdout int, share float64) Check {
	n := float64(treated + holdout)
	z := (float64(holdout) - n*share) / math.Sqrt(n*share*(1-share))
	p := 1.0
	if n > 0 {
		p = normalTail(z)
	}
	return check("sample ratio", p < 0.001, Failed, p, 0.001, fmt.Sprintf(
		"%d treated and %d in the holdout where %.4g of people should be: p must not be under .001; find what removes or moves people before reading effects",
		treated, holdout, share))
}

// prePeriod checks that the arms did not differ before the start.
func prePeriod(people []Person) Check {
	a := split(people, func(p *Person) float64 { return p.Before.Revenue })
	x, y := describe(a[0]), describe(a[1])
	p := 1.0
	if se := math.Sqrt(x.square() + y.square()); x.n > 1 && y.n > 1 && se > 0 {
		p = normalTail((x.mean - y.mean) / se)
	}
	return check("no effect before the start", p < 0.01, Warning, p, 0.01,
		"revenue of the arms in the pre-period should be equal; if p is under .01, look for people who were moved between the arms")
}

func split(people []Person, value func(*Person) float64) arms {
	var a arms
	for i := range people {
		arm := 0
		if people[i].Holdout {
			arm = 1
		}
		a[arm] = append(a[arm], value(&people[i]))
	}
	return a
}

// effect compares the arms in m.
func (m metric) effect(people []Person, o EffectOptions) Effect {
	y := m.figures(people, func(p *Person) Totals { return p.During })
	x := m.figures(people, func(p *Person) Totals { return p.Before })
	method := "Welch"
	switch {
	case m.denominator != nil:
		method = "Welch on the delta method's linearised ratio"
	case m.capped:
		method = fmt.Sprintf("Welch, winsorised at %g", o.Winsorise)
		y[0], y[1] = winsorise(y[0], y[1], o.Winsorise)
		x[0], x[1] = winsorise(x[0], x[1], o.Winsorise)
	}
	e := Compare(y[0], y[1], o.Level, method)
	e.Metric, e.Unit = m.name, m.unit
	e.Adjusted = Adjust(y[0], y[1], x[0], x[1], o.Level)
	return e
}

// figures returns one value a person. Those of a ratio are linearised, R + (num − R·den)/mean(den), whose
// mean is R and whose variance is the delta method's with the person as unit (Deng, Knoblich & Lu 2018).
func (m metric) figures(people []Person, of func(*Person) Totals) arms {
	y := split(people, func(p *Person) float64 { return m.value(of(p)) })
	if m.denominator == nil {
		return y
	}
	d := split(people, func(p *Person) float64 { return m.denominator(of(p)) })
	for arm := range y {
		num, den := describe(y[arm]).mean, describe(d[arm]).mean
		if den == 0 {
			y[arm] = nil // nothing to divide by: no figure
			continue
		}
		ratio := num / den
		for i := range y[arm] {
			y[arm][i] = ratio + (y[arm][i]-ratio*d[arm][i])/den
		}
	}
	return y
}
