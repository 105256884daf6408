package measure

import (
	"fmt"
	"math"
	"slices"
)

// crowd is the people of a comparison, added up by arm: the treated, the holdout. It keeps nothing a person but the
// money of those who had any, which winsorising needs.
type crowd struct {
	arms  [2]gram // figures of the comparison, then of the pre-period
	money [2][]purse
	row   [2 * figures]float64
}

// purse is the money of one person: revenue and margin, in the comparison and before it.
type purse struct{ revenue, margin, revenueBefore, marginBefore float64 }

func newCrowd() *crowd {
	return &crowd{arms: [2]gram{newGram(2 * figures), newGram(2 * figures)}}
}

// add takes in one person.
func (c *crowd) add(p *Person) {
	arm := armOf(p.Holdout)
	p.write(c.row[:])
	c.arms[arm].add(c.row[:])
	if m := (purse{p.During.Revenue, p.During.Margin, p.Before.Revenue, p.Before.Margin}); m != (purse{}) {
		c.money[arm] = append(c.money[arm], m)
	}
}

func armOf(holdout bool) int {
	if holdout {
		return 1
	}
	return 0
}

// merge takes in other people.
func (c *crowd) merge(o *crowd) {
	for i := range c.arms {
		c.arms[i].merge(&o.arms[i])
		c.money[i] = append(c.money[i], o.money[i]...)
	}
}

// of returns m's figure of both spans.
func (p purse) of(figure int) (before, during float64) {
	if figure == vMargin {
		return p.marginBefore, p.margin
	}
	return p.revenueBefore, p.revenue
}

// winsorised is effect with money capped at the quantile of both arms' people together.
func (m metric) winsorised(c *crowd, o EffectOptions) Effect {
	var all [2][]float64
	for _, arm := range c.money {
		for _, p := range arm {
			before, during := p.of(m.figure)
			all[0], all[1] = append(all[0], before), append(all[1], during)
		}
	}
	people := int(c.arms[0].n + c.arms[1].n)
	caps := [2]float64{capOf(all[0], people, o.Winsorise), capOf(all[1], people, o.Winsorise)}
	var arms [2]gram
	for i := range arms {
		arms[i] = newGram(2)
		for _, p := range c.money[i] {
			before, during := p.of(m.figure)
			arms[i].add([]float64{min(before, caps[0]), min(during, caps[1])})
		}
		arms[i].repeat([]float64{min(0, caps[0]), min(0, caps[1])}, c.arms[i].n-arms[i].n)
	}
	y, x := [2]linear{plain(1), plain(1)}, [2]linear{plain(0), plain(0)}
	e := compare(arms[0].sample(y[0]), arms[1].sample(y[1]), o.Level, fmt.Sprintf("Welch, winsorised at %g", o.Winsorise))
	e.Metric, e.Unit = m.name, m.unit
	e.Adjusted = adjust(&arms, y, x, o.Level)
	return e
}

// capOf returns the value at rank q·(n−1), rounded up, of n people of whom those without a value have 0.
func capOf(values []float64, n int, q float64) float64 {
	if n == 0 {
		return 0
	}
	slices.Sort(values)
	rank, zeros := int(math.Ceil(q*float64(n-1))), n-len(values)
	negative, _ := slices.BinarySearch(values, 0)
	switch {
	case rank < negative:
		return values[rank]
	case rank < negative+zeros:
		return 0
	}
	return values[rank-zeros]
}
