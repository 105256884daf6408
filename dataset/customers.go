package dataset

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"bellwether"
	"bellwether/history"
)

// Targets of a customer table.
const (
	TargetPurchase = "purchase" // 1: buys within the horizon
	TargetChurn    = "churn"    // 1: bought before the cut and does not buy within the horizon
)

// DefaultRows is the budget of rows of a customer table.
const DefaultRows = 100_000

// TableOptions are the settings of NewCustomers; AsOf, or Cut and AsOf, are needed.
type TableOptions struct {
	AsOf    time.Time     // of the pass: events are known up to it
	Cut     time.Time     // features know what was received up to it; zero: Horizon before AsOf
	Horizon time.Duration // zero: 30 days
	Target  string        // TargetPurchase ("") or TargetChurn
	Test    float64       // share of the rows; zero: 0.2
	Valid   float64       // share of the other rows; zero: 0.2
	Seed    uint64        // zero: 42
	Known   Known
	Rows    int64 // budget: beyond it people are sampled; 0: DefaultRows

	Currency bellwether.Currency                    // money in another one is not counted
	Items    map[bellwether.ItemID]*bellwether.Item // the catalogue: categories
}

func (o TableOptions) withDefaults() TableOptions {
	o.Horizon = cmp.Or(o.Horizon, 30*24*time.Hour)
	o.Target = cmp.Or(o.Target, TargetPurchase)
	o.Rows = cmp.Or(o.Rows, DefaultRows)
	if o.Cut.IsZero() {
		o.Cut = o.AsOf.Add(-o.Horizon)
	}
	return o
}

func (o *TableOptions) validate() error {
	if o.Target != TargetPurchase && o.Target != TargetChurn {
		return fmt.Errorf("dataset: target %q is not known: use %q or %q", o.Target, TargetPurchase, TargetChurn)
	}
	if end := o.Cut.Add(o.Horizon); end.After(o.AsOf) {
		return fmt.Errorf("dataset: the target looks until %s, but events are known until %s: cut earlier or shorten the horizon",
			end.UTC().Format(time.RFC3339), o.AsOf.UTC().Format(time.RFC3339))
	}
	return nil
}

// Customers is the reducer that builds one row for each person who is known at the cut, as they are known then: an
// event that was received later, and a login that was, changes no feature, and one person may be two rows. Churn rows are people who
// had bought. The target looks at purchases that occurred after the cut, within the horizon, by whoever
// the person turned out to be. Rows are in the order of who the person was at the cut.
//
// Columns: recency, tenure and days since each type (days), frequency (purchases), monetary and
// average_order (major units of the project's currency), sessions, events, counts of each type in 7, 30 and
// 90 days, and as categories favourite_category, channel and the traits named device, region and plan.
type Customers struct {
	o      TableOptions
	budget *budget
	late   lateness
	rows   []customerRow
	level  int               // of the budget, when people were last left out
	shared map[string]string // texts of rows

	table *bellwether.Table
	err   error
}

// customerRow is a row that is kept: of either way to take events as known, or of both where they are the same.
type customerRow struct {
	customer
	later bellwether.Subject // in the end
	buyer bool
	level int32
	by    Known // KnownReceived or KnownOccurred; KnownByData: both
}

// NewCustomers returns an empty reducer.
func NewCustomers(o TableOptions) *Customers {
	o = o.withDefaults()
	return &Customers{o: o, budget: &budget{most: o.Rows}, shared: map[string]string{}}
}

// Fork implements [history.Reducer].
func (c *Customers) Fork() history.Reducer {
	return &Customers{o: c.o, budget: c.budget, shared: map[string]string{}}
}

// Add implements [history.Reducer].
func (c *Customers) Add(p *history.Person) error {
	c.late.add(p)
	level := sampleLevel(p.Subject)
	if !c.budget.keeps(level) {
		return nil
	}
	var rows []customerRow
	add := func(by, as Known) {
		for _, one := range customersAt(p, c.o.Cut, by, &c.o) {
			if c.o.Target == TargetChurn && one.purchases == 0 {
				continue
			}
			one.keep(c.shared)
			rows = append(rows, customerRow{
				customer: *one, later: bellwether.Subject(strings.Clone(string(p.Subject))), buyer: c.o.buys(p), level: int32(level), by: as,
			})
		}
	}
	switch {
	case c.o.Known != KnownByData:
		add(c.o.Known, KnownByData)
	case lateFor(p, c.o.Cut):
		add(KnownReceived, KnownReceived)
		add(KnownOccurred, KnownOccurred)
	default:
		add(KnownReceived, KnownByData)
	}
	if n := countRows(rows); n > 0 && c.budget.take(level, n) {
		c.rows = append(c.rows, rows...)
		c.sample()
	}
	return nil
}

// countRows is how many rows a person can have in the end.
func countRows(rows []customerRow) int {
	var n [3]int
	for i := range rows {
		n[rows[i].by]++
	}
	return n[KnownByData] + max(n[KnownReceived], n[KnownOccurred])
}

// lateFor reports whether an event occurred before the cut and was received after it.
func lateFor(p *history.Person, cut time.Time) bool {
	return slices.ContainsFunc(p.Events, func(e bellwether.Event) bool { return !e.Occurred.After(cut) && e.Received.After(cut) })
}

// buys reports whether the person bought after the cut and within the horizon.
func (o *TableOptions) buys(p *history.Person) bool {
	end := o.Cut.Add(o.Horizon)
	for i := range p.Events {
		if e := &p.Events[i]; e.Type == bellwether.Purchase && e.Occurred.After(o.Cut) && !e.Occurred.After(end) {
			return true
		}
	}
	return false
}

// sample leaves out the people whom the budget, when it was last lowered, no longer allows.
func (c *Customers) sample() {
	if c.budget.keeps(c.level) {
		return
	}
	c.level = int(c.budget.level.Load())
	c.rows = slices.DeleteFunc(c.rows, func(r customerRow) bool { return int(r.level) < c.level })
}

// Merge implements [history.Reducer].
func (c *Customers) Merge(next history.Reducer) error {
	n, ok := next.(*Customers)
	if !ok {
		return fmt.Errorf("dataset: customers cannot take in a %T", next)
	}
	c.late.merge(n.late)
	n.sample()
	c.rows = append(c.rows, n.rows...)
	n.rows = nil
	c.sample()
	return nil
}

// Done implements [history.Reducer].
func (c *Customers) Done() error {
	c.sample()
	c.table, c.err = c.build()
	c.rows = nil
	return nil
}

func (c *Customers) build() (*bellwether.Table, error) {
	if err := c.o.validate(); err != nil {
		return nil, err
	}
	by := c.late.decide(c.o.Known)
	rows := slices.DeleteFunc(c.rows, func(r customerRow) bool { return r.by != KnownByData && r.by != by })
	if len(rows) == 0 && c.o.Target == TargetChurn {
		return nil, fmt.Errorf("%w: nobody had bought by %s", ErrNoData, c.o.Cut.UTC().Format(time.RFC3339))
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("%w: no event was received by %s", ErrNoData, c.o.Cut.UTC().Format(time.RFC3339))
	}
	slices.SortFunc(rows, func(a, b customerRow) int {
		return cmp.Or(cmp.Compare(a.subject, b.subject), cmp.Compare(a.later, b.later))
	})
	t, people := &bellwether.Table{Positive: c.o.Target}, make([]*customer, len(rows))
	for i := range rows {
		y := 0.0
		if rows[i].buyer == (c.o.Target == TargetPurchase) {
			y = 1
		}
		people[i] = &rows[i].customer
		t.Subjects, t.Target = append(t.Subjects, rows[i].subject), append(t.Target, y)
	}
	t.Columns = customerColumns(people, c.o.Cut, usualTypes(people))
	t.Split = SplitRows(t.Target, c.o.Test, c.o.Valid, c.o.Seed)
	return t, nil
}

// Data returns the table, or why there is nothing to learn from (ErrNoData). It is called after Done.
func (c *Customers) Data() (*bellwether.Table, error) { return c.table, c.err }

// Share is the share of people whom the budget of rows left in.
func (c *Customers) Share() float64 { return c.budget.share() }

// Cut is the moment up to which features know.
func (c *Customers) Cut() time.Time { return c.o.Cut }
