package store

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	maxFlights     = 8                      // groups on their way to the server at once
	messageSlack   = 4 << 10                // bytes of a message left for its header
	attemptWait    = time.Second            // for one answer, before the publish is repeated under the same id
	attemptLook    = 100 * time.Millisecond // after which a server that does not answer is looked at: one that cannot write says nothing
	attemptPause   = 20 * time.Millisecond  // between attempts
	slowSync       = 500 * time.Millisecond
	noticePatience = 20 * time.Millisecond // for the server's notice of what it has acknowledged
)

// writer groups the appends of concurrent callers: an append that finds none under way
// goes at once; those that come meanwhile go together when that one has landed or the
// first of them has waited for the window, whichever is sooner.
type writer struct {
	log   *Log
	limit int // bytes of records in one message

	run  string // makes message ids unique between processes
	next atomic.Uint64

	in      chan *request
	landed  chan struct{}
	closing chan struct{}
	done    chan struct{}
	flying  sync.WaitGroup
}

// request is one Append.
type request struct {
	chunks []chunk
	answer chan answer // takes one without blocking
}

type answer struct {
	sequence uint64
	err      error
}

func newWriter(l *Log) *writer {
	w := &writer{
		log: l, limit: int(l.store.write.MaxPayload()) - messageSlack, run: rand.Text(),
		in: make(chan *request), landed: make(chan struct{}), closing: make(chan struct{}), done: make(chan struct{}),
	}
	go w.group()
	return w
}

// close refuses further appends and waits for those under way.
func (w *writer) close() {
	close(w.closing)
	<-w.done
	w.flying.Wait()
}

func (w *writer) append(ctx context.Context, chunks []chunk) (uint64, error) {
	r := &request{chunks: chunks, answer: make(chan answer, 1)}
	select {
	case w.in <- r:
	case <-w.closing:
		return 0, ErrClosed
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	select {
	case a := <-r.answer:
		return a.sequence, a.err
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// group is the writer's loop.
func (w *writer) group() {
	defer close(w.done)
	var waiting []*request
	window, late := time.NewTimer(time.Hour), false
	defer window.Stop()
	closing := w.closing
	for flights := 0; ; {
		select {
		case r := <-w.in:
			if waiting = append(waiting, r); len(waiting) == 1 {
				window.Reset(w.log.store.options.GroupWindow)
			}
		case <-w.landed:
			flights--
		case <-window.C:
			late = len(waiting) > 0
		case <-closing:
			closing = nil
		}
		if len(waiting) > 0 && (flights == 0 || late && flights < maxFlights) {
			group := waiting
			w.flying.Go(func() { w.fly(group) })
			flights++
			waiting, late = nil, false
		}
		if closing == nil && flights == 0 {
			return
		}
	}
}

// fly stores a group and answers its requests.
func (w *writer) fly(group []*request) {
	sequence, err := w.store(group)
	w.landed <- struct{}{}
	if err == nil {
		w.watch(sequence)
	}
}

// message is what goes to the server at once, and the requests that end in it.
type message struct {
	chunks []chunk
	ends   []*request
}

// pack fills messages of at most limit bytes with the chunks of the group, in order.
func pack(group []*request, limit int) []message {
	messages, size := []message{{}}, 0
	for _, r := range group {
		for _, c := range r.chunks {
			if size > 0 && size+len(c.records) > limit {
				messages, size = append(messages, message{}), 0
			}
			m := &messages[len(messages)-1]
			m.chunks, size = append(m.chunks, c), size+len(c.records)
		}
		m := &messages[len(messages)-1]
		m.ends = append(m.ends, r)
	}
	return messages
}

// store publishes the group and answers each request; it returns the last sequence.
func (w *writer) store(group []*request) (last uint64, err error) {
	for _, m := range pack(group, w.limit) {
		if err == nil {
			var sequence uint64
			if sequence, err = w.publish(encodeFrame(m.chunks)); err == nil {
				last = sequence
			}
		}
		for _, r := range m.ends {
			r.answer <- answer{last, err}
		}
	}
	return last, err
}

// publish stores one message, repeating it under the same id, so that it is stored
// once, until it is acknowledged or the timeout is over.
func (w *writer) publish(frame []byte) (uint64, error) {
	s := w.log.store
	ctx, cancel := context.WithTimeout(context.Background(), s.options.Timeout)
	defer cancel()
	id := w.run + "-" + strconv.FormatUint(w.next.Add(1), 10)
	for {
		if err := s.room(); err != nil {
			return 0, err
		}
		began := time.Now()
		ack, err := w.attempt(ctx, id, frame)
		if err == nil {
			err = s.guard.acknowledged(w.log.name, ack.Sequence)
		}
		if took := time.Since(began); took > slowSync && err == nil {
			s.log.Warn("the disk is slow", "project", w.log.project, "took", took.Round(time.Millisecond), "bytes", len(frame))
		}
		if err == nil {
			return ack.Sequence, nil
		}
		if err = s.failed(context.Background(), err); !errors.Is(err, ErrUnavailable) {
			return 0, err
		}
		if !sleep(ctx, attemptPause) {
			return 0, fmt.Errorf("no answer within %v: %w", s.options.Timeout, err)
		}
	}
}

func (w *writer) attempt(ctx context.Context, id string, frame []byte) (*jetstream.PubAck, error) {
	ctx, cancel := context.WithTimeout(ctx, attemptWait)
	defer cancel()
	if server := w.log.store.server; server != nil {
		var look *time.Timer
		look = time.AfterFunc(time.Hour, func() {
			if !server.healthy() {
				cancel()
			} else if ctx.Err() == nil {
				look.Reset(attemptLook)
			}
		})
		look.Reset(attemptLook)
		defer look.Stop()
	}
	m := &nats.Msg{Subject: logSubject(w.log.project), Data: frame}
	ack, err := w.log.store.js.PublishMsg(ctx, m, jetstream.WithMsgID(id), jetstream.WithExpectStream(w.log.name),
		jetstream.WithRetryAttempts(0))
	if err != nil && ctx.Err() != nil {
		err = nats.ErrTimeout
	}
	return ack, err
}

// watch makes sure that the log's end reaches sequence even if the notice of it is lost.
func (w *writer) watch(sequence uint64) {
	ctx, cancel := context.WithTimeout(context.Background(), noticePatience)
	defer cancel()
	if _, err := w.log.end.wait(ctx, sequence); err != nil {
		w.log.end.advance(sequence)
	}
}
