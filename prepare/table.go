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
	t.Split = SplitRows(len(t.Target), o.Test, o.Valid, o.Seed)
	return t, nil
}

// SplitRows draws which rows are for what: a share test of n rows (0: 0.2), then a share valid of the
// others (0: 0.2) for validation; negative shares mean none. Seed 0 is 42. The draw is by chance alone.
func SplitRows(n int, test, valid float64, seed uint64) []bellwether.Split {
	rng := rand.New(rand.NewPCG(cmp.Or(seed, 42), 0))
	tests := int(math.Round(max(0, cmp.Or(test, .2)) * float64(n)))
	valids := int(math.Round(max(0, cmp.Or(valid, .2)) * float64(n-tests)))
	out := make([]bellwether.Split, n)
	for place, row := range rng.Perm(n) {
		switch {
		case place < tests:
			out[row] = bellwether.Test
		case place < tests+valids:
			out[row] = bellwether.Validation
		}
	}
	return out
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
