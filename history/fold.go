package history

import (
	"fmt"
	"strings"

	"bellwether"
	"bellwether/store"
)

// writer changes the view while it is folded.
type writer interface {
	Get(key []byte) ([]byte, error)
	Set(key, value []byte)
}

const (
	viewName    = "history"
	viewVersion = 2
)

// fold writes what a batch of the log changes. It looks at nothing but the batch and links: what events mean is said
// when they are read, by the rules.
func (h *History) fold(w writer, b store.Batch) error {
	for i := range b.Records {
		r, at := &b.Records[i], place{b.Sequence, uint32(i)}
		var err error
		switch r.Kind {
		case store.KindEvent:
			err = h.foldEvent(w, r, at)
		case store.KindItem:
			var it bellwether.Item
			if err = store.Decode(r.Data, &it); err == nil {
				w.Set(itemKey(it.ID), r.Data)
				h.catalogue.changed.Store(true)
			}
		case store.KindDecision:
			err = foldDecision(w, r, at)
		case store.KindOutcome:
			err = foldOutcome(w, r)
		case store.KindNote:
			if id, ok := strings.CutPrefix(r.ID, undoneNote); ok {
				w.Set(undoneKey(id), []byte{1})
			}
		}
		if err != nil {
			return fmt.Errorf("history: record %q of batch %d: %w", r.ID, b.Sequence, err)
		}
	}
	return nil
}

func (h *History) foldEvent(w writer, r *store.Record, at place) error {
	var e bellwether.Event
	if err := store.Decode(r.Data, &e); err != nil {
		return err
	}
	return addEvent(w, &e, at)
}

func addEvent(w writer, e *bellwether.Event, at place) error {
	var space [512]byte
	w.Set(eventKey(senderOf(e), e.Occurred, at), appendEntry(space[:0], e))
	if e.Type == bellwether.Identify || e.Type == bellwether.Alias {
		return foldLink(w, e, at)
	}
	return nil
}

// foldDecision keeps the first record of each decision id.
func foldDecision(w writer, r *store.Record, at place) error {
	known, err := w.Get(decisionKey(bellwether.DecisionID(r.ID)))
	if err != nil || known != nil {
		return err
	}
	var d bellwether.Decision
	if err := store.Decode(r.Data, &d); err != nil {
		return err
	}
	key := decidedKey(squeeze(d.Subject), decisionKind, d.Time, d.ID)
	w.Set(key, r.Data)
	w.Set(decisionKey(d.ID), key)
	w.Set(loggedKey(at), []byte(d.ID))
	return nil
}

// foldOutcome lays a settled outcome beside its decision; one of a decision that is not in the log is left out.
func foldOutcome(w writer, r *store.Record) error {
	var o bellwether.Outcome
	if err := store.Decode(r.Data, &o); err != nil {
		return err
	}
	key, err := w.Get(decisionKey(o.Decision))
	if err != nil || key == nil {
		return err
	}
	key = append([]byte(nil), key...)
	at, err := kindAt(key)
	if err != nil {
		return err
	}
	key[at] = outcomeKind
	w.Set(key, r.Data)
	return nil
}

// kindAt returns where the kind stands in a key of a name.
func kindAt(key []byte) (int, error) {
	for i := 2; i < len(key)-1; i++ {
		if key[i] == 0 {
			return i + 1, nil
		}
	}
	return 0, errEntry
}
