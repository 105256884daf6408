package prepare

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"bellwether"
)

// Targets of a customer table.
const (
	TargetPurchase = "purchase" // 1: buys within the horizon
	TargetChurn    = "churn"    // 1: bought before the cut and does not buy within the horizon
)

// TableOptions are the settings of CustomerTable; the zero value works.
type TableOptions struct {
	Cut     time.Time     // features know what was received up to it; zero: Horizon before Cleaned.AsOf
	Horizon time.Duration // zero: 30 days
	Target  string        // TargetPurchase ("") or TargetChurn
	Test    float64       // share of the rows; zero: 0.2
	Valid   float64       // share of the other rows; zero: 0.2
	Seed    uint64        // zero: 42
	// Backfilled takes an event as known from when it occurred. It is for histories that were
	// imported after the fact, of which nothing was received before any cut.
	Backfilled bool
}

func (o TableOptions) withDefaults(c *Cleaned) TableOptions {
	o.Horizon = cmp.Or(o.Horizon, 30*24*time.Hour)
	o.Target = cmp.Or(o.Target, TargetPurchase)
	if o.Cut.IsZero() {
		o.Cut = c.AsOf.Add(-o.Horizon)
	}
	return o
}

// CustomerTable builds one row for each person who is known at the cut, as they are known then: an
// event that was received later, and a login that was, changes no feature. Churn rows are people who
// had bought. The target looks at purchases that occurred after the cut, within the horizon, by whoever
// the person turned out to be.
//
// Columns: recency, tenure and days since each type (days), frequency (purchases), monetary and
// average_order (major units of the main currency), sessions, events, counts of each type in 7, 30 and
// 90 days, and as categories favourite_category, channel and the traits named device, region and plan.
func CustomerTable(c *Cleaned, o TableOptions) (*bellwether.Table, error) {
	o = o.withDefaults(c)
	if o.Target != TargetPurchase && o.Target != TargetChurn {
		return nil, fmt.Errorf("prepare: target %q is not known: use %q or %q", o.Target, TargetPurchase, TargetChurn)
	}
	if end := o.Cut.Add(o.Horizon); end.After(c.AsOf) {
		return nil, fmt.Errorf("prepare: the target looks until %s, but events are known until %s: cut earlier or shorten the horizon",
			end.UTC().Format(time.RFC3339), c.AsOf.UTC().Format(time.RFC3339))
	}
	customers := c.customersAt(o.Cut, o.Backfilled)
	if len(customers) == 0 {
		return nil, fmt.Errorf("prepare: no event was received by %s: cut later, or set Backfilled if this history was imported",
			o.Cut.UTC().Format(time.RFC3339))
	}
	buyers := c.buyersWithin(o)
	if o.Target == TargetChurn {
		customers = slices.DeleteFunc(customers, func(p *customer) bool { return p.purchases == 0 })
		if len(customers) == 0 {
			return nil, errors.New("prepare: nobody had bought before the cut: cut later")
		}
	}
	t := &bellwether.Table{Positive: o.Target, Columns: customerColumns(customers, o.Cut, usualTypes(customers))}
	for _, p := range customers {
		y := 0.0
		if buyers[p.later] == (o.Target == TargetPurchase) {
			y = 1
		}
		t.Subjects, t.Target = append(t.Subjects, p.subject), append(t.Target, y)
	}
	t.Split = SplitRows(t.Target, o.Test, o.Valid, o.Seed)
	return t, nil
}

// SplitRows draws which rows are for what, by chance within each class of a target of 0 and 1, so that
// every part has the same share of positives: a share test of the rows (0: 0.2), then a share valid of
// the others (0: 0.2) for validation; negative shares mean none. Rows of any other target are one class.
// Seed 0 is 42.
func SplitRows(target []float64, test, valid float64, seed uint64) []bellwether.Split {
	rng := rand.New(rand.NewPCG(cmp.Or(seed, 42), 0))
	out := make([]bellwether.Split, len(target))
	for _, rows := range classes(target) {
		n := len(rows)
		tests := int(math.Round(max(0, cmp.Or(test, .2)) * float64(n)))
		valids := int(math.Round(max(0, cmp.Or(valid, .2)) * float64(n-tests)))
		for place, at := range rng.Perm(n) {
			switch {
			case place < tests:
				out[rows[at]] = bellwether.Test
			case place < tests+valids:
				out[rows[at]] = bellwether.Validation
			}
		}
	}
	return out
}

// classes returns the rows of class 0 and of class 1, or all rows together when there are other values.
func classes(target []float64) [][]int {
	rows := make([][]int, 2)
	for i, y := range target {
		if y != 0 && y != 1 {
			all := make([]int, len(target))
			for k := range all {
				all[k] = k
			}
			return [][]int{all}
		}
		rows[int(y)] = append(rows[int(y)], i)
	}
	return rows
}

// subjectsAt returns who each event's sender was known to be at a moment.
func (c *Cleaned) subjectsAt(at time.Time) func(i int) bellwether.Subject {
	roots := c.Identities.roots(at.UnixNano())
	return func(i int) bellwether.Subject { return bellwether.Subject(c.Identities.names[roots[c.owners[i]]]) }
}

// buyersWithin returns who bought after the cut and within the horizon, as known in the end.
func (c *Cleaned) buyersWithin(o TableOptions) map[bellwether.Subject]bool {
	buyers, end := map[bellwether.Subject]bool{}, o.Cut.Add(o.Horizon)
	for i := range c.Events {
		e := &c.Events[i]
		if e.Type == bellwether.Purchase && e.Occurred.After(o.Cut) && !e.Occurred.After(end) {
			buyers[e.Subject] = true
		}
	}
	return buyers
}
