package prepare

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"math"
	"slices"
	"time"

	"bellwether"
)

// Input is what Clean works on.
type Input struct {
	Events iter.Seq2[bellwether.Event, error] // in the log's order; an error ends the work
	Items  []bellwether.Item                  // the catalogue; of two with one id the later counts
	AsOf   time.Time                          // nothing received after it is read; zero: no limit
	Rules  Rules
}

// Rules are the settings of the rules; the zero value works.
type Rules struct {
	Currency bellwether.Currency             // the main one; "": the most frequent of all prices
	Rates    map[bellwether.Currency]float64 // major units of the main currency for one of the key
}

// Cleaned is what Clean makes.
type Cleaned struct {
	Events     []bellwether.Event // by occurred (ties: the log's order); Subject is canonical as of AsOf, Raw is left out
	Items      []bellwether.Item  // by id, prices in the main currency where a rate is known
	Identities *Identities
	Report     Report
	Currency   bellwether.Currency // the main one
	AsOf       time.Time           // Input.AsOf, or when the last event was received

	owners []int32 // by event: the identity that sent it
}

// Clean applies the rules to the events, in the order that the package comment defines. It returns
// the first error of in.Events, of ctx, or about a rate that is not a positive number.
// The same input gives the same output.
func Clean(ctx context.Context, in Input) (*Cleaned, error) {
	c := &cleaner{rules: in.Rules, asOf: in.AsOf, asOfUnknown: in.AsOf.IsZero(), interned: make(map[string]string)}
	for currency, rate := range in.Rules.Rates {
		if !(rate > 0) || math.IsInf(rate, 0) {
			return nil, fmt.Errorf("prepare: the rate of %s is %g: give how many %s one %s is worth", currency, rate, in.Rules.Currency, currency)
		}
	}
	if err := c.load(ctx, in.Events); err != nil {
		return nil, err
	}
	c.interned = nil // it has served
	c.loadItems(in.Items)
	for _, rule := range []func(){
		c.cleanNames,
		c.moveFuture,
		c.dropRobotAgents,
		c.dropRobotSessions,
		c.dropDuplicates,
		c.convertPrices,
		c.fillPrices,
		c.boundPrices,
		c.boundQuantities,
		c.boundValues,
		c.countLate,
		c.mergeIdentities,
	} {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("prepare: cleaning: %w", err)
		}
		rule()
	}
	return c.result(), nil
}

// cleaner is the work of one Clean.
type cleaner struct {
	rules       Rules
	asOf        time.Time
	asOfUnknown bool // asOf becomes the time of the last receipt
	events      []bellwether.Event
	items       []bellwether.Item
	catalogue   map[bellwether.ItemID]int // index in items
	references  map[bellwether.ItemID]int64
	identities  *Identities
	owners      []int32
	report      recorder
	interned    map[string]string
}

// load reads the events that are known as of the moment, valid and not repeated.
func (c *cleaner) load(ctx context.Context, events iter.Seq2[bellwether.Event, error]) error {
	asOf, invalid, repeated := c.report.rule("as_of"), c.report.rule("invalid"), c.report.rule("repeated_id")
	if events == nil {
		return nil
	}
	seen := make(map[bellwether.EventID]struct{})
	for e, err := range events {
		if err == nil && len(seen)%1024 == 0 {
			err = ctx.Err()
		}
		if err != nil {
			return fmt.Errorf("prepare: reading the events: %w", err)
		}
		if !c.asOfUnknown && e.Received.After(c.asOf) {
			asOf.drop(e.ID, func() string { return "received " + e.Received.UTC().Format(time.RFC3339) })
			continue
		}
		if err := e.Validate(); err != nil {
			invalid.drop(e.ID, err.Error)
			continue
		}
		if _, ok := seen[e.ID]; ok {
			repeated.drop(e.ID, func() string { return string(e.Type) + " " + e.Occurred.UTC().Format(time.RFC3339) })
			continue
		}
		seen[e.ID] = struct{}{}
		e.Raw = nil
		c.internEvent(&e)
		c.events = append(c.events, e)
	}
	return nil
}

// internEvent makes equal strings of different events share memory.
func (c *cleaner) internEvent(e *bellwether.Event) {
	intern(c, &e.Type)
	intern(c, &e.Subject)
	intern(c, &e.Anonymous)
	intern(c, &e.Session)
	intern(c, &e.Item)
	intern(c, &e.Price.Currency)
	intern(c, &e.Channel)
	intern(c, &e.Campaign)
	intern(c, &e.Creative)
	intern(c, &e.UserAgent)
	for i := range e.Consent {
		intern(c, &e.Consent[i])
	}
}

func intern[T ~string](c *cleaner, p *T) {
	if *p == "" {
		return
	}
	if s, ok := c.interned[string(*p)]; ok {
		*p = T(s)
		return
	}
	c.interned[string(*p)] = string(*p)
}

// keep drops the events that test refuses, in place.
func (c *cleaner) keep(test func(i int, e *bellwether.Event) bool) {
	kept := 0
	for i := range c.events {
		if !test(i, &c.events[i]) {
			continue
		}
		if kept != i { // events are large: most rules drop none
			c.events[kept] = c.events[i]
		}
		kept++
	}
	clear(c.events[kept:])
	c.events = c.events[:kept]
}

// countLate counts what was received more than a day after it occurred.
func (c *cleaner) countLate() {
	late := c.report.rule("late")
	for i := range c.events {
		e := &c.events[i]
		if d := e.Received.Sub(e.Occurred); d > 24*time.Hour {
			late.see(e.ID, func() string { return fmt.Sprintf("received %s after it occurred", d.Round(time.Minute)) })
		}
	}
}

// result sorts the events by time.
func (c *cleaner) result() *Cleaned {
	order := make([]int32, len(c.events))
	for i := range order {
		order[i] = int32(i)
		if received := c.events[i].Received; c.asOfUnknown && received.After(c.asOf) {
			c.asOf = received
		}
	}
	slices.SortStableFunc(order, func(a, b int32) int { return c.events[a].Occurred.Compare(c.events[b].Occurred) })
	permute(order, c.events, c.owners)
	return &Cleaned{
		Events: c.events, Items: c.items, Identities: c.identities, Report: c.report.finish(),
		Currency: c.rules.Currency, AsOf: c.asOf, owners: c.owners,
	}
}

// permute puts what is at order[i] to place i, in both slices, cycle by cycle and without a copy of
// the whole; it uses order up.
func permute[A, B any](order []int32, a []A, b []B) {
	for start := range order {
		firstA, firstB := a[start], b[start]
		for i := int32(start); order[i] >= 0; {
			from := order[i]
			order[i] = -1
			if from == int32(start) {
				a[i], b[i] = firstA, firstB
			} else {
				a[i], b[i] = a[from], b[from]
			}
			i = from
		}
	}
}

// lowerMedian returns the lower of the two middle values of v, which it sorts and which is not empty.
func lowerMedian[T cmp.Ordered](v []T) T {
	slices.Sort(v)
	return v[(len(v)-1)/2]
}
