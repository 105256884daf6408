package dataset

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"time"

	"bellwether"
	"bellwether/history"
)

// customer gathers one person's events up to the cut, in the order of time.
type customer struct {
	subject                   bellwether.Subject // as known at the cut
	first, last, lastPurchase time.Time
	events, purchases         int
	monetary                  float64
	sessions                  int
	types                     []typeCount // by type
	category, channel         string      // the most frequent ones
	traits                    [len(traitColumns)]string

	*gathering // until keep
}

// gathering is what is only needed while events are added.
type gathering struct {
	orders, named        map[string]bool // orders and sessions
	lastUnnamed          time.Time       // of a session without a name; they are cut at long pauses
	categories, channels map[string]int
}

// typeCount counts events of one type within windows that end at the cut.
type typeCount struct {
	kind   bellwether.EventType
	last   int64 // Unix nanoseconds
	counts [len(windows)]int32
}

// windows are the days that typeCount looks back.
var windows = [3]struct {
	name string
	days int
}{{"7d", 7}, {"30d", 30}, {"90d", 90}}

// traitColumns are the traits that become columns.
var traitColumns = [3]string{"device", "region", "plan"}

// maxTypeColumns bounds how many types of events become columns: the most frequent ones.
const maxTypeColumns = 24

// sessionGap is the pause that ends a session without a name.
const sessionGap = 30 * time.Minute

func newCustomer(subject bellwether.Subject) *customer {
	return &customer{subject: subject, gathering: new(gathering)}
}

// customersAt returns who the person was taken to be at the cut: nobody, one, or several of whom no login was known yet.
func customersAt(p *history.Person, cut time.Time, by Known, o *TableOptions) (people []*customer) {
	var since [len(windows)]int64
	for w := range windows {
		since[w] = cut.AddDate(0, 0, -windows[w].days).UnixNano()
	}
	for i := range p.Events {
		e := &p.Events[i]
		if !e.Type.Personal() || e.Occurred.After(cut) || by != KnownOccurred && e.Received.After(cut) {
			continue
		}
		name := p.SubjectAt(i, cut)
		at := slices.IndexFunc(people, func(c *customer) bool { return c.subject == name })
		if at < 0 {
			at, people = len(people), append(people, newCustomer(name))
		}
		people[at].add(e, &since, o)
	}
	return people
}

// Features returns the one row that a customer table would have for the person at a moment; its target is 0. Somebody of whom nothing
// is known then has a row of zeros and missing values. Of o, Currency and Items count. Types that the table did not see are no columns there.
func Features(p *history.Person, at time.Time, o TableOptions) (*bellwether.Table, error) {
	if p.Subject == "" {
		return nil, errors.New("dataset: features are of a person: name the subject")
	}
	one := newCustomer(p.Subject)
	for _, c := range customersAt(p, at, KnownReceived, &o) {
		if c.subject == p.Subject {
			one = c
		}
	}
	one.finish()
	people := []*customer{one}
	types := slices.Concat(usualTypes(people), standardTypes)
	slices.Sort(types)
	return &bellwether.Table{
		Subjects: []bellwether.Subject{p.Subject}, Columns: customerColumns(people, at, slices.Compact(types)),
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
func (c *customer) add(e *bellwether.Event, since *[len(windows)]int64, o *TableOptions) {
	if c.events == 0 {
		c.first = e.Occurred
	}
	c.events++
	c.last = e.Occurred
	c.addSession(e)
	if e.Type == bellwether.Purchase {
		c.lastPurchase = e.Occurred
		if e.Order == "" || !c.orders[e.Order] {
			c.purchases++
		}
		if e.Order != "" {
			put(&c.orders, e.Order, true)
		}
		if e.Price.Currency == o.Currency {
			c.monetary += e.Revenue().Major()
		}
	}
	if it := o.Items[e.Item]; it != nil && it.Category != "" {
		put(&c.categories, it.Category, c.categories[it.Category]+1)
	}
	if e.Channel != "" {
		put(&c.channels, string(e.Channel), c.channels[string(e.Channel)]+1)
	}
	for i, name := range traitColumns {
		if v, ok := e.Traits[name].(string); ok && v != "" {
			c.traits[i] = v
		}
	}
	switch e.Type {
	case bellwether.Identify, bellwether.Alias, bellwether.Group:
		return
	}
	c.count(e, since)
}

// put sets a key of a map, which is made when it is needed.
func put[V any](m *map[string]V, key string, value V) {
	if *m == nil {
		*m = map[string]V{}
	}
	(*m)[key] = value
}

// count takes an event in whose windows begin at since, Unix nanoseconds.
func (c *customer) count(e *bellwether.Event, since *[len(windows)]int64) {
	at, ok := slices.BinarySearchFunc(c.types, e.Type, func(t typeCount, kind bellwether.EventType) int { return cmp.Compare(t.kind, kind) })
	if !ok {
		c.types = slices.Insert(c.types, at, typeCount{kind: e.Type})
	}
	t := &c.types[at]
	t.last = e.Occurred.UnixNano()
	for w := range since {
		if t.last >= since[w] {
			t.counts[w]++
		}
	}
}

func (c *customer) addSession(e *bellwether.Event) {
	if e.Session != "" {
		if !c.named[e.Session] {
			put(&c.named, e.Session, true)
			c.sessions++
		}
		return
	}
	if c.lastUnnamed.IsZero() || e.Occurred.Sub(c.lastUnnamed) > sessionGap {
		c.sessions++
	}
	c.lastUnnamed = e.Occurred
}

// ofType returns the counts of a type, nil where there are none.
func (c *customer) ofType(kind bellwether.EventType) *typeCount {
	at, ok := slices.BinarySearchFunc(c.types, kind, func(t typeCount, kind bellwether.EventType) int { return cmp.Compare(t.kind, kind) })
	if !ok {
		return nil
	}
	return &c.types[at]
}

// finish lets go of what was only needed to add events.
func (c *customer) finish() {
	c.category, c.channel = mostFrequent(c.categories), mostFrequent(c.channels)
	c.gathering = nil
}

// keep is finish for a row that outlives the person: its texts are copies, and those that many have in common are shared.
func (c *customer) keep(shared map[string]string) {
	c.finish()
	c.subject = bellwether.Subject(strings.Clone(string(c.subject)))
	share := func(s string) string {
		if _, ok := shared[s]; !ok {
			s = strings.Clone(s)
			shared[s] = s
		}
		return shared[s]
	}
	c.category, c.channel = share(c.category), share(c.channel)
	for i := range c.traits {
		c.traits[i] = share(c.traits[i])
	}
	for i := range c.types {
		c.types[i].kind = bellwether.EventType(share(string(c.types[i].kind)))
	}
	c.types = slices.Clip(c.types)
}
