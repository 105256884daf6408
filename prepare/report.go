package prepare

import (
	"fmt"

	"bellwether"
)

// Report says what each rule did, in the order of the rules.
type Report struct {
	Rules []RuleReport `json:"rules"`
}

// RuleReport is one rule's tally.
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
	ID     string `json:"id"` // of the event, or the place in a file
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

// reasons says why each rule of Clean exists, for those who read its report.
var reasons = map[string]string{
	"as_of":             "received after the moment that this data set describes",
	"invalid":           "a field is missing or impossible",
	"repeated_id":       "the same message id came before",
	"names":             "the same thing was spelled in several ways",
	"future":            "occurred after it was received: the sender's clock is ahead; the time of receipt is used",
	"robot_agent":       "the user agent says that a program sent it",
	"robot_rate":        "no person browses more than 120 pages a minute",
	"duplicate":         "the same content came before under another id",
	"currency":          "prices are compared in one currency",
	"unknown_currency":  "no rate is known for the currency; the price is not used",
	"missing_price":     "a sale without a price; the item's reference price is used",
	"outlying_price":    "ten times off the item's reference price, which is used instead",
	"outlying_quantity": "more than 100 times the usual quantity; treated as not said",
	"outlying_value":    "a value that cannot be true for its type",
	"late":              "received more than a day after it occurred; used from its receipt on",
	"identity":          "a login or alias says that two ids are one person",
	"identity_conflict": "a second person signed in on a device that belongs to another",
	"attribution":       "sent under an id that was joined to a subject",
	"consent_scope":     "given under another consent than the login that joined the id: not merged",
}

// recorder collects the rules' rows.
type recorder struct{ rows []*tally }

// tally is a row that is being written. What examples show is only formatted for the first ones.
type tally struct{ RuleReport }

func (r *recorder) rule(name string) *tally {
	t := &tally{RuleReport{Rule: name, Why: reasons[name]}}
	r.rows = append(r.rows, t)
	return t
}

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
