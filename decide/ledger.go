package decide

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"sync"
	"sync/atomic"

	"bellwether"
	"bellwether/store"
)

// identify derives a decision's id and seed from its idempotency key.
func identify(project bellwether.ProjectID, key string) (bellwether.DecisionID, uint64) {
	h := sha256.Sum256([]byte("decision\x00" + string(project) + "\x00" + key))
	return bellwether.DecisionID(hex.EncodeToString(h[:16])), binary.BigEndian.Uint64(h[16:24])
}

// ledger writes decisions to the log and finds them again by id.
type ledger struct {
	log   *store.Log
	past  Past
	doubt atomic.Bool // an append failed: whether it was stored is not known

	mu       sync.Mutex
	underWay map[bellwether.DecisionID]*attempt // decisions being taken
	fresh    map[bellwether.DecisionID]written  // appended, perhaps not yet in the view
	sweepAt  int                                // size of fresh at which it is swept
	last     uint64                             // highest sequence appended here
}

// attempt is one decision being taken, for all who ask with its key meanwhile.
type attempt struct {
	done     chan struct{} // closed when decision and err are set
	decision bellwether.Decision
	err      error
}

type written struct {
	decision bellwether.Decision
	sequence uint64
}

// Past is where decisions are found again, folded from the log: the history.
type Past interface {
	// Decision returns the first record of an id; false: there is none.
	Decision(id bellwether.DecisionID) (bellwether.Decision, bool, error)
	// Recent returns the n decisions that were logged last, newest first.
	Recent(ctx context.Context, n int) ([]bellwether.Decision, error)
	// Wait returns once the batch with this sequence is folded.
	Wait(ctx context.Context, sequence uint64) error
	// Cursor is the sequence of the last batch that is folded.
	Cursor() uint64
}

func newLedger(log *store.Log, past Past) *ledger {
	return &ledger{log: log, past: past, underWay: map[bellwether.DecisionID]*attempt{}, fresh: map[bellwether.DecisionID]written{}}
}

// append makes d durable. Once begun it is not abandoned with ctx: whether a decision
// is in the log must not depend on a caller's patience.
func (l *ledger) append(ctx context.Context, d *bellwether.Decision) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	data, err := store.Encode(d)
	if err != nil {
		return fmt.Errorf("encode decision %q: %w", d.ID, err)
	}
	seq, err := l.log.Append(context.WithoutCancel(ctx), store.Record{Kind: store.KindDecision, ID: string(d.ID), Data: data})
	if err != nil {
		l.doubt.Store(true)
		return fmt.Errorf("log decision %q: %w", d.ID, err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fresh[d.ID] = written{*d, seq}
	l.last = max(l.last, seq)
	l.sweep()
	return nil
}

// sweep forgets decisions that the view holds by now; called with mu held. It runs when fresh has
// doubled since the last time, so that its cost a decision is constant.
func (l *ledger) sweep() {
	if len(l.fresh) < l.sweepAt {
		return
	}
	cursor := l.past.Cursor()
	for id, w := range l.fresh {
		if w.sequence <= cursor {
			delete(l.fresh, id)
		}
	}
	l.sweepAt = 2*len(l.fresh) + 256
}

// once returns the decision id, taking it first if nobody has. Whoever waits for another's
// attempt that fails, tries by itself.
func (l *ledger) once(ctx context.Context, id bellwether.DecisionID, take func() (bellwether.Decision, error)) (bellwether.Decision, error) {
	for {
		f, mine := l.join(id)
		if mine {
			f.decision, f.err = l.findOrTake(ctx, id, take)
			l.finish(id, f)
			return f.decision, f.err
		}
		select {
		case <-f.done:
			if f.err == nil {
				return f.decision, nil
			}
		case <-ctx.Done():
			return bellwether.Decision{}, ctx.Err()
		}
	}
}

// join joins the attempt of id, or starts it.
func (l *ledger) join(id bellwether.DecisionID) (f *attempt, mine bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if f := l.underWay[id]; f != nil {
		return f, false
	}
	f = &attempt{done: make(chan struct{})}
	l.underWay[id] = f
	return f, true
}

func (l *ledger) finish(id bellwether.DecisionID, f *attempt) {
	l.mu.Lock()
	delete(l.underWay, id)
	l.mu.Unlock()
	close(f.done)
}

func (l *ledger) findOrTake(ctx context.Context, id bellwether.DecisionID, take func() (bellwether.Decision, error)) (bellwether.Decision, error) {
	d, ok, err := l.find(id)
	if ok || err != nil {
		return d, err
	}
	if d, err = take(); err != nil {
		return d, err
	}
	if err := l.append(ctx, &d); err != nil {
		return bellwether.Decision{}, err
	}
	if l.doubt.Load() {
		return l.first(ctx, id)
	}
	return d, nil
}

// first returns the first record of id in the log: an append that reported a failure may have
// stored an earlier one.
func (l *ledger) first(ctx context.Context, id bellwether.DecisionID) (bellwether.Decision, error) {
	l.mu.Lock()
	last := l.last
	delete(l.fresh, id)
	l.mu.Unlock()
	if err := l.past.Wait(ctx, last); err != nil {
		return bellwether.Decision{}, err
	}
	d, _, err := l.find(id)
	return d, err
}

// find looks among the decisions just written and then in the view.
func (l *ledger) find(id bellwether.DecisionID) (bellwether.Decision, bool, error) {
	l.mu.Lock()
	w, ok := l.fresh[id]
	l.mu.Unlock()
	if ok {
		return w.decision, true, nil
	}
	return l.past.Decision(id)
}

// recent returns the newest n decisions, those written by this process included.
func (l *ledger) recent(ctx context.Context, n int) ([]bellwether.Decision, error) {
	l.mu.Lock()
	last := l.last
	l.mu.Unlock()
	if err := l.past.Wait(ctx, last); err != nil {
		return nil, err
	}
	return l.past.Recent(ctx, n)
}
