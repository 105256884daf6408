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

// metric is a figure that is compared: the mean of a figure a person, or with denominator a ratio of sums.
type metric struct {
	name, unit          string
	figure, denominator int // −1: none
	capped              bool
}

const none = -1

// metrics lists the figures that are compared, in the order of the report.
func metrics(currency bellwether.Currency) []metric {
	money := string(currency) + " a person"
	return []metric{
		{"margin", money, vMargin, none, false},
		{"margin, winsorised", money, vMargin, none, true},
		{"revenue", money, vRevenue, none, false},
		{"revenue, winsorised", money, vRevenue, none, true},
		{"conversion", "share of people", vConverted, none, false},
		{"purchases", "a person", vOrders, none, false},
		{"click-through rate", "clicked decisions a decision", vClicked, vDecisions, false},
		{"sessions", "a person", vSessions, none, false},
		{"engagement", "seconds a person", vSeconds, none, false},
		{"satisfaction", "answer 0–10", vScore, vAnswers, false},
	}
}

// Effects compares the treated with the holdout in every metric. When the arms' sizes contradict
// the expected share (sample-ratio mismatch, p < .001) the effects are hidden: it returns none, and a
// failed check.
func Effects(people []Person, o EffectOptions) ([]Effect, []Check) {
	c := newCrowd()
	for i := range people {
		c.add(&people[i])
	}
	return c.effects(o.withDefaults())
}

func (c *crowd) effects(o EffectOptions) ([]Effect, []Check) {
	var checks []Check
	if o.HoldoutShare > 0 {
		checks = append(checks, SampleRatio(int(c.arms[0].n), int(c.arms[1].n), o.HoldoutShare))
	}
	if first(checks, Failed) != nil {
		return nil, checks
	}
	var out []Effect
	for _, m := range metrics(o.Currency) {
		if m.capped {
			out = append(out, m.winsorised(c, o))
		} else {
			out = append(out, m.effect(&c.arms, figures, o.Level))
		}
	}
	return out, append(checks, c.prePeriod())
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
		treated, holdout, share,
	))
}

// prePeriod checks that the arms did not differ before the start.
func (c *crowd) prePeriod() Check {
	x, y := c.arms[0].sample(plain(figures+vRevenue)), c.arms[1].sample(plain(figures+vRevenue))
	p := 1.0
	if se := math.Sqrt(x.square() + y.square()); x.n > 1 && y.n > 1 && se > 0 {
		p = normalTail((x.mean - y.mean) / se)
	}
	return check("no effect before the start", p < 0.01, Warning, p, 0.01,
		"revenue of the arms in the pre-period should be equal; if p is under .01, look for people who were moved between the arms")
}

// effect compares the arms in m. Figures of the pre-period are before places further; 0: there is none.
func (m metric) effect(arms *[2]gram, before int, level float64) Effect {
	method := "Welch"
	if m.denominator != none {
		method = "Welch on the delta method's linearised ratio"
	}
	y, ok := m.linear(arms, 0)
	e := compare(armSample(&arms[0], y[0], ok[0]), armSample(&arms[1], y[1], ok[1]), level, method)
	e.Metric, e.Unit = m.name, m.unit
	if before == 0 || !ok[0] || !ok[1] {
		return e
	}
	if x, ok := m.linear(arms, before); ok[0] && ok[1] {
		e.Adjusted = adjust(arms, y, x, level)
	}
	return e
}

// armSample describes an arm; without a denominator there is no figure, and nobody is in it.
func armSample(g *gram, l linear, ok bool) sample {
	if !ok {
		return sample{}
	}
	return g.sample(l)
}

// linear returns what each person counts for in m, by arm. A ratio is linearised, R + (num − R·den)/mean(den),
// whose mean is R and whose variance is the delta method's with the person as unit (Deng, Knoblich & Lu
// 2018). not ok: there is nothing to divide by.
func (m metric) linear(arms *[2]gram, shift int) (l [2]linear, ok [2]bool) {
	for i := range arms {
		if m.denominator == none {
			l[i], ok[i] = plain(m.figure+shift), true
			continue
		}
		den := arms[i].mean(m.denominator + shift)
		if den == 0 {
			continue
		}
		r := arms[i].mean(m.figure+shift) / den
		l[i] = linear{constant: r, of: []term{{m.figure + shift, 1 / den}, {m.denominator + shift, -r / den}}}
		ok[i] = true
	}
	return l, ok
}
