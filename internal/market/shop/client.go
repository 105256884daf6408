package shop

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"bellwether/internal/market"
)

// Options of a Client. URL, Key and World are required.
type Options struct {
	URL         string // of the server, without a path
	Key         string // a write key
	World       *market.World
	SetClock    func(time.Time)     // sets the market's time, which the server shares; nil: the server's clock is its own affair
	EndOfDay    func(day int) error // called when a day's messages are sent; nil: nothing
	MeasureFrom int                 // first day of the truth; World.Days or more: no truth
	K           int                 // length of a slate; 0: 10
	Exclude     string              // the parameter of /v1/recommend; "": not sent
	Connections int                 // concurrent requests; 0: 32
	HTTP        *http.Client        // nil: one with that many idle connections
}

func (o Options) withDefaults() Options {
	if o.SetClock == nil {
		o.SetClock = func(time.Time) {}
	}
	if o.EndOfDay == nil {
		o.EndOfDay = func(int) error { return nil }
	}
	if o.K == 0 {
		o.K = 10
	}
	if o.Connections == 0 {
		o.Connections = 32
	}
	if o.HTTP == nil {
		t := http.DefaultTransport.(*http.Transport).Clone()
		t.MaxIdleConns, t.MaxIdleConnsPerHost = o.Connections, o.Connections
		t.DisableCompression = true
		o.HTTP = &http.Client{Transport: t}
	}
	return o
}

// Client is the shop: it runs a world's customers against a server.
type Client struct {
	o      Options
	caller caller
	items  map[string]int // index by id
	people []person
	held   []*parcel // sent on a later day
	totals Totals
	tally  market.Tally
}

// Totals are what a client asked and sent.
type Totals struct {
	Days      int
	Messages  int64 // of people and robots over HTTP
	Batches   int64
	Decisions int64 // logged
	Previews  int64
	Contacts  int64 // e-mails sent, on the factual trajectories
}

// New returns a client.
func New(o Options) (*Client, error) {
	if o.URL == "" || o.Key == "" || o.World == nil {
		return nil, errors.New("shop: URL, Key and World are required")
	}
	o = o.withDefaults()
	c := &Client{
		o: o, caller: caller{http: o.HTTP, url: o.URL, key: o.Key}, items: make(map[string]int, len(o.World.Items)),
		people: make([]person, len(o.World.Customers)), tally: market.NewTally(),
	}
	for j := range o.World.Items {
		c.items[string(o.World.Items[j].ID)] = j
	}
	return c, nil
}

// Totals returns what was asked and sent so far. Like Tally and Truth, it must not be called while a day
// runs; EndOfDay may call it.
func (c *Client) Totals() Totals { return c.totals }

// Tally returns the dirt that was sent so far.
func (c *Client) Tally() market.Tally { return c.tally.Clone() }

// morning is the time at which a day's decisions are taken.
func morning(day int) time.Time { return market.Time(day, 5*3600) }

// evening is the time at which a day's messages are sent.
func evening(day int) time.Time { return market.Time(day, 24*3600-1) }

// Run sends the catalogue and lives through all days of the world.
func (c *Client) Run(ctx context.Context) error {
	c.o.SetClock(morning(0))
	for chunk := range slices.Chunk(c.o.World.Catalogue(), 100) {
		if err := c.caller.call(ctx, "/v1/items", map[string]any{"items": chunk}, nil); err != nil {
			return fmt.Errorf("sending the catalogue: %w", err)
		}
	}
	for day := range c.o.World.Days {
		if err := c.day(ctx, day); err != nil {
			return fmt.Errorf("day %d of %s: %w", day, c.o.World.Name(), err)
		}
	}
	return nil
}

// day lives through one day.
func (c *Client) day(ctx context.Context, day int) error {
	c.o.SetClock(morning(day))
	if day == c.o.MeasureFrom {
		c.fork()
	}
	parcels, asked := make([]*parcel, len(c.people)), make([]counts, len(c.people))
	err := c.each(len(c.people), func(i int) (err error) {
		parcels[i], asked[i], err = c.live(ctx, i, day)
		return err
	})
	if err != nil {
		return err
	}
	for i := range asked {
		c.totals.Decisions += asked[i].decisions
		c.totals.Previews += asked[i].previews
		c.totals.Contacts += asked[i].contacts
	}
	c.o.SetClock(evening(day))
	if err := c.post(ctx, day, parcels); err != nil {
		return err
	}
	c.totals.Days = day + 1
	if err := c.o.EndOfDay(day); err != nil {
		return fmt.Errorf("ending the day: %w", err)
	}
	return nil
}

// each calls fn for 0…n−1 from as many goroutines as there are connections, and returns the first error by
// index among those that occurred.
func (c *Client) each(n int, fn func(i int) error) error {
	var (
		group  sync.WaitGroup
		mu     sync.Mutex
		next   int
		failed error
		at     = n
	)
	take := func() int {
		mu.Lock()
		defer mu.Unlock()
		if failed != nil {
			return n
		}
		next++
		return next - 1
	}
	for range min(c.o.Connections, n) {
		group.Go(func() {
			for i := take(); i < n; i = take() {
				if err := fn(i); err != nil {
					mu.Lock()
					if i < at {
						failed, at = err, i
					}
					mu.Unlock()
				}
			}
		})
	}
	group.Wait()
	return failed
}

// post sends the parcels that are due: first every message once, then those that come a second time.
func (c *Client) post(ctx context.Context, day int, parcels []*parcel) error {
	var due, later []*parcel
	for _, p := range slices.Concat(c.held, parcels, robots(c.o.World, day)) {
		switch {
		case p == nil:
		case p.due > day:
			later = append(later, p)
		default:
			due = append(due, p)
			c.tally.Add(p.tally)
		}
	}
	c.held = later
	var first, again [][]message
	for _, p := range due {
		first, again = append(first, p.messages), append(again, p.again)
	}
	for _, lists := range [][][]message{first, again} {
		batches := pile(lists)
		if err := c.each(len(batches), func(k int) error { return c.send(ctx, day, batches[k]) }); err != nil {
			return err
		}
		for _, b := range batches {
			c.totals.Batches++
			c.totals.Messages += int64(len(b))
		}
	}
	return nil
}

// most is how many messages a batch holds.
const most = 100

// pile cuts lists into batches without tearing one apart, unless it is longer than a batch.
func pile(lists [][]message) [][]message {
	var out [][]message
	var batch []message
	for _, list := range lists {
		if len(batch) > 0 && len(batch)+len(list) > most {
			out, batch = append(out, batch), nil
		}
		for len(list) > most {
			out, list = append(out, list[:most]), list[most:]
		}
		batch = append(batch, list...)
	}
	if len(batch) > 0 {
		out = append(out, batch)
	}
	return out
}

func (c *Client) send(ctx context.Context, day int, batch []message) error {
	return c.caller.call(ctx, "/v1/batch", map[string]any{"batch": batch, "sentAt": stamp(evening(day))}, nil)
}
