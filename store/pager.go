package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
)

const (
	pageMessages = 1024
	pageBytes    = 4 << 20
	lagPause     = 2 * time.Millisecond // between looks at a replica that is behind
)

// Statuses that end the answer to a page request.
const (
	statusEnd      = "204"
	statusNotFound = "404"
)

var errShort = errors.New("store: the stream has no message up to the end that was asked for")

// pager reads a stream page by page with JetStream's batched direct get, which needs
// no consumer. The next page is under way while the messages of one are used.
type pager struct {
	conn    *nats.Conn
	timeout time.Duration // longest wait for the next message of a page
}

// pageRequest is the body of a direct get (NATS ADR-31).
type pageRequest struct {
	Sequence uint64 `json:"seq"`
	Subject  string `json:"next_by_subj,omitempty"`
	Messages int    `json:"batch"`
	Bytes    int    `json:"max_bytes"`
}

// span is the messages of stream, of the subject if it names one, with sequences from … upto.
type span struct {
	stream, subject string
	from, upto      uint64
	lagging         bool                                         // a replica may be behind: wait for what it lacks
	check           func(ctx context.Context, from uint64) error // called before each page; nil: none
}

// each calls fn with the messages of s in order. It returns errShort when the stream
// ends before s.upto and no message has that sequence.
func (p pager) each(ctx context.Context, s span, fn func(sequence uint64, at time.Time, m *nats.Msg) error) error {
	if s.from > s.upto {
		return nil
	}
	inbox, messages := p.conn.NewInbox(), make(chan *nats.Msg, 2*(pageMessages+1))
	subscription, err := p.conn.ChanSubscribe(inbox, messages)
	if err != nil {
		return err
	}
	defer subscription.Unsubscribe() //nolint:errcheck // fails only on a closed connection
	if err := p.ask(ctx, inbox, s); err != nil {
		return err
	}
	deadline := time.Now().Add(p.timeout)
	for {
		page, err := p.receive(ctx, messages)
		if err != nil {
			return err
		}
		if len(page) == 0 {
			if !s.lagging || time.Now().After(deadline) || !sleep(ctx, lagPause) {
				return errors.Join(errShort, ctx.Err())
			}
			if err := p.ask(ctx, inbox, s); err != nil {
				return err
			}
			continue
		}
		last, _, err := headerSequence(page[len(page)-1])
		if err != nil {
			return err
		}
		if s.from = last + 1; s.from <= s.upto {
			if err := p.ask(ctx, inbox, s); err != nil {
				return err
			}
		}
		if err := use(page, s.upto, fn); err != nil || s.from > s.upto {
			return err
		}
	}
}

func (p pager) ask(ctx context.Context, inbox string, s span) error {
	if s.check != nil {
		if err := s.check(ctx, s.from); err != nil {
			return err
		}
	}
	body, err := json.Marshal(pageRequest{Sequence: s.from, Subject: s.subject, Messages: pageMessages, Bytes: pageBytes})
	if err != nil {
		return err
	}
	return p.conn.PublishRequest("$JS.API.DIRECT.GET."+s.stream, inbox, body)
}

// receive returns one page's messages; none when there are no more.
func (p pager) receive(ctx context.Context, messages <-chan *nats.Msg) ([]*nats.Msg, error) {
	var page []*nats.Msg
	timer := time.NewTimer(p.timeout)
	defer timer.Stop()
	for {
		select {
		case m := <-messages:
			if m == nil {
				return nil, nats.ErrConnectionClosed
			}
			if status := m.Header.Get("Status"); status == "" {
				page = append(page, m)
			} else if status == statusEnd || status == statusNotFound {
				return page, nil
			} else if status == "503" {
				return nil, nats.ErrNoResponders
			} else {
				return nil, fmt.Errorf("store: reading the stream: status %s %s", status, m.Header.Get("Description"))
			}
		case <-timer.C:
			return nil, nats.ErrTimeout
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func use(page []*nats.Msg, upto uint64, fn func(uint64, time.Time, *nats.Msg) error) error {
	for _, m := range page {
		sequence, at, err := headerSequence(m)
		if err != nil {
			return err
		}
		if sequence > upto {
			return nil
		}
		if err := fn(sequence, at, m); err != nil {
			return err
		}
	}
	return nil
}
