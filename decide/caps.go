package decide

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"bellwether"
	"bellwether/store"
)

// Scope says which messages a cap counts together.
type Scope string

// The scopes.
const (
	PerCampaign Scope = "campaign"
	PerChannel  Scope = "channel"
	Global      Scope = "global"
)

// Cap is the most messages that one person gets within a sliding window.
type Cap struct {
	Per    Scope
	Max    int
	Window time.Duration
}

func (c Cap) validate() error {
	if c.Per != PerCampaign && c.Per != PerChannel && c.Per != Global {
		return fmt.Errorf("cap per %q; give campaign, channel or global", c.Per)
	}
	if c.Max < 0 || c.Window <= 0 {
		return fmt.Errorf("cap of %d per %s in %s; give a number from 0 and a positive window", c.Max, c.Per, c.Window)
	}
	return nil
}

// remember is how long a sending is kept to tell a repetition of its decision.
const remember = 90 * 24 * time.Hour

// sending is one message that left or may have left.
type sending struct {
	Decision bellwether.DecisionID `json:"d"`
	Campaign bellwether.CampaignID `json:"m,omitempty"`
	Channel  bellwether.Channel    `json:"c"`
	At       int64                 `json:"t"`           // Unix nanoseconds
	Begun    bool                  `json:"b,omitempty"` // nobody noted yet that it left
}

// sentList is what one person was sent, oldest first: one value of the key-value store.
type sentList struct {
	Sent []sending `json:"sent"`
}

// held is why a sending may not be added to a history.
type held struct {
	reason  Reason
	detail  string
	until   time.Time
	channel bellwether.Channel // by which it left before
}

// ledgerOfCaps counts sendings by person in the key-value store. A place is reserved by
// compare-and-set before the message leaves, so that neither concurrency nor a crash exceeds a cap.
type ledgerOfCaps struct {
	kv   *store.KV
	caps []Cap
}

// capsKey hides the subject's characters, which a key may not hold.
func capsKey(s bellwether.Subject) string {
	h := sha256.Sum256([]byte(s))
	return "caps/" + hex.EncodeToString(h[:16])
}

// read returns a person's history and its revision, 0 when there is none.
func (l ledgerOfCaps) read(ctx context.Context, s bellwether.Subject) (sentList, uint64, error) {
	var h sentList
	e, err := l.kv.Get(ctx, capsKey(s))
	if errors.Is(err, store.ErrNotFound) {
		return h, 0, nil
	}
	if err != nil {
		return h, 0, err
	}
	return h, e.Revision, json.Unmarshal(e.Value, &h)
}

// reserve adds v to the person's history, durably, as one that has begun, unless a cap forbids it. One that began before
// and was not settled keeps its place, and is taken up again.
func (l ledgerOfCaps) reserve(ctx context.Context, s bellwether.Subject, v sending) (no *held, again bool, err error) {
	err = l.change(ctx, s, func(h *sentList) bool {
		no, again = l.add(h, v)
		return no == nil && !again
	})
	return no, again, err
}

// settle notes that a message left.
func (l ledgerOfCaps) settle(ctx context.Context, s bellwether.Subject, id bellwether.DecisionID) error {
	return l.change(ctx, s, func(h *sentList) (changed bool) {
		for i := range h.Sent {
			if v := &h.Sent[i]; v.Decision == id && v.Begun {
				v.Begun, changed = false, true
			}
		}
		return changed
	})
}

// release takes a reservation back.
func (l ledgerOfCaps) release(ctx context.Context, s bellwether.Subject, id bellwether.DecisionID) error {
	return l.change(ctx, s, func(h *sentList) bool {
		before := len(h.Sent)
		h.Sent = slices.DeleteFunc(h.Sent, func(v sending) bool { return v.Decision == id })
		return len(h.Sent) < before
	})
}

// change applies fn to the person's history until no one else changed it meanwhile; fn
// returns false to leave it.
func (l ledgerOfCaps) change(ctx context.Context, s bellwether.Subject, fn func(*sentList) bool) error {
	for {
		h, revision, err := l.read(ctx, s)
		if err != nil || !fn(&h) {
			return err
		}
		data, err := json.Marshal(h)
		if err != nil {
			return err
		}
		if revision == 0 {
			_, err = l.kv.Create(ctx, capsKey(s), data)
		} else {
			_, err = l.kv.Update(ctx, capsKey(s), data, revision)
		}
		if !errors.Is(err, store.ErrConflict) {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

// add appends v to h as one that has begun, or says why it may not, or that it was begun before.
func (l ledgerOfCaps) add(h *sentList, v sending) (no *held, again bool) {
	for _, old := range h.Sent {
		if old.Decision == v.Decision && old.Begun && old.Channel == v.Channel {
			return nil, true
		}
		if old.Decision == v.Decision {
			return &held{reason: HeldRepeated, channel: old.Channel}, false
		}
	}
	for _, c := range l.caps {
		if until, full := c.full(h.Sent, v); full && (no == nil || until.After(no.until)) {
			no = &held{reason: HeldCap, detail: fmt.Sprintf("%d per %s in %s", c.Max, c.Per, c.Window), until: until}
		}
	}
	if no != nil {
		return no, false
	}
	h.forget(v.At, l.caps)
	v.Begun = true
	h.Sent = append(h.Sent, v)
	return nil, false
}

// full reports whether c forbids v after sent, and when the window has a place again (zero: never).
func (c Cap) full(sent []sending, v sending) (time.Time, bool) {
	var times []int64 // of the sendings in the window; one from a clock ahead of ours counts
	for _, s := range sent {
		same := c.Per == Global || c.Per == PerChannel && s.Channel == v.Channel || c.Per == PerCampaign && s.Campaign == v.Campaign
		if same && s.At > v.At-int64(c.Window) {
			times = append(times, s.At)
		}
	}
	if len(times) < c.Max {
		return time.Time{}, false
	}
	if c.Max == 0 {
		return time.Time{}, true
	}
	slices.SortFunc(times, cmp.Compare)
	return time.Unix(0, times[len(times)-c.Max]+int64(c.Window)).UTC(), true
}

// forget drops sendings that no window and no repetition can reach any more.
func (h *sentList) forget(now int64, caps []Cap) {
	keep := remember
	for _, c := range caps {
		keep = max(keep, c.Window)
	}
	h.Sent = slices.DeleteFunc(h.Sent, func(s sending) bool { return s.At <= now-int64(keep) })
}
