package decide

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"bellwether"
	"bellwether/store"
)

// delivery is one message on its way.
type delivery struct {
	m       Message
	now     time.Time
	planned Planned
	noted   bool // in the ledger, by this attempt or an earlier one that did not end
	again   bool // by an earlier one: it may have arrived
	before  bool // it left before, and the list that is made again names it
	claimed bool
	failed  error // of the actor
	err     error // of the log or the ledger
}

// Send sends the messages that may go, each at most once by its decision, and logs a MessageSent
// event for each. What an actor could not do is in Planned.Error; the error tells of the log or the caps.
func (s *Sender) Send(ctx context.Context, messages []Message) ([]Planned, error) {
	all := make([]delivery, len(messages))
	for i := range messages {
		all[i].m = messages[i]
	}
	list, isList := s.actor.(Lister)
	s.each(all, func(a *delivery) {
		s.begin(ctx, a)
		if !isList {
			s.end(ctx, a)
		}
	})
	if isList {
		s.deliver(ctx, list, all)
	}
	out, errs := make([]Planned, len(all)), make([]error, len(all))
	for i := range all {
		out[i], errs[i] = all[i].planned, all[i].err
	}
	return out, errors.Join(errs...)
}

// deliver lets a list leave that nobody is missing on, and ends its messages.
func (s *Sender) deliver(ctx context.Context, list Lister, all []delivery) {
	var failed error
	for i := range all {
		failed = errors.Join(failed, all[i].err, all[i].failed)
	}
	if failed == nil {
		failed = ctx.Err()
	}
	if failed == nil {
		failed = list.Deliver()
	}
	s.each(all, func(a *delivery) {
		if failed != nil && a.noted {
			a.failed = fmt.Errorf("the list was not written: %w: %w", ErrNotDelivered, failed)
		}
		s.end(ctx, a)
	})
}

// each does fn for every message, some at a time.
func (s *Sender) each(all []delivery, fn func(*delivery)) {
	next := make(chan *delivery)
	var workers sync.WaitGroup
	for range min(s.o.Parallel, len(all)) {
		workers.Go(func() {
			for a := range next {
				fn(a)
			}
		})
	}
	for i := range all {
		next <- &all[i]
	}
	close(next)
	workers.Wait()
}

// begin notes the message, if it may go, and hands it to the actor.
func (s *Sender) begin(ctx context.Context, a *delivery) {
	a.now = s.o.Clock()
	a.planned = s.screen(a.m, a.now)
	if a.planned.Held != "" {
		return
	}
	if a.failed = ctx.Err(); a.failed != nil { // who asked is gone: nothing is begun any more
		return
	}
	if a.claimed = underWay.take(s.claim(a)); !a.claimed {
		a.planned.hold(&held{reason: HeldRepeated, detail: "it is being sent now"})
		return
	}
	why, again, err := s.caps.reserve(ctx, a.m.Decision.Subject, s.sending(a.m, a.now))
	switch a.before = s.listed(why); {
	case err != nil:
		a.err = fmt.Errorf("note the message of decision %q: %w", a.m.Decision.ID, err)
		return
	case why != nil && !a.before:
		a.planned.hold(why)
		return
	}
	a.noted, a.again = true, again
	a.failed = s.actor.Act(ctx, a.m)
}

// end notes what became of the message.
func (s *Sender) end(ctx context.Context, a *delivery) {
	if a.claimed {
		defer underWay.give(s.claim(a))
	}
	if a.failed != nil {
		a.planned.Error = a.failed.Error()
	}
	a.planned.Sent = a.noted && a.failed == nil
	if !a.noted || a.before {
		return
	}
	ctx = context.WithoutCancel(ctx)
	switch who, id := a.m.Decision.Subject, a.m.Decision.ID; {
	case a.failed == nil:
		if a.err = s.record(ctx, a.m, a.now); a.err == nil {
			a.err = s.caps.settle(ctx, who, id)
		}
	case errors.Is(a.failed, ErrNotDelivered) && !a.again: // else the attempt before this one may have arrived
		a.err = s.caps.release(ctx, who, id)
	}
	if a.err != nil {
		a.err = fmt.Errorf("note what became of the message of decision %q: %w", a.m.Decision.ID, a.err)
	}
}

// listed reports whether a message that is held back because it left before is named by this sender's list again.
func (s *Sender) listed(why *held) bool {
	_, isList := s.actor.(Lister)
	return isList && why != nil && why.reason == HeldRepeated && why.channel == s.actor.Channel()
}

// claims are the messages that this process is sending now, by the project's store: a ledger that says that a message
// was begun does not say whether that attempt still goes on.
type claims struct {
	mu sync.Mutex
	of map[claim]bool
}

type claim struct {
	kv *store.KV
	id bellwether.DecisionID
}

var underWay = claims{of: make(map[claim]bool)}

func (s *Sender) claim(a *delivery) claim { return claim{s.caps.kv, a.m.Decision.ID} }

// take reports whether nobody had it.
func (c *claims) take(k claim) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.of[k] {
		return false
	}
	c.of[k] = true
	return true
}

func (c *claims) give(k claim) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.of, k)
}

// record logs that m was sent.
func (s *Sender) record(ctx context.Context, m Message, now time.Time) error {
	e := bellwether.Event{
		ID: bellwether.EventID("message-" + string(m.Decision.ID)), Type: bellwether.MessageSent,
		Occurred: now.UTC(), Received: now.UTC(), Subject: m.Decision.Subject, Channel: s.actor.Channel(),
		Campaign: m.Campaign, Creative: m.Creative, Decision: m.Decision.ID, Price: m.Cost, Consent: m.Consent,
	}
	data, err := store.Encode(&e)
	if err != nil {
		return fmt.Errorf("encode the sending of decision %q: %w", m.Decision.ID, err)
	}
	if _, err := s.log.Append(ctx, store.Record{Kind: store.KindEvent, ID: string(e.ID), Data: data}); err != nil {
		return fmt.Errorf("log the sending of decision %q: %w", m.Decision.ID, err)
	}
	return nil
}
