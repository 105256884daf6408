package lake

import (
	"encoding/binary"
	"math"
	"time"

	"bellwether"
	"bellwether/history"
	"bellwether/store"

	"github.com/cespare/xxhash/v2"
)

// digest is XXH64 of all that the lake keeps of a person. Every turn takes it of everybody, so events are not encoded for it: their
// fields are laid one after the other.
func (w *Writer) digest(p *history.Person) (uint64, error) {
	b := appendText(w.print[:0], string(p.Subject))
	var err error
	for i := range p.Events {
		if e := &p.Events[i]; e.Type.Personal() {
			b = appendText(append(b, spilledEvent), identityOf(p, i))
			if b, err = appendEvent(b, e); err != nil {
				return 0, err
			}
		}
	}
	for i := range p.Decisions {
		if b, err = appendRecord(append(b, spilledDecision), &p.Decisions[i]); err != nil {
			return 0, err
		}
	}
	for i := range p.Outcomes {
		if b, err = appendRecord(append(b, spilledOutcome), &p.Outcomes[i]); err != nil {
			return 0, err
		}
	}
	w.print = b
	return xxhash.Sum64(b), nil
}

// identityOf is the id that event i was seen under.
func identityOf(p *history.Person, i int) string {
	if i < len(p.Owners) {
		return string(p.Identities[p.Owners[i]].ID)
	}
	return string(p.Subject)
}

// appendEvent appends every field of an event, so that two that differ give different bytes.
func appendEvent(b []byte, e *bellwether.Event) ([]byte, error) {
	for _, s := range [...]string{
		string(e.ID), string(e.Type), string(e.Subject), string(e.Anonymous), e.Previous, e.Session, string(e.Item), string(e.Price.Currency), e.Order,
		string(e.Channel), string(e.Campaign), string(e.Creative), string(e.Decision), e.UserAgent, e.Import,
	} {
		b = appendText(b, s)
	}
	b = appendTime(appendTime(b, e.Occurred), e.Received)
	b = binary.AppendVarint(binary.AppendVarint(b, e.Quantity), e.Price.Amount)
	b = binary.LittleEndian.AppendUint64(binary.AppendVarint(b, int64(e.Position)), math.Float64bits(e.Value))
	if e.Consent == nil && len(e.Traits) == 0 && e.Raw == nil && e.Unknown == nil {
		return append(b, 0), nil
	}
	return appendRecord(append(b, 1), &bellwether.Event{Consent: e.Consent, Traits: e.Traits, Raw: e.Raw, Unknown: e.Unknown})
}

func appendTime(b []byte, t time.Time) []byte {
	return binary.AppendVarint(binary.AppendVarint(b, t.Unix()), int64(t.Nanosecond()))
}

// appendRecord appends what rarely comes, or is much, in the form of the log.
func appendRecord(b []byte, v any) ([]byte, error) {
	record, err := store.Encode(v)
	if err != nil {
		return b, err
	}
	return append(binary.AppendUvarint(b, uint64(len(record))), record...), nil
}
