package market

import (
	"time"

	"bellwether"
)

// Flaw is what is wrong with one message of a customer. At most one thing is.
type Flaw uint8

// The flaws, and who must notice them.
const (
	Clean           Flaw = iota
	Resent               // sent twice with the same message id: collect counts a duplicate
	Twice                // fired twice with two ids: rule duplicate
	OtherCase            // the item's or channel's name in capitals: rule names
	NoPrice              // a cart line without a price: rule missing_price
	OddPrice             // a cart line at 100 times the price: rule outlying_price
	OddQuantity          // a cart line of 5,000 pieces: rule outlying_quantity
	ForeignPrice         // a cart line in Foreign: rule currency
	UnknownCurrency      // a cart line in a currency without a rate: rule unknown_currency
)

// Foreign is the second currency; one unit of it is 0.8 units of Currency, so that every price of the
// catalogue has an exact counterpart.
const Foreign bellwether.Currency = "USD"

// Unknown is a currency for which there is no rate.
const Unknown bellwether.Currency = "XTS"

// Rates are the rates to Currency that a cleaner needs.
func Rates() map[bellwether.Currency]float64 { return map[bellwether.Currency]float64{Foreign: .8} }

// ForeignAmount is a price of the catalogue in minor units of Foreign.
func ForeignAmount(amount int64) int64 { return amount / 4 * 5 }

// Flaw draws the flaw of a customer's nth event of a day. Purchases are at most sent again: what a
// customer is worth does not depend on dirt.
func (w *World) Flaw(e *Event, n int) Flaw {
	d := w.draws(e.Customer, e.Day)
	if d.below(.01, ofDirt, 100+4*n) {
		return Resent
	}
	switch {
	case e.Anonymous:
	case e.Type == bellwether.ViewItem && !e.Slate:
		return []Flaw{Clean, Twice, OtherCase}[d.pick([]float64{.994, .003, .003}, ofDirt, 101+4*n)]
	case e.Type == bellwether.MessageOpen:
		return []Flaw{Clean, OtherCase}[d.pick([]float64{.95, .05}, ofDirt, 101+4*n)]
	case e.Type == bellwether.AddToCart:
		return []Flaw{Clean, NoPrice, OddPrice, OddQuantity, ForeignPrice, UnknownCurrency}[d.pick(
			[]float64{.95, .01, .01, .005, .02, .005}, ofDirt, 101+4*n,
		)]
	}
	return Clean
}

// Mishap is what is wrong with all of a customer's day.
type Mishap struct {
	Late      int           // days until the events are sent; 0: the same day. Rule late
	Skew      time.Duration // how far the device's clock is ahead; collect corrects it by sentAt
	Malformed Malformed     // a message that collect must refuse is sent besides
	Future    bool          // a page view dated three hours ahead, without sentAt, is sent besides: rule future
	Survey    bool          // a survey answer of 55 by a kiosk is sent besides: rule outlying_value
}

// Mishap draws the mishap of a day on which customer i does something.
func (w *World) Mishap(i, day int) Mishap {
	d := w.draws(i, day)
	var m Mishap
	switch {
	case d.below(.005, ofDirt, 0) && day+4 < w.Days:
		m.Late = 2 + int(d.uniform(ofDirt, 1)*2)
		return m
	case d.below(.01, ofDirt, 2):
		m.Skew = time.Duration(int(d.uniform(ofDirt, 3)*72*3600)-36*3600) * time.Second
	}
	if d.below(.02, ofDirt, 4) {
		m.Malformed = 1 + Malformed(d.uniform(ofDirt, 5)*float64(malformations-1))
	}
	m.Future = d.below(.002, ofDirt, 6)
	m.Survey = d.below(.002, ofDirt, 7)
	return m
}

// Malformed is a way in which a message is unfit for the log.
type Malformed int

// The ways. The strings are the keys of Tally.Refused.
const (
	WellFormed Malformed = iota
	NoPerson
	NoName
	NoType
	BadTime
	FarTime
	NegativeQuantity
	TextQuantity
	TextPrice
	NegativePrice
	malformations
)

func (m Malformed) String() string {
	return [malformations]string{
		"", "no person", "no event name", "no type", "unreadable time", "time out of range",
		"negative quantity", "quantity is text", "price is NaN", "negative price",
	}[m]
}

// Robot is a session that no person makes: many views, by an honest user agent or at an inhuman rate.
type Robot struct {
	Number int
	Honest bool // its user agent says what it is: rule robot_agent, otherwise rule robot_rate
	Second int  // of the day
	Items  []int
}

// Robots returns the robots of a day. There is one for each 200 customers, and at least one of each kind.
func (w *World) Robots(day int) []Robot {
	var out []Robot
	for k := range max(2, len(w.Customers)/200) {
		d := w.draws(k, 0)
		if int(d.uniform(ofJunk, 0)*float64(w.Days)) != day {
			continue
		}
		r := Robot{Number: k, Honest: k%2 == 0, Second: int(d.uniform(ofJunk, 1) * 20 * 3600), Items: make([]int, 200)}
		for n := range r.Items {
			r.Items[n] = int(d.uniform(ofJunk, 2+n) * float64(len(w.Items)))
		}
		out = append(out, r)
	}
	return out
}
