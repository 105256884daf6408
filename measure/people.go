package measure

import (
	"errors"
	"fmt"
	"iter"
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
}

// Person is one unit of the comparison with the holdout: intention to treat by assignment.
type Person struct {
	Subject bellwether.Subject
	Holdout bool
	Start   time.Time // from here on During counts
	During  Totals
	Before  Totals // of the pre-period, for CUPED

	sessions map[string]struct{}
	crossed  bool // had decisions in both arms; the first arm counts
}

// PeopleOptions configure [People].
type PeopleOptions struct {
	From   time.Time     // nothing earlier counts as During; zero: each person's first decision
	To     time.Time     // nothing from here on counts; zero: AsOf of the join
	Before time.Duration // length of the pre-period; 0: 28 days; negative: none

	// Assign, when given, says who is in the population and in which arm, for everyone who did
	// anything; From is then needed. nil: the population is who had a decision, in the arm of the first.
	Assign func(bellwether.Subject) (holdout, in bool)
}

// People adds up what each person did, by arm. Join must have seen the same decisions; events
// is ranged over once.
func People(j *Joined, events iter.Seq2[bellwether.Event, error], o PeopleOptions) ([]Person, []Check, error) {
	if o.Assign != nil && o.From.IsZero() {
		return nil, nil, errors.New("people by assignment need From, the start of the comparison")
	}
	if o.To.IsZero() {
		o.To = j.options.AsOf
	}
	if o.Before == 0 {
		o.Before = 28 * 24 * time.Hour
	}
	c := &census{joined: j, o: o, index: map[bellwether.Subject]int{}}
	c.addDecisions()
	for e, err := range events {
		if err != nil {
			return nil, nil, fmt.Errorf("read the events: %w", err)
		}
		if e.Type.Personal() && !e.Received.After(j.options.AsOf) {
			c.add(&e)
		}
	}
	return c.people, []Check{c.crossover()}, nil
}

// census adds people up.
type census struct {
	joined *Joined
	o      PeopleOptions
	people []Person
	index  map[bellwether.Subject]int
}

// person returns the entry of s, nil when s is not in the population.
func (c *census) person(s bellwether.Subject, start time.Time, holdout, decided bool) *Person {
	if i, ok := c.index[s]; ok {
		return &c.people[i]
	}
	in := decided
	if c.o.Assign != nil {
		holdout, in = c.o.Assign(s)
		start = c.o.From
	}
	if !in {
		return nil
	}
	if start.Before(c.o.From) {
		start = c.o.From
	}
	c.index[s] = len(c.people)
	c.people = append(c.people, Person{Subject: s, Holdout: holdout, Start: start})
	return &c.people[len(c.people)-1]
}

func (c *census) addDecisions() {
	for i := range c.joined.touches {
		t := &c.joined.touches[i]
		if !t.at.Before(c.o.To) || t.at.Before(c.o.From) && c.o.Assign == nil {
			continue
		}
		p := c.person(t.person, t.at, t.holdout, true)
		if p == nil || t.at.Before(c.o.From) {
			continue
		}
		if t.at.Before(p.Start) {
			p.Start, p.Holdout = t.at, t.holdout
		}
		p.crossed = p.crossed || t.holdout != p.Holdout
		p.During.Decisions++
		p.During.Clicked += c.joined.Outcomes[i].Rewards[Click]
	}
}

// add counts e in the span in which it occurred.
func (c *census) add(e *bellwether.Event) {
	p := c.person(c.joined.options.Person(personOf(e)), time.Time{}, false, false)
	if p == nil || !e.Occurred.Before(c.o.To) {
		return
	}
	switch {
	case !e.Occurred.Before(p.Start):
		if p.During.add(c.joined.options, e); e.Session != "" {
			p.visit(e.Session)
		}
	case p.Start.Sub(e.Occurred) <= c.o.Before:
		p.Before.add(c.joined.options, e)
	}
}

func (p *Person) visit(session string) {
	if p.sessions == nil {
		p.sessions = map[string]struct{}{}
	}
	p.sessions[session] = struct{}{}
	p.During.Sessions = float64(len(p.sessions))
}

func (t *Totals) add(o JoinOptions, e *bellwether.Event) {
	switch o.Rule.part(e.Type) {
	case conversion:
		s := o.Prices.sale(e)
		t.Orders++
		t.Revenue += s.revenue
		t.Margin += s.margin
	case refund:
		s := o.Prices.sale(e)
		t.Revenue += s.revenue
		t.Margin += s.margin
	case engagement:
		t.Seconds += e.Value
	case answer:
		t.Answers++
		t.Score += e.Value
	}
}

// crossover is the share of people with decisions in both arms.
func (c *census) crossover() Check {
	crossed := 0
	for i := range c.people {
		if c.people[i].crossed {
			crossed++
		}
	}
	share := float64(crossed) / float64(max(len(c.people), 1))
	return check("people stay in one arm", share > 0.01, Warning, share, 0.01,
		"people with decisions in both arms keep the first; merge identities before assignment or use one salt")
}
