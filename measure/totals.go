package measure

import (
	"time"

	"bellwether"
)

// Totals are what one person did in a span of time.
type Totals struct {
	Decisions, Clicked float64 // decisions taken for the person, and those with a click
	Orders             float64 // purchase events
	Revenue, Margin    float64 // in major units, refunds taken off
	Seconds, Sessions  float64 // engagement
	Answers, Score     float64 // surveys: how many, and their sum
	Cost               float64 // of messages and coupons, in major units
}

// The figures of a person that the comparisons are made of. Those of the pre-period follow, in the same order.
const (
	vDecisions = iota
	vClicked
	vOrders
	vConverted
	vRevenue
	vMargin
	vSeconds
	vSessions
	vAnswers
	vScore
	vCost
	figures // how many
)

// write puts the totals into v.
func (t *Totals) write(v []float64) {
	v[vDecisions], v[vClicked] = t.Decisions, t.Clicked
	v[vOrders], v[vConverted] = t.Orders, indicator(t.Orders > 0)
	v[vRevenue], v[vMargin] = t.Revenue, t.Margin
	v[vSeconds], v[vSessions] = t.Seconds, t.Sessions
	v[vAnswers], v[vScore] = t.Answers, t.Score
	v[vCost] = t.Cost
}

func indicator(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// add counts what e did.
func (t *Totals) add(kind part, e *bellwether.Event, p *Prices) {
	switch kind {
	case conversion:
		s := p.sale(e)
		t.Orders++
		t.Revenue += s.revenue
		t.Margin += s.margin
	case refund:
		s := p.sale(e)
		t.Revenue += s.revenue
		t.Margin += s.margin
	case engagement:
		t.Seconds += e.Value
	case answer:
		t.Answers++
		t.Score += e.Value
	}
}

// Person is one unit of the comparison with the holdout: intention to treat by assignment.
type Person struct {
	Subject bellwether.Subject
	Holdout bool
	Start   time.Time // from here on During counts
	During  Totals
	Before  Totals // of the pre-period, for CUPED
}

// write puts both spans into v, of length 2·figures.
func (p *Person) write(v []float64) {
	p.During.write(v[:figures])
	p.Before.write(v[figures:])
}
