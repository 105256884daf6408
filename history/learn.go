package history

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"runtime"
	"sync"
	"time"

	"bellwether"
	"bellwether/store"
)

// learner counts what the limits are made from: all events as they came, robots' and repeated ones included, of
// which there are few.
type learner struct {
	c          cleaner // names and prices
	campaigns  spellings
	creatives  spellings
	prices     map[bellwether.ItemID]*sketch // of items of which the catalogue has none
	quantities map[bellwether.EventType]*sketch
	values     map[bellwether.EventType]*sketch
	newest     time.Time // receipt of what was counted
	later      bool      // events were left out, as they were received later
}

func newLearner(items *catalogue, m *money) *learner {
	return &learner{
		c: cleaner{items: items, money: m, limits: new(Limits), words: newWords()}, campaigns: spellings{}, creatives: spellings{},
		prices: map[bellwether.ItemID]*sketch{}, quantities: map[bellwether.EventType]*sketch{}, values: map[bellwether.EventType]*sketch{},
	}
}

// hear counts an event that was received up to a moment.
func (l *learner) hear(e *entry, asOf time.Time) error {
	if !asOf.IsZero() && e.Received.After(asOf) {
		l.later = true
		return nil
	}
	if e.Received.After(l.newest) {
		l.newest = e.Received
	}
	return l.add(e)
}

func (l *learner) add(e *entry) error {
	l.campaigns.count(string(e.Campaign), 1)
	l.creatives.count(string(e.Creative), 1)
	kind := typeName(e.Type)
	if e.Quantity > 0 {
		if err := in(l.quantities, kind).add(float64(e.Quantity), 1); err != nil {
			return err
		}
	}
	if e.Value != 0 && kind != bellwether.Survey && kind != bellwether.Engagement {
		if err := in(l.values, kind).add(e.Value, 1); err != nil {
			return err
		}
	}
	if e.Price.IsZero() || e.Item == "" || !priced(kind) {
		return nil
	}
	item := l.c.itemName(e.Item)
	if _, known := l.c.reference(item); known {
		return nil
	}
	price, ok := l.c.money.convert(e.Price)
	if !ok {
		return nil
	}
	return in(l.prices, item).add(math.Abs(float64(price.Amount)), 1)
}

func in[K comparable](sketches map[K]*sketch, key K) *sketch {
	s := sketches[key]
	if s == nil {
		s = newSketch()
		sketches[key] = s
	}
	return s
}

func (l *learner) merge(o *learner) error {
	for name, n := range o.campaigns {
		l.campaigns[name] += n
	}
	for name, n := range o.creatives {
		l.creatives[name] += n
	}
	if o.newest.After(l.newest) {
		l.newest = o.newest
	}
	l.later = l.later || o.later
	return errors.Join(mergeAll(l.prices, o.prices), mergeAll(l.quantities, o.quantities), mergeAll(l.values, o.values))
}

func mergeAll[K comparable](to, from map[K]*sketch) error {
	for key, s := range from {
		if err := in(to, key).merge(s); err != nil {
			return err
		}
	}
	return nil
}

// limits makes the table.
func (l *learner) limits() *Limits {
	out := &Limits{
		Campaigns: l.campaigns.choose(), Creatives: l.creatives.choose(), References: map[bellwether.ItemID]int64{},
		Quantities: map[bellwether.EventType]int64{}, Values: map[bellwether.EventType]ValueLimit{},
	}
	for item, s := range l.prices {
		if m := int64(math.Round(median(s.values()))); s.n >= minPrices && m > 0 {
			out.References[item] = m
		}
	}
	for kind, s := range l.quantities {
		out.Quantities[kind] = maxQuantityRatio * int64(math.Round(median(s.values())))
	}
	for kind, s := range l.values {
		if s.n < minValuesForLimits {
			continue
		}
		values := s.values()
		m := median(values)
		out.Values[kind] = ValueLimit{m, deviation(values, m)}
	}
	return out
}

// Learn learns the limits from everything that was received up to a moment, counts what is popular by them, and
// publishes both: from then on requests and passes go by them. A turn begins with it.
func (h *History) Learn(ctx context.Context, asOf time.Time) error {
	cursor, err := h.caughtUp(ctx)
	if err != nil {
		return err
	}
	items, err := h.catalogue.read(h.source, &h.money)
	if err != nil {
		return err
	}
	l, err := h.learnOn(ctx, asOf, cursor, items)
	if err != nil {
		return err
	}
	limits := l.limits()
	limits.Cursor, limits.Popular = cursor, h.state.Load().Popular
	h.state.Store(limits)
	return nil
}

// Publish makes the popularity that a pass counted, and the limits that it went by, last: they are read again when the
// history is opened.
func (h *History) Publish(ctx context.Context, p *Popularity) error {
	limits := *h.state.Load()
	limits.Popular = *p
	h.state.Store(&limits)
	if h.project == nil {
		return nil
	}
	data, err := json.Marshal(&limits)
	if err != nil {
		return fmt.Errorf("history: writing the limits: %w", err)
	}
	if err := h.project.Objects.Put(ctx, limitsName, bytes.NewReader(data)); err != nil {
		return fmt.Errorf("history: storing the limits: %w", err)
	}
	return nil
}

const limitsName = "history/limits.json"

// restore reads the limits that were published last.
func (h *History) restore(ctx context.Context) error {
	f, err := h.project.Objects.Get(ctx, limitsName)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("history: reading the limits: %w", err)
	}
	defer f.Close()
	limits := new(Limits)
	if err := json.NewDecoder(f).Decode(limits); err != nil {
		return fmt.Errorf("history: reading the limits: %w", err)
	}
	h.state.Store(limits)
	return nil
}

// Limits are those that requests and passes go by. They must not be changed.
func (h *History) Limits() *Limits { return h.state.Load() }

// learn reads all events of the log's first batches once, buckets at a time.
func (h *History) learn(ctx context.Context, asOf time.Time, cursor uint64, items *catalogue) (*learner, error) {
	learners, errs := make([]*learner, Buckets), make([]error, Buckets)
	buckets := make(chan int)
	var all sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		all.Go(func() {
			for b := range buckets {
				learners[b] = newLearner(items, &h.money)
				errs[b] = h.learnBucket(ctx, learners[b], b, asOf, cursor)
			}
		})
	}
	for b := range Buckets {
		buckets <- b
	}
	close(buckets)
	all.Wait()
	for b, l := range learners {
		if err := cmp.Or(errs[b], ctx.Err()); err != nil {
			return nil, err
		}
		if b > 0 {
			if err := learners[0].merge(l); err != nil {
				return nil, err
			}
		}
	}
	return learners[0], nil
}

func (h *History) learnBucket(ctx context.Context, l *learner, bucket int, asOf time.Time, cursor uint64) error {
	var e entry
	var failed error
	n := 0
	err := h.source.Scan([]byte{peoplePrefix, byte(bucket)}, func(k, v []byte) bool {
		end := bytes.IndexByte(k[2:], 0)
		if end < 0 || end+3 >= len(k) || k[end+3] != eventKind {
			return true
		}
		if failed = decodeEntry(&e, k, string(v), l.c.words); failed != nil {
			return false
		}
		if n++; n%4096 == 0 {
			failed = ctx.Err()
		}
		if failed == nil && e.place.sequence <= cursor {
			failed = l.hear(&e, asOf)
		}
		return failed == nil
	})
	return errors.Join(err, failed)
}
