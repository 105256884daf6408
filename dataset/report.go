package dataset

import (
	"fmt"

	"bellwether"
)

// Report says what ReadTable found in a file, in the order in which it was looked for.
type Report struct {
	Rules []RuleReport `json:"rules"`
}

// RuleReport is what one rule found.
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
	ID     string `json:"id"` // the place in the file
	Before string `json:"before"`
	After  string `json:"after,omitempty"` // empty where it was dropped or left
}

// Rule returns the report's row of a rule, a zero row when there is none.
func (r *Report) Rule(name string) RuleReport {
	for _, row := range r.Rules {
		if row.Rule == name {
			return row
		}
	}
	return RuleReport{Rule: name}
}

// maxExamples is how many examples a rule shows.
const maxExamples = 5

// recorder collects the rules' rows.
type recorder struct{ rows []*tally }

// tally is a row that is being written. What examples show is only formatted for the first ones.
type tally struct{ RuleReport }

func (r *recorder) finish() Report {
	out := Report{Rules: make([]RuleReport, len(r.rows))}
	for i, t := range r.rows {
		out.Rules[i] = t.RuleReport
	}
	return out
}

func (t *tally) see(id bellwether.EventID, before func() string) {
	t.Seen++
	t.example(string(id), before, nil)
}

func (t *tally) drop(id bellwether.EventID, before func() string) {
	t.Seen++
	t.Dropped++
	t.example(string(id), before, nil)
}

func (t *tally) change(id bellwether.EventID, before, after any) {
	t.Seen++
	t.Changed++
	t.example(string(id), func() string { return fmt.Sprint(before) }, func() string { return fmt.Sprint(after) })
}

func (t *tally) example(id string, before, after func() string) {
	if len(t.Examples) == maxExamples {
		return
	}
	x := Example{ID: id, Before: before()}
	if after != nil {
		x.After = after()
	}
	t.Examples = append(t.Examples, x)
}
