package market

import (
	"fmt"
	"slices"

	"bellwether"
)

// State is all that a customer carries from one day to the next. Equal states have equal futures.
type State struct {
	Gone         bool    // died or cancelled: nothing more happens
	Signed       bool    // has signed in once
	Seen         int     // day of the last visit + 1; 0: never
	Category     int     // of the item viewed last + 1; 0: none
	Satisfaction float64 // 0 is neutral
	Contacts     uint8   // bit k: contacted k days ago
}

// Question is what a customer's day asks of the world outside.
type Question struct {
	Customer int
	Day      int
	State    State // before the answer
}

// Host answers for the shop: in tests a rule, in a running system its HTTP interface.
type Host interface {
	// Slate returns the items (indices) shown on the home page, best place first; none is allowed.
	Slate(Question) ([]int, error)
	// Contact reports whether the campaign of this day contacts the customer.
	Contact(Question) (bool, error)
}

// Day plays one day of customer i, who begins it in state s. It is a pure function of its arguments and the
// host's answers: equal answers give equal events and states.
func (w *World) Day(i, day int, s State, h Host) ([]Event, State, error) {
	s.Contacts <<= 1
	d := &doing{World: w, draws: w.draws(i, day), c: &w.Customers[i], i: i, day: day, s: s}
	if d.cancels() {
		d.s.Gone = true
	}
	if d.s.Gone {
		return nil, d.s, nil
	}
	if err := d.campaign(h); err != nil {
		return nil, s, err
	}
	if !d.s.Gone && d.visits() {
		if err := d.visit(h); err != nil {
			return nil, s, err
		}
	}
	return d.events, d.s, nil
}

// doing is one customer's day while it is played.
type doing struct {
	*World
	draws
	c      *Customer
	i, day int
	s      State
	events []Event
}

func (d *doing) question() Question { return Question{Customer: d.i, Day: d.day, State: d.s} }

func (d *doing) add(e Event) {
	e.Customer, e.Day = d.i, d.day
	d.events = append(d.events, e)
}

// cancels draws a subscriber's monthly hazard.
func (d *doing) cancels() bool {
	if !d.c.Subscriber || d.day == 0 || d.day%30 != 0 {
		return false
	}
	x := -3.2
	if d.day == 30 {
		x += .5
	}
	if d.s.Satisfaction < -.5 {
		x += .8
	}
	if d.seenWithin(30) {
		x -= .5
	}
	return d.below(sigmoid(x), ofHazard, 0)
}

func (d *doing) seenWithin(days int) bool { return d.s.Seen > 0 && d.day-(d.s.Seen-1) <= days }

// weekday is the addition to the logit of a visit, by day of the week from the world's first day.
var weekday = [7]float64{0, -.1, -.1, 0, .15, .25, .1}

func (d *doing) visits() bool {
	x := d.c.activity + float64(.35*sine(float64(d.day-80)/365)) + weekday[d.day%7]
	if d.seenWithin(7) {
		x += .4
	}
	return d.below(sigmoid(x), ofVisit, 0)
}

// visit plays a visit: perhaps a look around before signing in, the slate, views, carts and an order.
func (d *doing) visit(h Host) error {
	v := d.begin(7*3600 + int(d.uniform(ofVisit, 1)*13*3600))
	views, k := 1+d.poisson(3, ofVisit, 2), 0
	if d.below(.03, ofVisit, 3) { // anonymous, then known
		v.anonymous = true
		v.view(k, nil)
		k++
		v.pass(20)
		v.anonymous = false
		v.add(Event{Type: bellwether.Identify, Anonymous: true, Second: v.second, Item: -1})
		d.s.Signed = true
	} else if !d.s.Signed {
		d.add(Event{Type: bellwether.Identify, Second: v.second, Item: -1})
		d.s.Signed = true
	}
	v.pass(3)
	slate, err := h.Slate(d.question())
	if err != nil {
		return err
	}
	v.add(Event{Type: bellwether.ViewItemList, Second: v.second, Item: -1, Slate: len(slate) > 0})
	for ; k < views; k++ {
		v.view(k, slate)
	}
	d.s.Seen = d.day + 1
	d.order(v.basket, v.second+40, 0, false)
	return nil
}

// line is one item of an order, with the utility that it was bought at.
type line struct {
	item     int
	quantity int64
	utility  float64
}

// order turns a basket into purchases and what follows: satisfaction, a survey, perhaps the last goodbye.
// use tells a day's orders apart: 0 the visit's, 1 the campaign's.
func (d *doing) order(basket []line, second, use int, campaign bool) {
	if len(basket) == 0 {
		return
	}
	id := fmt.Sprintf("o-%d-%d-%d", d.i+1, d.day, use)
	match := 0.0
	for _, l := range basket {
		d.add(Event{Type: bellwether.Purchase, Second: second, Item: l.item, Quantity: l.quantity, Order: id, Campaign: campaign})
		match += min(max((l.utility-2)/2, -1.5), 1.5) / float64(len(basket))
	}
	delivery := float64(.6 * d.normal(ofSurvey, 10*use))
	d.s.Satisfaction = float64(.6*d.s.Satisfaction) + float64(.4*(match+delivery))
	d.survey(second+60, 10*use)
	odds := float64(d.c.death / (1 - d.c.death) * exp(-.5*d.s.Satisfaction))
	if !d.c.Subscriber && d.below(odds/(1+odds), ofDeath, use) {
		d.s.Gone = true
	}
}

// survey asks after an order: 30 % answer, fewer of the unsatisfied; 0–10 by ordered probit.
func (d *doing) survey(second, index int) {
	if !d.below(sigmoid(-.85+float64(.6*d.s.Satisfaction)), ofSurvey, index+1) {
		return
	}
	x := 7.5 + float64(2*d.s.Satisfaction) + float64(1.5*d.normal(ofSurvey, index+2))
	d.add(Event{Type: bellwether.Survey, Second: second, Item: -1, Value: float64(int(min(max(x+.5, 0), 10)))})
}

// collect adds a line to a basket; the same item twice is one line.
func collect(basket []line, l line) []line {
	if k := slices.IndexFunc(basket, func(b line) bool { return b.item == l.item }); k >= 0 {
		basket[k].quantity += l.quantity
		return basket
	}
	return append(basket, l)
}
