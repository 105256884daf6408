package collect

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"bellwether/store"
)

// Rejected is one dead letter: a message that was refused, with all that is needed to repair it.
type Rejected struct {
	ID       string        `json:"id" cbor:"1,keyasint,omitempty"`
	Source   string        `json:"source" cbor:"2,keyasint,omitempty"`            // "http/track", a file's name, …
	Line     int64         `json:"line,omitempty" cbor:"3,keyasint,omitempty"`    // in its file, from 1
	Reason   string        `json:"reason" cbor:"4,keyasint,omitempty"`            // continues "refused: "
	Time     time.Time     `json:"time" cbor:"5,keyasint,omitzero"`               // when it was refused
	Raw      []byte        `json:"-" cbor:"6,keyasint,omitempty"`                 // as it came, at most 256 KiB of it
	Format   string        `json:"format,omitempty" cbor:"7,keyasint,omitempty"`  // how Raw is read again: segment, segment/TYPE, event, item, row, row/json, row/sql; "": not at all
	Mapping  string        `json:"mapping,omitempty" cbor:"8,keyasint,omitempty"` // of a row: id of its mapping
	Skew     time.Duration `json:"skew,omitempty" cbor:"9,keyasint,omitempty"`    // of the sender's clock
	Replayed bool          `json:"replayed" cbor:"-"`                             // it was read again and is in the log

	Unknown []byte `json:"-" cbor:"-"` // fields of a newer program, as they were stored
}

// Notes in the log: the id of the record is the prefix and an id.
const (
	replayedNotePrefix = "collect.replayed/"
	mappingNotePrefix  = "collect.mapping/"
)

func replayedNote(letter string) store.Record {
	return store.Record{Kind: store.KindNote, ID: replayedNotePrefix + letter}
}

// refuse makes the dead letter of m. A replay that fails again is in the dead letters already.
func (c *Collector) refuse(m *message, now time.Time) ([]store.Record, error) {
	if m.replays != "" {
		return nil, nil
	}
	raw := m.raw
	if raw == nil {
		raw, m.format = m.rendered()
	}
	raw = raw[:min(len(raw), maxMessage)]
	r := Rejected{
		Source: m.source, Line: m.line, Reason: m.reject, Time: now.UTC(), Raw: raw,
		Format: m.format, Mapping: m.mapping, Skew: m.skew,
	}
	r.ID = c.letterID(&r)
	data, err := store.Encode(&r)
	return []store.Record{{Kind: store.KindReject, ID: r.ID, Data: data}}, err
}

// rendered is the raw form of a message that came without one.
func (m *message) rendered() (raw []byte, format string) {
	var v any = m.item
	format = "item"
	if m.item == nil {
		v, format = &m.events[0], "event"
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return []byte(fmt.Sprintf("%+v", v)), "" // a value that JSON has no form for
	}
	return raw, format
}

// letterID names a dead letter: in the order of their times, and never two alike, because a
// count goes into it that starts at the log's length.
func (c *Collector) letterID(r *Rejected) string {
	h := sha256.New()
	for _, n := range []uint64{c.opened, c.letters.Add(1), uint64(r.Time.UnixNano())} {
		_ = binary.Write(h, binary.BigEndian, n)
	}
	h.Write(r.Raw)
	return fmt.Sprintf("%012x-%s", uint64(max(r.Time.UnixMilli(), 0)), hex.EncodeToString(h.Sum(nil)[:8]))
}

// DeadLetters calls fn with every message that was refused, oldest first, until fn returns false.
func (c *Collector) DeadLetters(ctx context.Context, fn func(Rejected) bool) error {
	if err := c.catchUp(ctx); err != nil {
		return err
	}
	var failed error
	err := c.view.Scan([]byte{letterPrefix}, func(_, v []byte) bool {
		var r Rejected
		if failed = store.Decode(v, &r); failed != nil {
			return false
		}
		if r.Replayed, failed = c.replayed(r.ID); failed != nil {
			return false
		}
		return fn(r)
	})
	if err != nil {
		return fmt.Errorf("collect: read the dead letters: %w", err)
	}
	return failed
}

// NewestDeadLetters returns the n that were refused last and still wait, newest first, and how many wait in all.
func (c *Collector) NewestDeadLetters(ctx context.Context, n int) (newest []Rejected, waiting int64, err error) {
	if err := c.catchUp(ctx); err != nil {
		return nil, 0, err
	}
	var ids []string // the newest ones, oldest first; twice as many before they are cut
	var failed error
	err = c.view.Scan([]byte{letterPrefix}, func(k, _ []byte) bool {
		id, done := string(k[1:]), false
		if done, failed = c.replayed(id); failed != nil || done {
			return failed == nil
		}
		waiting++
		if ids = append(ids, id); len(ids) >= 2*n {
			ids = append(ids[:0], ids[len(ids)-n:]...)
		}
		return true
	})
	if err = cmp.Or(err, failed); err != nil {
		return nil, 0, fmt.Errorf("collect: read the dead letters: %w", err)
	}
	for _, id := range slices.Backward(ids[max(0, len(ids)-n):]) {
		r, err := c.letter(id)
		if err != nil {
			return nil, 0, err
		}
		newest = append(newest, r)
	}
	return newest, waiting, nil
}

// Rehearse says what Replay would do, and writes nothing. still are those that would stay, with the reason of now.
func (c *Collector) Rehearse(ctx context.Context, ids []string) (r Result, still []Rejected, err error) {
	if err := c.catchUp(ctx); err != nil {
		return Result{}, nil, err
	}
	dry := c.dryOver(c.view)
	if r, err = dry.Replay(ctx, ids, nil); err != nil {
		return Result{}, nil, err
	}
	err = dry.DeadLetters(ctx, func(l Rejected) bool {
		still = append(still, l)
		return true
	})
	return r, still, err
}

func (c *Collector) replayed(letter string) (bool, error) {
	mark, err := c.view.Get(prefixed(replayedPrefix, []byte(letter)))
	return mark != nil, err
}

// catchUp waits until the view holds what is in the log now.
func (c *Collector) catchUp(ctx context.Context) error {
	last, err := c.log.Last(ctx)
	if err == nil {
		err = c.view.Wait(ctx, last)
	}
	if err != nil {
		return fmt.Errorf("collect: catch up with the log: %w", err)
	}
	return nil
}

// letter returns one dead letter, or store.ErrNotFound.
func (c *Collector) letter(id string) (Rejected, error) {
	var r Rejected
	b, err := c.view.Get(prefixed(letterPrefix, []byte(id)))
	if err != nil {
		return r, fmt.Errorf("collect: read dead letter %s: %w", id, err)
	}
	if b == nil {
		return r, fmt.Errorf("collect: dead letter %q: %w", id, store.ErrNotFound)
	}
	if err := store.Decode(b, &r); err != nil {
		return r, err
	}
	r.Replayed, err = c.replayed(id)
	return r, err
}

// Replay reads dead letters again, each after edit repaired its raw form (nil: as it is), and
// marks those that are now in the log. One that fails again counts as rejected and stays; one
// that was replayed before counts as a duplicate. An id that is not known is store.ErrNotFound,
// and nothing is written.
func (c *Collector) Replay(ctx context.Context, ids []string, edit func(Rejected) ([]byte, error)) (Result, error) {
	if err := c.catchUp(ctx); err != nil {
		return Result{}, err
	}
	var result Result
	var messages []message
	for _, id := range ids {
		r, err := c.letter(id)
		if err != nil {
			return Result{}, err
		}
		if r.Replayed {
			result.Duplicates++
			continue
		}
		if edit != nil {
			if r.Raw, err = edit(r); err != nil {
				return Result{}, fmt.Errorf("collect: repair dead letter %s: %w", id, err)
			}
		}
		m, err := c.reread(&r)
		if err != nil {
			return Result{}, err
		}
		m.replays = id
		messages = append(messages, m)
	}
	accepted, err := c.accept(ctx, messages)
	result.add(accepted)
	return result, err
}
