package shop

import (
	"context"
	"fmt"

	"bellwether/internal/market"
)

// person is a customer's two trajectories.
type person struct {
	fact, other track
	assigned    bool // a decision was logged for them; holdout is known
	holdout     bool
	measured    bool // a decision was logged since the truth began
}

// track is one trajectory.
type track struct {
	state    market.State
	history  []past
	margin   int64 // minor units, since the truth began
	revenue  int64
	contacts int64
}

// assign notes the person's arm. It never changes while the truth is kept; before that, nobody may be held out yet.
func (p *person) assign(who string, holdout bool) error {
	if p.assigned && p.holdout != holdout {
		return fmt.Errorf("%s moved between the holdout and the others", who)
	}
	p.assigned, p.holdout = true, holdout
	return nil
}

// measuring reports whether the truth is kept on day.
func (c *Client) measuring(day int) bool { return day >= c.o.MeasureFrom }

// fork starts the counterfactual trajectories.
func (c *Client) fork() {
	for i := range c.people {
		p := &c.people[i]
		p.assigned = false
		p.other = track{state: p.fact.state, history: append([]past(nil), p.fact.history...)}
	}
}

// live plays a customer's day on the factual trajectory and, while the truth is kept, on the other one. It
// returns what is to be sent, nil if nothing.
func (c *Client) live(ctx context.Context, i, day int) (*parcel, counts, error) {
	p := &c.people[i]
	fact := &asker{c: c, ctx: ctx, p: p}
	parcel, err := c.step(i, day, &p.fact, fact)
	if err != nil || !c.measuring(day) {
		return parcel, fact.asked, err
	}
	p.measured = p.measured || fact.asked.decisions > 0
	other := &asker{c: c, ctx: ctx, p: p, past: p.other.history, preview: true}
	if _, err = c.step(i, day, &p.other, other); err != nil {
		return nil, counts{}, fmt.Errorf("the other trajectory: %w", err)
	}
	fact.asked.previews = other.asked.previews
	return parcel, fact.asked, nil
}

// step plays a customer's day on one trajectory.
func (c *Client) step(i, day int, t *track, a *asker) (*parcel, error) {
	w := c.o.World
	events, next, err := w.Day(i, day, t.state, a)
	if err != nil {
		return nil, err
	}
	t.state = next
	if c.measuring(day) {
		t.margin += w.Margin(events)
		t.revenue += w.Revenue(events)
		t.contacts += a.asked.contacts
	}
	if len(events) == 0 {
		return nil, nil
	}
	p := pack(newDiary(w, i, day, a.answers), events)
	if c.o.MeasureFrom < w.Days {
		t.history = remember(t.history, p)
	}
	return p, nil
}

// Truth is the effect of the treated arm against the holdout, over all customers for whom a decision was logged
// since Options.MeasureFrom. Amounts are minor units of market.Currency.
type Truth struct {
	Customers []Effect // those customers, in the order of the world
	Treated   float64  // mean margin per customer, as if all were treated
	Control   float64  // mean margin per customer, as if all were in the holdout
	Lift      float64  // Treated − Control
	Revenue   float64  // the same difference in revenue
	Contacts  float64  // and in e-mails
}

// Effect is one customer's two margins.
type Effect struct {
	Customer         int // index in World.Customers
	Holdout          bool
	Treated, Control int64 // margin, minor units
}

// Truth returns the truth so far.
func (c *Client) Truth() Truth {
	var t Truth
	var treatedSum, controlSum, revenue, contacts int64
	for i := range c.people {
		p := &c.people[i]
		if !p.measured {
			continue
		}
		treated, control := &p.fact, &p.other
		if p.holdout {
			treated, control = control, treated
		}
		t.Customers = append(t.Customers, Effect{Customer: i, Holdout: p.holdout, Treated: treated.margin, Control: control.margin})
		treatedSum += treated.margin
		controlSum += control.margin
		revenue += treated.revenue - control.revenue
		contacts += treated.contacts - control.contacts
	}
	if n := float64(len(t.Customers)); n > 0 {
		t.Treated, t.Control = float64(treatedSum)/n, float64(controlSum)/n
		t.Lift, t.Revenue, t.Contacts = t.Treated-t.Control, float64(revenue)/n, float64(contacts)/n
	}
	return t
}
