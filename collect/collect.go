package collect

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"bellwether"
	"bellwether/store"
)

// DefaultDedupWindow is how long a message id counts once when Options names no window.
const DefaultDedupWindow = 7 * 24 * time.Hour

// Options of a collector; the zero value works.
type Options struct {
	Clock       func() time.Time                // nil: time.Now
	Currency    bellwether.Currency             // of amounts that name none; "": USD
	Rates       map[bellwether.Currency]float64 // of the currencies, beside Currency, whose amounts are counted
	Nobody      []string                        // ids that name no person or device, beside the usual words, in any case
	DedupWindow time.Duration                   // between the receipt of two messages with one id that count once; 0: DefaultDedupWindow

	extra map[string]bool // Nobody, in lower case
}

func (o Options) withDefaults() Options {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Currency == "" {
		o.Currency = "USD"
	}
	if o.DedupWindow == 0 {
		o.DedupWindow = DefaultDedupWindow
	}
	o.extra = make(map[string]bool, len(o.Nobody))
	for _, id := range o.Nobody {
		o.extra[strings.ToLower(id)] = true
	}
	return o
}

// Collector writes one project's events to its log. It is safe for concurrent use.
type Collector struct {
	totals   totals
	o        Options
	log      appender
	view     view
	read     func(ctx context.Context, fn func(store.Batch) error) error // the whole log; nil in memory
	opened   uint64                                                      // the log's length when the collector was opened
	letters  atomic.Uint64
	underWay underWay
	close    func() error
	doubt    atomic.Bool // an append failed: it is not known whether it was written
}

// Incoming is one event on its way in.
type Incoming struct {
	Event  bellwether.Event // an empty ID is derived from the content; times that are zero are set to now
	Raw    []byte           // as it came, for the dead letters
	Source string           // where it came from, such as "http/track" or a file's name
	Line   int64            // in its file, from 1; 0: no file
	Reject string           // set: refused, with this reason
}

// Result counts what became of messages. Accepted + Duplicates + Rejected are all that came in.
type Result struct {
	Accepted   int64  `json:"accepted"`
	Duplicates int64  `json:"duplicates"` // the id was seen within the window
	Rejected   int64  `json:"rejected"`   // in the dead letters
	Events     int64  `json:"events"`     // records written: an order of three items is one message and three events
	Sequence   uint64 `json:"-"`          // of the last append, 0 when nothing was written
}

func (r *Result) add(o Result) {
	r.Accepted += o.Accepted
	r.Duplicates += o.Duplicates
	r.Rejected += o.Rejected
	r.Events += o.Events
	r.Sequence = max(r.Sequence, o.Sequence)
}

// New returns the collector of project p. It opens (and on first use folds) the views of the ids
// seen and of the dead letters.
func New(ctx context.Context, p *store.Project, o Options) (*Collector, error) {
	o = o.withDefaults()
	f := folder{window: o.DedupWindow}
	v, err := p.View(ctx, viewName, viewVersion, func(w *store.ViewWriter, b store.Batch) error { return f.fold(w, b) })
	if err != nil {
		return nil, fmt.Errorf("collect: open project %s: %w", p.ID, err)
	}
	read := func(ctx context.Context, fn func(store.Batch) error) error { return p.Log.Read(ctx, 0, fn) }
	return &Collector{o: o, log: p.Log, read: read, view: v, opened: v.Cursor(), close: v.Close}, nil
}

// Close releases the view. Nothing may be accepted afterwards.
func (c *Collector) Close() error { return c.close() }

// Accept validates events, drops the ones whose id was seen within the window, and writes the
// others and the refusals in one durable append. A bad event is no error: it is counted and kept
// in the dead letters. On an error nothing counts as accepted, and the same events may be sent
// again; store.ErrUnavailable asks to do that later.
func (c *Collector) Accept(ctx context.Context, in []Incoming) (Result, error) {
	now := c.o.Clock()
	messages := make([]message, len(in))
	for i := range in {
		n := &in[i]
		messages[i] = message{events: []bellwether.Event{n.Event}, raw: n.Raw, source: n.Source, line: n.Line, reject: n.Reject}
		e := &messages[i].events[0]
		if e.Received.IsZero() {
			e.Received = now
		}
		if e.Occurred.IsZero() {
			e.Occurred = e.Received
		}
		if e.ID == "" && n.Reject == "" {
			if err := deriveID(e); err != nil {
				messages[i].reject = err.Error()
			}
		}
	}
	return c.accept(ctx, messages)
}

// deriveID names an event by its content, its times included.
func deriveID(e *bellwether.Event) error {
	b, err := store.Encode(e)
	if err != nil {
		return fmt.Errorf("has no id and none can be derived: %w", err)
	}
	e.ID = contentID(b)
	return nil
}

// contentID is the id of a message that came without one: the same content has the same id.
func contentID(parts ...[]byte) bellwether.EventID {
	h := sha256.New()
	for _, p := range parts {
		h.Write(p)
		h.Write([]byte{0})
	}
	return bellwether.EventID("b-" + hex.EncodeToString(h.Sum(nil)[:16]))
}

// AcceptItems writes the items of these texts, each in this program's JSON form, those that can't be read or are not
// valid to the dead letters. An item replaces an earlier one of the same id.
func (c *Collector) AcceptItems(ctx context.Context, texts []json.RawMessage) (Result, error) {
	messages := make([]message, len(texts))
	for i, raw := range texts {
		messages[i] = itemMessage(raw, "http/items")
	}
	return c.accept(ctx, messages)
}
