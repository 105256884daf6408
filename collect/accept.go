package collect

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"bellwether"
	"bellwether/store"

	"golang.org/x/text/unicode/norm"
)

// maxMessage is how long one message may be; longer ones are refused, and their beginning kept.
const maxMessage = 256 << 10

// message is one message on its way in: its events share an id's stem and are written together.
type message struct {
	events  []bellwether.Event
	item    *bellwether.Item // instead of events
	raw     []byte
	source  string
	format  string // how raw can be read again: see Rejected
	mapping string // id of the mapping that reads raw
	line    int64
	skew    time.Duration // of the sender's clock
	reject  string
	replays string // id of the dead letter that it repeats

	records []store.Record // ready for the log
}

// accept is the one way into the log. The hang-up of a caller does not interrupt an append, so
// that its result is always known.
func (c *Collector) accept(ctx context.Context, messages []message) (Result, error) {
	ctx = context.WithoutCancel(ctx)
	var total Result
	var records []store.Record
	todo := make([]*message, 0, len(messages))
	e := encoder{now: c.o.Clock()}
	for i := range messages {
		m := &messages[i]
		switch e.encode(m); {
		case m.reject != "":
			total.Rejected++
			refused, err := c.refuse(m, e.now)
			if err != nil {
				return Result{}, err
			}
			records = append(records, refused...)
		case m.item != nil:
			total.Accepted++
			total.Events++
			records = append(records, m.records...)
		default:
			todo = append(todo, m)
		}
	}
	for first := true; first || len(todo) > 0; first = false {
		held, other, r, err := c.attempt(ctx, todo, records)
		if err != nil {
			return Result{}, err
		}
		total.add(r)
		if other != nil {
			<-other.done // its owner appends before it waits, so two never wait for each other
		}
		todo, records = held, nil
	}
	c.totals.add(total)
	return total, nil
}

// attempt appends records and those of todo that no other call is appending. It returns the
// ones that another call holds, and that call.
func (c *Collector) attempt(ctx context.Context, todo []*message, records []store.Record) (held []*message, other *appending, r Result, err error) {
	if err := c.settle(ctx); err != nil {
		return nil, nil, r, err
	}
	f := c.underWay.start(c.view.Cursor())
	mine, held, duplicates, other := c.underWay.claim(f, todo, c.o.DedupWindow)
	mine, seen, err := c.unseen(mine)
	if err != nil {
		c.underWay.finish(f, 0, err)
		return nil, nil, r, err
	}
	duplicates = append(duplicates, seen...)
	for _, m := range mine {
		records = append(records, m.records...)
		r.Events += int64(len(m.events))
	}
	for _, m := range append(mine, duplicates...) {
		if m.replays != "" {
			records = append(records, replayedNote(m.replays))
		}
	}
	r.Accepted, r.Duplicates = int64(len(mine)), int64(len(duplicates))
	if len(records) > 0 {
		r.Sequence, err = c.log.Append(ctx, records...)
	}
	c.underWay.finish(f, r.Sequence, err)
	if err != nil {
		c.doubt.Store(true)
		return nil, nil, r, fmt.Errorf("collect: write %d records: %w", len(records), err)
	}
	return held, other, r, nil
}

// settle makes the view hold all that is in the log, after an append whose result is in doubt.
func (c *Collector) settle(ctx context.Context) error {
	if !c.doubt.Load() {
		return nil
	}
	if err := c.catchUp(ctx); err != nil {
		return err
	}
	c.doubt.Store(false)
	return nil
}

// unseen parts messages into the new ones and those whose id is in the log. Ids are looked up in the order of their
// keys: neighbours lie in one block.
func (c *Collector) unseen(messages []*message) (fresh, seen []*message, err error) {
	sought := make([]soughtKey, len(messages))
	for i, m := range messages {
		sought[i].key, sought[i].at = m.key(), i
	}
	slices.SortFunc(sought, func(a, b soughtKey) int { return bytes.Compare(a.key[:], b.key[:]) })
	keys, space := make([][]byte, len(sought)), make([]byte, 0, len(sought)*(1+len(seenKey{})))
	for i := range sought {
		from := len(space)
		space = append(append(space, seenPrefix), sought[i].key[:]...)
		keys[i] = space[from:]
	}
	known := make([]bool, len(messages))
	err = c.view.GetAll(keys, func(i int, value []byte) {
		at := sought[i].at
		received, ok := receivedAt(value)
		known[at] = ok && within(received, messages[at].received(), c.o.DedupWindow)
	})
	if err != nil {
		return nil, nil, fmt.Errorf("collect: look ids up: %w", err)
	}
	fresh = messages[:0]
	for i, m := range messages {
		if known[i] {
			seen = append(seen, m)
		} else {
			fresh = append(fresh, m)
		}
	}
	return fresh, seen, nil
}

// soughtKey is the key of a message's id, and the message's place.
type soughtKey struct {
	key seenKey
	at  int
}

func (m *message) key() seenKey    { return keyOf(m.events[0].ID) }
func (m *message) received() int64 { return m.events[0].Received.UnixNano() }

// within reports whether two times in nanoseconds are at most window apart.
func within(a, b int64, window time.Duration) bool {
	if a > b {
		a, b = b, a
	}
	return b-a <= int64(window)
}

// encoder makes the records of messages.
type encoder struct {
	now time.Time
}

// encode checks m and fills its records, or its reject.
func (e *encoder) encode(m *message) {
	if m.reject != "" {
		return
	}
	if err := e.records(m); err != nil {
		m.reject, m.records = err.Error(), nil
	}
}

func (e *encoder) records(m *message) error {
	if len(m.raw) > maxMessage {
		return fmt.Errorf("message has %d bytes, more than %d", len(m.raw), maxMessage)
	}
	if m.item != nil {
		return e.item(m)
	}
	if len(m.records) == 0 {
		m.records = make([]store.Record, 0, len(m.events))
	}
	for i := range m.events {
		v := &m.events[i]
		compose(v)
		if err := v.Validate(); err != nil {
			return err
		}
		data, err := store.Encode(v)
		if err != nil {
			return err
		}
		m.records = append(m.records, store.Record{Kind: store.KindEvent, ID: string(v.ID), Data: data})
	}
	return nil
}

// compose writes the names and ids of an event in Unicode's form C, so that one that was typed in two ways is one.
func compose(e *bellwether.Event) {
	composeText(&e.Subject)
	composeText(&e.Anonymous)
	composeText(&e.Previous)
	composeText(&e.Item)
	composeText(&e.Order)
	composeText(&e.Session)
	composeText(&e.Channel)
	composeText(&e.Campaign)
	composeText(&e.Creative)
	composeText(&e.Type)
}

func composeText[T ~string](p *T) {
	for i := range len(*p) {
		if (*p)[i] >= utf8.RuneSelf {
			*p = T(norm.NFC.String(string(*p)))
			return
		}
	}
}

func (e *encoder) item(m *message) error {
	composeText(&m.item.ID)
	composeText(&m.item.Title)
	composeText(&m.item.Category)
	composeText(&m.item.Brand)
	if m.item.Updated.IsZero() {
		m.item.Updated = e.now
	}
	if err := m.item.Validate(); err != nil {
		return err
	}
	data, err := store.Encode(m.item)
	m.records = []store.Record{{Kind: store.KindItem, ID: string(m.item.ID), Data: data}}
	return err
}
