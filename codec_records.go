package bellwether

import "slices"

// Fields are numbered for ever: a new one takes the next number, a dropped one's number is not reused.

func (e *Event) field(c *coder, n int) bool {
	switch n {
	case 1:
		field(c, &e.ID, text)
	case 2:
		field(c, &e.Type, text)
	case 3:
		fieldTime(c, &e.Occurred)
	case 4:
		fieldTime(c, &e.Received)
	case 5:
		field(c, &e.Subject, text)
	case 6:
		field(c, &e.Anonymous, text)
	case 7:
		field(c, &e.Previous, text)
	case 8:
		field(c, &e.Session, text)
	case 9:
		field(c, &e.Item, text)
	case 10:
		field(c, &e.Quantity, integer)
	case 11:
		field(c, &e.Price, money)
	case 12:
		fieldFloat(c, &e.Value)
	case 13:
		field(c, &e.Order, text)
	case 14:
		field(c, &e.Position, integer)
	case 15:
		field(c, &e.Channel, text)
	case 16:
		field(c, &e.Campaign, text)
	case 17:
		field(c, &e.Creative, text)
	case 18:
		field(c, &e.Decision, text)
	case 19:
		field(c, &e.UserAgent, text)
	case 20:
		fieldList(c, &e.Consent, 1, text)
	case 21:
		fieldMap(c, &e.Traits, trait)
	case 22:
		fieldRaw(c, (*[]byte)(&e.Raw))
	default:
		return false
	}
	return true
}

// fieldRaw codes bytes as they are.
func fieldRaw(c *coder, p *[]byte) {
	if !c.reading && len(*p) == 0 {
		c.absent = true
		return
	}
	if n := c.count(len(*p), 1); c.reading {
		*p = slices.Clone(c.take(n))
	} else {
		c.buf = append(c.buf, *p...)
	}
}

func (i *Item) field(c *coder, n int) bool {
	switch n {
	case 1:
		field(c, &i.ID, text)
	case 2:
		field(c, &i.Title, text)
	case 3:
		field(c, &i.Text, text)
	case 4:
		field(c, &i.Category, text)
	case 5:
		field(c, &i.Brand, text)
	case 6:
		field(c, &i.Price, money)
	case 7:
		field(c, &i.Cost, money)
	case 8:
		fieldPointer(c, &i.Stock, integer)
	case 9:
		fieldMap(c, &i.Attributes, text)
	case 10:
		field(c, &i.Image, text)
	case 11:
		fieldList(c, &i.Features, 4, float32Bits)
	case 12:
		fieldTime(c, &i.From)
	case 13:
		fieldTime(c, &i.To)
	case 14:
		fieldTime(c, &i.Updated)
	default:
		return false
	}
	return true
}

// maxRecent bounds Profile.Recent, whose events take far more memory than bytes.
const maxRecent = 10_000

func (p *Profile) field(c *coder, n int) bool {
	switch n {
	case 1:
		field(c, &p.Subject, text)
	case 2:
		fieldList(c, &p.Links, 4, link)
	case 3:
		fieldMap(c, &p.Traits, trait)
	case 4:
		field(c, &p.Snapshot, text)
	case 5:
		fieldList(c, &p.Consent, 1, text)
	case 6:
		field(c, &p.Bucket, integer)
	case 7:
		fieldTime(c, &p.FirstSeen)
	case 8:
		fieldTime(c, &p.LastSeen)
	case 9:
		if len(p.Recent) > maxRecent {
			c.fail("has %d recent events, more than %d", len(p.Recent), maxRecent)
		}
		fieldList(c, &p.Recent, max(2, (len(c.buf)-c.at)/maxRecent), nestedEvent)
	default:
		return false
	}
	return true
}

func link(c *coder, l *Link) {
	text(c, &l.ID)
	moment(c, &l.Since)
	text(c, &l.Event)
}

// nestedEvent codes an event's own record behind its length.
func nestedEvent(c *coder, e *Event) {
	if c.reading {
		inner := &coder{buf: c.take(c.count(0, 1)), reading: true}
		if inner.readFields(e); inner.reason != "" {
			c.fail("event within: %s", inner.reason)
		}
		return
	}
	b, err := e.MarshalBinary()
	if err != nil {
		c.fail("event within: %v", err)
	}
	c.count(len(b), 1)
	c.buf = append(c.buf, b...)
}

func (d *Decision) field(c *coder, n int) bool {
	switch n {
	case 1:
		field(c, &d.ID, text)
	case 2:
		fieldTime(c, &d.Time)
	case 3:
		field(c, &d.Subject, text)
	case 4:
		field(c, &d.Surface, text)
	case 5:
		field(c, &d.Snapshot, text)
	case 6:
		fieldMap(c, &d.Context, float)
	case 7:
		fieldList(c, &d.Candidates, 17, candidate)
	case 8:
		fieldList(c, &d.Filters, 1, text)
	case 9:
		fieldBool(c, &d.Slate)
	case 10:
		fieldList(c, &d.Actions, 1, integer)
	case 11:
		fieldFloat(c, &d.Propensity)
	case 12:
		field(c, &d.Policy, text)
	case 13:
		field(c, &d.Model, text)
	case 14:
		field(c, &d.Seed, unsigned)
	case 15:
		fieldFloat(c, &d.Floor)
	case 16:
		fieldBool(c, &d.Holdout)
	case 17:
		fieldBool(c, &d.Evaluable)
	case 18:
		fieldMap(c, &d.Arms, text)
	case 19:
		fieldMap(c, &d.Multipliers, float)
	case 20:
		fieldList(c, &d.Consent, 1, text)
	default:
		return false
	}
	return true
}

func candidate(c *coder, p *Candidate) {
	text(c, &p.Action)
	float(c, &p.Score)
	float(c, &p.Propensity)
}

func (o *Outcome) field(c *coder, n int) bool {
	switch n {
	case 1:
		field(c, &o.Decision, text)
	case 2:
		field(c, &o.Subject, text)
	case 3:
		fieldTime(c, &o.Exposed)
	case 4:
		fieldMap(c, &o.Rewards, float)
	case 5:
		field(c, &o.Rule, text)
	case 6:
		fieldBool(c, &o.Matured)
	case 7:
		fieldList(c, &o.Events, 1, text)
	case 8:
		fieldTime(c, &o.Time)
	case 9:
		field(c, &o.Surface, text)
	case 10:
		field(c, &o.Policy, text)
	case 11:
		field(c, &o.Model, text)
	case 12:
		fieldBool(c, &o.Holdout)
	case 13:
		fieldBool(c, &o.Slate)
	case 14:
		fieldBool(c, &o.Evaluable)
	case 15:
		fieldList(c, &o.Actions, 1, text)
	case 16:
		fieldMap(c, &o.Positions, floats)
	default:
		return false
	}
	return true
}

func floats(c *coder, p *[]float64) { list(c, p, 8, float) }

func (p *Prediction) field(c *coder, n int) bool {
	switch n {
	case 1:
		field(c, &p.Subject, text)
	case 2:
		field(c, &p.Application, text)
	case 3:
		field(c, &p.Model, text)
	case 4:
		fieldTime(c, &p.Time)
	case 5:
		fieldList(c, &p.Scores, 9, scoredItem)
	case 6:
		fieldPointer(c, &p.Probability, float)
	case 7:
		field(c, &p.Reason, text)
	default:
		return false
	}
	return true
}

func scoredItem(c *coder, s *ScoredItem) {
	text(c, &s.Item)
	float(c, &s.Score)
}
