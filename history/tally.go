package history

import (
	"fmt"

	"bellwether"
)

// rule is a cleaning rule, in the order of the list in rules.go.
type rule int

// RuleReport is what one rule did.
type RuleReport struct {
	Rule     string    `json:"rule"`
	Why      string    `json:"why"`
	Seen     int64     `json:"seen"` // found
	Changed  int64     `json:"changed"`
	Dropped  int64     `json:"dropped"`
	Examples []Example `json:"examples,omitempty"` // the first five
}

// Example is one thing that a rule found.
type Example struct {
	ID     string `json:"id"` // of the event
	Before string `json:"before"`
	After  string `json:"after,omitempty"` // empty where it was dropped or left
}

// Tally is what a pass saw, and what the rules did.
type Tally struct {
	Rules     []RuleReport `json:"rules"`
	Read      int64        `json:"read"`      // people's events in the log that were received by then
	Market    int64        `json:"market"`    // events about nobody: market data, the system's own records
	Events    int64        `json:"events"`    // clean ones
	People    int64        `json:"people"`    // that have a clean event or a decision
	Decisions int64        `json:"decisions"` // about people
	Cursor    uint64       `json:"cursor"`    // in the log: everything up to it was read
}

// Rule returns the row of a rule, a zero row when there is none.
func (t *Tally) Rule(name string) RuleReport {
	for _, row := range t.Rules {
		if row.Rule == name {
			return row
		}
	}
	return RuleReport{Rule: name}
}

// maxExamples is how many examples a rule shows.
const maxExamples = 5

// tally is a Tally that is being written: a row a rule.
type tally struct {
	rows  [rules]ruleTally
	total Tally
	mute  bool // requests: nobody reads it
}

type ruleTally struct {
	RuleReport
	mute bool
}

func newTally(mute bool) *tally {
	t := &tally{mute: mute}
	for i := range t.rows {
		t.rows[i].mute = mute
	}
	return t
}

func (t *tally) of(r rule) *ruleTally { return &t.rows[r] }

// merge takes in the tally of the next part.
func (t *tally) merge(o *tally) {
	for i := range t.rows {
		a, b := &t.rows[i], &o.rows[i]
		a.Seen, a.Changed, a.Dropped = a.Seen+b.Seen, a.Changed+b.Changed, a.Dropped+b.Dropped
		a.Examples = append(a.Examples, b.Examples[:min(len(b.Examples), maxExamples-len(a.Examples))]...)
	}
	t.total.Read += o.total.Read
	t.total.Market += o.total.Market
	t.total.Events += o.total.Events
	t.total.People += o.total.People
	t.total.Decisions += o.total.Decisions
}

// finish returns the tally with the rules in their order.
func (t *tally) finish() Tally {
	out := t.total
	out.Rules = make([]RuleReport, len(t.rows))
	for i := range t.rows {
		out.Rules[i] = t.rows[i].RuleReport
		out.Rules[i].Rule, out.Rules[i].Why = ruleList[i].name, ruleList[i].why
	}
	return out
}

func (t *ruleTally) see(id bellwether.EventID, before func() string) {
	t.Seen++
	t.example(id, before, nil)
}

func (t *ruleTally) drop(id bellwether.EventID, before func() string) {
	t.Seen++
	t.Dropped++
	t.example(id, before, nil)
}

func (t *ruleTally) change(id bellwether.EventID, before, after any) {
	t.Seen++
	t.Changed++
	t.example(id, func() string { return fmt.Sprint(before) }, func() string { return fmt.Sprint(after) })
}

func (t *ruleTally) example(id bellwether.EventID, before, after func() string) {
	if t.mute || len(t.Examples) == maxExamples {
		return
	}
	x := Example{ID: string([]byte(id)), Before: before()}
	if after != nil {
		x.After = after()
	}
	t.Examples = append(t.Examples, x)
}
