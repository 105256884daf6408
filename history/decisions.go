package history

import (
	"context"
	"fmt"

	"bellwether"
	"bellwether/store"
)

// Decision returns the decision with that id; false: the fold does not hold it.
func (h *History) Decision(id bellwether.DecisionID) (d bellwether.Decision, ok bool, err error) {
	key, err := h.source.Get(decisionKey(id))
	if err != nil || key == nil {
		return d, false, err
	}
	data, err := h.source.Get(key)
	if err != nil || data == nil {
		return d, false, err
	}
	if err := store.Decode(data, &d); err != nil {
		return d, false, fmt.Errorf("history: reading decision %q: %w", id, err)
	}
	return d, true, nil
}

// Recent returns the n decisions that were logged last, newest first, as far as the fold has come.
func (h *History) Recent(_ context.Context, n int) ([]bellwether.Decision, error) {
	var ids []bellwether.DecisionID
	err := h.source.ScanReverse([]byte{loggedPrefix}, func(_, id []byte) bool {
		if len(ids) < n {
			ids = append(ids, bellwether.DecisionID(id))
		}
		return len(ids) < n
	})
	if err != nil {
		return nil, fmt.Errorf("history: listing decisions: %w", err)
	}
	out := make([]bellwether.Decision, 0, len(ids))
	for _, id := range ids {
		d, ok, err := h.Decision(id)
		if err != nil {
			return nil, err
		}
		if ok {
			out = append(out, d)
		}
	}
	return out, nil
}

// Cursor is how far in the log the fold has come.
func (h *History) Cursor() uint64 {
	if h.view == nil {
		return h.last
	}
	return h.view.Cursor()
}
