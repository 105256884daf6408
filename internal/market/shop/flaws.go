package shop

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"bellwether/internal/market"
)

// parcel is what a customer's day sends: messages in order, those that are sent a second time, and what
// all of them must be counted as.
type parcel struct {
	due      int // day on which it is sent
	messages []message
	again    []message
	tally    market.Tally
}

// pack turns a customer's day into its parcel, planting the world's dirt and counting it.
func pack(d *diary, events []market.Event) *parcel {
	p := &parcel{due: d.day, tally: market.NewTally()}
	mishap := d.w.Mishap(d.i, d.day)
	p.due += mishap.Late
	for n := 0; n < len(events); n++ {
		e := &events[n]
		m, flaw, lines := d.message(e), market.Clean, int64(1)
		if mishap.Late == 0 {
			flaw = d.w.Flaw(e, n)
		}
		for e.Order != "" && n+1 < len(events) && events[n+1].Order == e.Order {
			n++
			lines++
			d.addProduct(m.Properties, &events[n])
		}
		p.identity(e)
		p.add(m, lines)
		if mishap.Late > 0 {
			p.tally.Rule("late", market.Count{Seen: lines})
		}
		p.spoil(d, flaw)
	}
	if mishap.Skew != 0 {
		p.skew(d.day, mishap.Skew)
	}
	p.extras(d, mishap)
	return p
}

// add appends a message that becomes so many events.
func (p *parcel) add(m message, events int64) {
	p.messages = append(p.messages, m)
	p.tally.Messages++
	p.tally.Events += events
}

// identity counts what a sign-in joins.
func (p *parcel) identity(e *market.Event) {
	switch {
	case e.Item < 0 && e.Anonymous: // the sign-in itself
		p.tally.Rule("identity", market.Count{Seen: 1, Changed: 1})
	case e.Anonymous:
		p.tally.Rule("attribution", market.Count{Seen: 1, Changed: 1})
	}
}

// spoil plants a flaw into the newest message.
func (p *parcel) spoil(d *diary, flaw market.Flaw) {
	m := &p.messages[len(p.messages)-1]
	switch flaw {
	case market.Resent:
		p.again = append(p.again, *m)
		p.tally.Messages++
		p.tally.Duplicates++
	case market.Twice:
		twin := *m
		twin.ID = d.id()
		p.add(twin, 1)
		p.tally.Rule("duplicate", market.Count{Seen: 1, Dropped: 1})
	case market.OtherCase:
		if m.Context.Campaign != nil {
			m.Context.Campaign = &campaignNames{Name: m.Context.Campaign.Name, Source: " Email"}
		} else {
			m.Properties.Item = strings.ToUpper(m.Properties.Item)
		}
		p.tally.Rule("names", market.Count{Seen: 1, Changed: 1})
	case market.NoPrice:
		m.Properties.Price, m.Properties.Currency = nil, ""
		p.tally.Rule("missing_price", market.Count{Seen: 1, Changed: 1})
	case market.OddPrice:
		m.Properties.Price = amount(100 * minor(m.Properties.Price))
		p.tally.Rule("outlying_price", market.Count{Seen: 1, Changed: 1})
	case market.OddQuantity:
		m.Properties.Quantity = integer(5000)
		p.tally.Rule("outlying_quantity", market.Count{Seen: 1, Changed: 1})
	case market.ForeignPrice:
		m.Properties.Price = amount(market.ForeignAmount(minor(m.Properties.Price)))
		m.Properties.Currency = string(market.Foreign)
		p.tally.Rule("currency", market.Count{Seen: 1, Changed: 1})
	case market.UnknownCurrency:
		m.Properties.Currency = string(market.Unknown)
		p.tally.Rule("unknown_currency", market.Count{Seen: 1})
	}
}

// minor is the inverse of amount.
func minor(major json.RawMessage) int64 {
	n := int64(0)
	for _, c := range major {
		if c != '.' {
			n = 10*n + int64(c-'0')
		}
	}
	return n
}

// skew dates every message by a clock that is ahead; sentAt tells so.
func (p *parcel) skew(day int, ahead time.Duration) {
	for _, list := range [][]message{p.messages, p.again} {
		for k := range list {
			at, err := time.Parse(time.RFC3339, list[k].Timestamp)
			if err != nil {
				continue // not reached: stamp wrote it
			}
			list[k].Timestamp = stamp(at.Add(ahead))
			list[k].ahead = ahead
			list[k].SentAt = stamp(evening(day).Add(ahead))
		}
	}
}

// extras adds the messages that stand beside what the customer did.
func (p *parcel) extras(d *diary, mishap market.Mishap) {
	if mishap.Malformed != market.WellFormed {
		p.messages = append(p.messages, d.malformed(mishap.Malformed))
		p.tally.Messages++
		p.tally.Refused[mishap.Malformed.String()]++
	}
	if mishap.Future {
		m := d.base("page", evening(d.day).Add(3*time.Hour))
		m.Name, m.Properties = "Home", &properties{Session: d.session()}
		p.add(m, 1)
		p.tally.Rule("future", market.Count{Seen: 1, Changed: 1})
	}
	if mishap.Survey {
		score := 55.0
		m := d.base("track", evening(d.day).Add(-time.Hour))
		m.User, m.Event = fmt.Sprintf("kiosk-%d", d.i+1), "Survey Response"
		m.Properties = &properties{Score: &score}
		p.add(m, 1)
		p.tally.Rule("outlying_value", market.Count{Seen: 1, Dropped: 1})
	}
}

// malformed is a message that collect must refuse.
func (d *diary) malformed(kind market.Malformed) message {
	e := market.Event{Type: "add_to_cart", Customer: d.i, Day: d.day, Second: 12 * 3600, Quantity: 1}
	m := d.base("track", e.Occurred())
	m.Event, m.Properties = "Product Added", &properties{Session: d.session()}
	d.item(m.Properties, &e)
	switch kind {
	case market.NoPerson:
		m.User = ""
	case market.NoName:
		m.Event = ""
	case market.NoType:
		m.Type = ""
	case market.BadTime:
		m.Timestamp = "yesterday at noon"
	case market.FarTime:
		m.Timestamp = "2999-01-01T00:00:00.000Z"
	case market.NegativeQuantity:
		m.Properties.Quantity = integer(-2)
	case market.TextQuantity:
		m.Properties.Quantity = json.RawMessage(`"many"`)
	case market.TextPrice:
		m.Properties.Price = json.RawMessage(`"NaN"`)
	case market.NegativePrice:
		m.Properties.Price = json.RawMessage(`-5.00`)
	}
	return m
}

// robots are the parcels of a day's robots.
func robots(w *market.World, day int) []*parcel {
	var out []*parcel
	for _, r := range w.Robots(day) {
		p := &parcel{due: day, tally: market.NewTally()}
		rule, agent, pace := "robot_rate", agents["desktop"], 200*time.Millisecond
		if r.Honest {
			rule, agent, pace = "robot_agent", "Mozilla/5.0 (compatible; PriceBot/2.1; +https://example.com/bot)", 4*time.Second
		}
		for n, j := range r.Items {
			it := &w.Items[j]
			p.add(message{
				Type: "track", Event: "Product Viewed", ID: fmt.Sprintf("r-%d-%d", r.Number, n),
				Anonymous: fmt.Sprintf("r-%d", r.Number), Timestamp: stamp(market.Time(day, r.Second).Add(time.Duration(n) * pace)),
				Properties: &properties{Item: string(it.ID), Session: fmt.Sprintf("r-%d", r.Number)},
				Context:    &sender{UserAgent: agent},
			}, 1)
		}
		p.tally.Rule(rule, market.Count{Seen: int64(len(r.Items)), Dropped: int64(len(r.Items))})
		out = append(out, p)
	}
	return out
}
