package market

import "maps"

// Count is what one cleaning rule must report. The meaning of the fields is that of prepare's report.
type Count struct{ Seen, Changed, Dropped int64 }

// Tally counts the dirt that was sent, exactly.
type Tally struct {
	Messages   int64            // sent, with everything below
	Events     int64            // that the accepted ones of them become (an order is one message and an event an item)
	Duplicates int64            // messages that collect must count as seen before
	Refused    map[string]int64 // messages that collect must refuse, by kind
	Rules      map[string]Count // by name of the rule; a rule that is absent must report nothing
}

// NewTally returns a tally of nothing.
func NewTally() Tally {
	return Tally{Refused: map[string]int64{}, Rules: map[string]Count{}}
}

// Rejected is the number of messages that collect must refuse.
func (t *Tally) Rejected() int64 {
	sum := int64(0)
	for _, n := range t.Refused {
		sum += n
	}
	return sum
}

// Rule adds to the count of a rule.
func (t *Tally) Rule(name string, c Count) {
	sum := t.Rules[name]
	sum.Seen += c.Seen
	sum.Changed += c.Changed
	sum.Dropped += c.Dropped
	t.Rules[name] = sum
}

// Add adds another tally to t.
func (t *Tally) Add(o Tally) {
	t.Messages += o.Messages
	t.Events += o.Events
	t.Duplicates += o.Duplicates
	for kind, n := range o.Refused {
		t.Refused[kind] += n
	}
	for name, c := range o.Rules {
		t.Rule(name, c)
	}
}

// Clone returns a copy that later counts do not touch.
func (t *Tally) Clone() Tally {
	c := *t
	c.Refused, c.Rules = maps.Clone(t.Refused), maps.Clone(t.Rules)
	return c
}
