package dataset

import (
	"fmt"

	"bellwether"
	"bellwether/history"
)

// Report says what ReadTable found in a file, in the order in which it was looked for.
type Report struct {
	Rules []history.RuleReport `json:"rules"`
}

// Rule returns the report's row of a rule, a zero row when there is none.
func (r *Report) Rule(name string) history.RuleReport {
	for _, row := range r.Rules {
		if row.Rule == name {
			return row
		}
	}
	return history.RuleReport{Rule: name}
}

// maxExamples is how many examples a rule shows.
const maxExamples = 5

// recorder collects the rules' rows.
type recorder struct{ rows []*tally }

// tally is a row that is being written. What examples show is only formatted for the first ones.
type tally struct{ history.RuleReport }

func (r *recorder) finish() Report {
	out := Report{Rules: make([]history.RuleReport, len(r.rows))}
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
	x := history.Example{ID: id, Before: before()}
	if after != nil {
		x.After = after()
	}
	t.Examples = append(t.Examples, x)
}
