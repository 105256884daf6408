package history

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"bellwether"
	"bellwether/store"
)

// Options of a History; the zero value works.
type Options struct {
	Clock    func() time.Time                // nil: time.Now
	Salt     string                          // of the holdout buckets; "": the project's id
	Currency bellwether.Currency             // the main one; "": USD
	Rates    map[bellwether.Currency]float64 // major units of the main currency for one of the key
	Logger   *slog.Logger                    // nil: none
}

func (o Options) withDefaults(project bellwether.ProjectID) (Options, error) {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Salt == "" {
		o.Salt = string(project)
	}
	if o.Currency == "" {
		o.Currency = "USD"
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	for currency, rate := range o.Rates {
		if !(rate > 0) || rate > 1e12 {
			return o, fmt.Errorf("history: the rate of %s is %g: give how many %s one %s is worth", currency, rate, o.Currency, currency)
		}
	}
	return o, nil
}

// History is what the log says about people and items. It is safe for concurrent use.
type History struct {
	o         Options
	money     money
	source    source
	catalogue catalogues
	state     atomic.Pointer[Limits]
	readers   sync.Pool // of *reader, for requests
	popularMu sync.Mutex
	popular   popularList // guarded by popularMu
	project   *store.Project
	view      *store.View // nil in memory
	last      uint64      // in memory: the length of the log
}

// Open opens the history of a project: its view is folded up to the log's end, and the limits that the last turn
// published are read.
func Open(ctx context.Context, p *store.Project, o Options) (*History, error) {
	o, err := o.withDefaults(p.ID)
	if err != nil {
		return nil, err
	}
	h := newHistory(o)
	h.project = p
	if h.view, err = p.View(ctx, viewName, viewVersion, func(w *store.ViewWriter, b store.Batch) error { return h.fold(w, b) }); err != nil {
		return nil, fmt.Errorf("history: opening the view: %w", err)
	}
	h.source = h.view
	if err := h.restore(ctx); err != nil {
		return nil, errors.Join(err, h.view.Close())
	}
	return h, nil
}

func newHistory(o Options) *History {
	h := &History{o: o, money: money{o.Currency, o.Rates}}
	h.state.Store(new(Limits))
	h.catalogue.changed.Store(true)
	return h
}

// Close releases the view.
func (h *History) Close() error {
	if h.view == nil {
		return nil
	}
	return h.view.Close()
}

// Wait returns once the fold holds the batch with this sequence.
func (h *History) Wait(ctx context.Context, sequence uint64) error {
	if h.view == nil {
		return nil
	}
	return h.view.Wait(ctx, sequence)
}

// caughtUp waits until the fold holds the log as of the call, and returns its length.
func (h *History) caughtUp(ctx context.Context) (uint64, error) {
	if h.view == nil {
		return h.last, nil
	}
	last, err := h.project.Log.Last(ctx)
	if err != nil {
		return 0, fmt.Errorf("history: reading the end of the log: %w", err)
	}
	if err := h.view.Wait(ctx, last); err != nil {
		return 0, fmt.Errorf("history: waiting for the view: %w", err)
	}
	return last, nil
}

// Currency is the main one, in which prices are.
func (h *History) Currency() bellwether.Currency { return h.money.currency }

// Items returns every item by id, with prices in the main currency where a rate is known. The map and the items must not
// be changed.
func (h *History) Items() (map[bellwether.ItemID]*bellwether.Item, error) {
	c, err := h.catalogue.read(h.source, &h.money)
	if err != nil {
		return nil, err
	}
	return c.items, nil
}

// ItemName is the catalogue's spelling of an item: a spelling that equals exactly one item of it when case is ignored is
// that item's; any other stays as it is.
func (h *History) ItemName(id bellwether.ItemID) (bellwether.ItemID, error) {
	items, err := h.catalogue.read(h.source, &h.money)
	if err != nil {
		return id, err
	}
	c := cleaner{items: items}
	return c.itemName(id), nil
}

// Resolve returns who is behind a subject or, without one, an anonymous id: what the id was joined to last.
func (h *History) Resolve(s bellwether.Subject, a bellwether.AnonymousID) (bellwether.Subject, error) {
	name := squeeze(s)
	if name == "" {
		name = device(a)
	}
	for range maxDepth {
		prefix, next := kindKey(name, linkKind), parent{}
		var failed error
		found := false
		err := h.source.Scan(prefix, func(_, v []byte) bool {
			var p parent
			if failed = p.decode(v); failed != nil {
				return false
			}
			if undone, err := isUndone(h.source, p.batch); undone || err != nil {
				failed = err
				return err == nil
			}
			if !found || p.place.compare(next.place) > 0 {
				next, found = p, true
			}
			return true
		})
		if err = errors.Join(err, failed); err != nil {
			return name, fmt.Errorf("history: looking up who %s is: %w", name, err)
		}
		if !found {
			break
		}
		name = next.name
	}
	return name, nil
}

// Person returns one person as a request sees it, by the same rules as a pass: never nil, and not Known for somebody of
// whom nothing is in the log. Decisions and outcomes are not read.
func (h *History) Person(_ context.Context, s bellwether.Subject, a bellwether.AnonymousID) (*Person, error) {
	return h.person(s, a, false)
}

// Decided is Person with the decisions about the person, and the outcomes that are settled.
func (h *History) Decided(_ context.Context, s bellwether.Subject, a bellwether.AnonymousID) (*Person, error) {
	return h.person(s, a, true)
}

func (h *History) person(s bellwether.Subject, a bellwether.AnonymousID, decisions bool) (*Person, error) {
	name, err := h.Resolve(s, a)
	if err != nil {
		return nil, err
	}
	items, err := h.catalogue.read(h.source, &h.money)
	if err != nil {
		return nil, err
	}
	r, _ := h.readers.Get().(*reader)
	if r == nil || len(r.words.known) > maxWords/2 {
		r = h.reader(nil, nil, nil)
	}
	defer h.readers.Put(r)
	r.limits, r.items = h.state.Load(), items
	clear(r.undone) // since the last request one may have been taken back
	p, err := r.person(name, decisions)
	if err != nil {
		return nil, fmt.Errorf("history: reading %s: %w", name, err)
	}
	if p == nil { // joined to somebody in every scope, and yet its own root: cannot be
		p = &Person{Subject: name, Identities: []Identity{{ID: name, Parent: -1}}, Bucket: bellwether.HoldoutBucket(h.o.Salt, name)}
	}
	p.Events, p.Owners = slices.Clone(p.Events), slices.Clone(p.Owners)
	return p, nil
}

func beUint64(b []byte) uint64 { return binary.BigEndian.Uint64(b) }
