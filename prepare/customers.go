package prepare

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"time"

	"bellwether"
)

// customer gathers one person's events up to the cut, in the order of time.
type customer struct {
	subject, later            bellwether.Subject // as known at the cut, and in the end
	first, last, lastPurchase time.Time
	events, purchases         int
	orders                    map[string]bool
	monetary                  float64
	sessions                  map[string]bool
	unnamed                   int // sessions without a name, cut at long pauses
	lastUnnamed               time.Time
	types                     map[bellwether.EventType]*typeCount
	categories, channels      map[string]int
	traits                    map[string]string
}

// typeCount counts events of one type within windows that end at the cut.
type typeCount struct {
	last   time.Time
	counts [3]int
}

// windows are the days that typeCount looks back.
var windows = [3]struct {
	name string
	days int
}{{"7d", 7}, {"30d", 30}, {"90d", 90}}

// traitColumns are the traits that become columns.
var traitColumns = []string{"device", "region", "plan"}

// maxTypeColumns bounds how many types of events become columns: the most frequent ones.
const maxTypeColumns = 24

func newCustomer(subject bellwether.Subject, first time.Time) *customer {
	return &customer{
		subject: subject, first: first, types: map[bellwether.EventType]*typeCount{}, sessions: map[string]bool{},
		orders: map[string]bool{}, categories: map[string]int{}, channels: map[string]int{}, traits: map[string]string{},
	}
}

// customersAt returns the people known at the cut, by subject.
func (c *Cleaned) customersAt(cut time.Time, backfilled bool) []*customer {
	subject, categories := c.subjectsAt(cut), itemCategories(c.Items)
	people := map[bellwether.Subject]*customer{}
	for i := range c.Events {
		e := &c.Events[i]
		if !e.Type.Personal() || e.Occurred.After(cut) || known(e, backfilled).After(cut) {
			continue
		}
		name := subject(i)
		p := people[name]
		if p == nil {
			p = newCustomer(name, e.Occurred)
			people[name] = p
		}
		p.later = e.Subject
		p.add(e, cut, c.Currency, categories[e.Item])
	}
	return slices.SortedFunc(maps.Values(people), func(a, b *customer) int { return cmp.Compare(a.subject, b.subject) })
}

func itemCategories(items []bellwether.Item) map[bellwether.ItemID]string {
	out := make(map[bellwether.ItemID]string, len(items))
	for i := range items {
		out[items[i].ID] = items[i].Category
	}
	return out
}

// Features returns the one row that CustomerTable would have for a person at a moment, from the person's
// clean events in the order of time; its target is 0. Prices in another currency than main are not
// counted; items are only read for their categories. Types that CustomerTable did not see are no columns there.
func Features(events []bellwether.Event, subject bellwether.Subject, at time.Time, main bellwether.Currency, items ...bellwether.Item) (*bellwether.Table, error) {
	if subject == "" {
		return nil, errors.New("prepare: features are of a person: name the subject")
	}
	p, categories := newCustomer(subject, time.Time{}), itemCategories(items)
	for i := range events {
		e := &events[i]
		if !e.Type.Personal() || e.Occurred.After(at) || e.Received.After(at) {
			continue
		}
		if p.first.IsZero() {
			p.first = e.Occurred
		}
		p.add(e, at, main, categories[e.Item])
	}
	people := []*customer{p}
	types := slices.Concat(usualTypes(people), standardTypes)
	slices.Sort(types)
	return &bellwether.Table{
		Subjects: []bellwether.Subject{subject}, Columns: customerColumns(people, at, slices.Compact(types)),
		Target: []float64{0}, Split: []bellwether.Split{bellwether.Test},
	}, nil
}

// standardTypes are counted, as 0, for a person who has none of them.
var standardTypes = []bellwether.EventType{
	bellwether.ViewItem, bellwether.ViewItemList, bellwether.SelectItem, bellwether.AddToCart, bellwether.RemoveFromCart,
	bellwether.AddToWishlist, bellwether.BeginCheckout, bellwether.Purchase, bellwether.Refund, bellwether.Search, bellwether.PageView,
	bellwether.ScreenView, bellwether.Engagement, bellwether.Share, bellwether.Like, bellwether.Comment, bellwether.Follow, bellwether.Bookmark,
	bellwether.Survey, bellwether.AdImpression, bellwether.AdClick, bellwether.MessageSent, bellwether.MessageOpen, bellwether.MessageClick,
}

// add takes the next event in.
func (p *customer) add(e *bellwether.Event, cut time.Time, main bellwether.Currency, category string) {
	p.events++
	p.last = e.Occurred
	p.addSession(e)
	if e.Type == bellwether.Purchase {
		p.lastPurchase = e.Occurred
		if e.Order == "" || !p.orders[e.Order] {
			p.purchases++
		}
		if e.Order != "" {
			p.orders[e.Order] = true
		}
		if e.Price.Currency == main {
			p.monetary += e.Revenue().Major()
		}
	}
	if category != "" {
		p.categories[category]++
	}
	if e.Channel != "" {
		p.channels[string(e.Channel)]++
	}
	for _, name := range traitColumns {
		if v, ok := e.Traits[name].(string); ok && v != "" {
			p.traits[name] = v
		}
	}
	switch e.Type {
	case bellwether.Identify, bellwether.Alias, bellwether.Group:
		return
	}
	t := p.types[e.Type]
	if t == nil {
		t = &typeCount{}
		p.types[e.Type] = t
	}
	t.last = e.Occurred
	for w := range windows {
		if !e.Occurred.Before(cut.AddDate(0, 0, -windows[w].days)) {
			t.counts[w]++
		}
	}
}

func (p *customer) addSession(e *bellwether.Event) {
	if e.Session != "" {
		p.sessions[e.Session] = true
		return
	}
	if p.lastUnnamed.IsZero() || e.Occurred.Sub(p.lastUnnamed) > sessionGap {
		p.unnamed++
	}
	p.lastUnnamed = e.Occurred
}
