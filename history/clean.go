package history

import (
	"cmp"
	"fmt"
	"hash/maphash"
	"slices"
	"time"

	"bellwether"
)

// maxAhead is how far a sender's clock may run ahead before its time is not believed.
const maxAhead = 5 * time.Minute

// lateness is how long after it occurred an event counts as late.
const lateness = 24 * time.Hour

// cleaner applies the rules to one person after another: a pure function of the person's entries, of the links and of
// the table of limits. It belongs to one goroutine; what it made of a person is gone with the next one.
type cleaner struct {
	limits *Limits
	items  *catalogue
	money  *money
	words  *words
	tally  *tally

	entries []entry
	first   map[uint64]int32
	seed    maphash.Seed
	events  []bellwether.Event
	owners  []int32
}

// clean applies the rules to c.entries and fills in p's events.
func (c *cleaner) clean(p *Person) {
	c.tally.total.Read += int64(len(c.entries))
	c.dropRepeats(ruleRepeatedID, func(e *entry) uint64 { return maphash.String(c.seed, string(e.ID)) },
		func(e *entry) string { return string(e.Type) + " " + e.Occurred.UTC().Format(time.RFC3339) })
	c.keep(func(_ int, e *entry) bool {
		if !c.cleanNames(e) {
			return false
		}
		if e.Occurred.Sub(e.Received) > maxAhead {
			c.tally.of(ruleFuture).change(e.ID, e.Occurred, e.Received)
			e.Occurred = e.Received
		}
		if e.robot {
			c.tally.of(ruleRobotAgent).drop(e.ID, func() string { return "sent by " + visitOf(e).sender })
		}
		return !e.robot
	})
	c.dropRobotSessions()
	c.dropDuplicates()
	c.keep(func(_ int, e *entry) bool {
		c.convertPrice(e)
		c.fillPrice(e)
		c.boundQuantity(e)
		if !c.boundValue(e) {
			return false
		}
		if d := e.Received.Sub(e.Occurred); d > lateness {
			c.tally.of(ruleLate).see(e.ID, func() string { return fmt.Sprintf("received %s after it occurred", d.Round(time.Minute)) })
		}
		return true
	})
	inOrder := func(a, b entry) int { return cmp.Or(a.Occurred.Compare(b.Occurred), a.place.compare(b.place)) }
	if !slices.IsSortedFunc(c.entries, inOrder) {
		slices.SortFunc(c.entries, inOrder)
	}
	c.tell(p)
}

// keep drops the entries that test refuses, in place.
func (c *cleaner) keep(test func(i int, e *entry) bool) {
	kept := 0
	for i := range c.entries {
		if !test(i, &c.entries[i]) {
			continue
		}
		if kept != i { // entries are large: most rules drop none
			c.entries[kept] = c.entries[i]
		}
		kept++
	}
	c.entries = c.entries[:kept]
}

// tell fills in what the clean entries say of the person.
func (c *cleaner) tell(p *Person) {
	c.events, c.owners = c.events[:0], c.owners[:0]
	own := p.Identities[0].ID
	for i := range c.entries {
		e := &c.entries[i]
		if e.owner != 0 && p.Identities[e.owner].ID != own {
			c.tally.of(ruleAttribution).change(e.ID, p.Identities[e.owner].ID, p.Subject)
		}
		if p.Subject != "" || e.Subject == "" {
			e.Event.Subject = p.Subject
		}
		c.events, c.owners = append(c.events, e.Event), append(c.owners, e.owner)
		if e.Consent != nil {
			p.Consent, p.Said = e.Consent, true
		}
		if e.Type == bellwether.Identify && len(e.Traits) > 0 {
			if p.Traits == nil {
				p.Traits = make(map[string]any, len(e.Traits))
			}
			for k, v := range e.Traits {
				p.Traits[k] = v
			}
		}
	}
	if n := len(c.events); n > 0 {
		p.Events, p.Owners = c.events, c.owners
		p.Known, p.FirstSeen, p.LastSeen = true, p.Events[0].Occurred, p.Events[n-1].Occurred
	}
	c.tally.total.Events += int64(len(p.Events))
}
