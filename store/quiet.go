package store

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

const (
	quietLines = 30 // of one message
	quietEvery = time.Minute
)

// Limited returns a logger that writes no more than quietLines of one message every quietEvery; the
// next line after that says how many there were.
func Limited(log *slog.Logger) *slog.Logger {
	if h, ok := log.Handler().(*quiet); ok {
		return slog.New(h)
	}
	return slog.New(&quiet{log.Handler(), &counts{lines: map[string]*count{}, now: time.Now}})
}

type quiet struct {
	slog.Handler
	counts *counts
}

// counts is shared by a handler and those that were made of it.
type counts struct {
	now   func() time.Time
	mu    sync.Mutex
	lines map[string]*count // by message: messages are constants, so there are few
}

type count struct {
	since            time.Time
	written, skipped int
}

// Handle writes the line or counts it.
func (q *quiet) Handle(ctx context.Context, r slog.Record) error {
	skipped, write := q.counts.take(r.Message)
	if !write {
		return nil
	}
	if skipped > 0 {
		r = r.Clone()
		r.AddAttrs(slog.Int("left_out", skipped))
	}
	return q.Handler.Handle(ctx, r)
}

func (c *counts) take(message string) (skipped int, write bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.lines[message]
	if n == nil {
		n = &count{since: c.now()}
		c.lines[message] = n
	}
	if now := c.now(); now.Sub(n.since) >= quietEvery {
		skipped, n.since, n.written, n.skipped = n.skipped, now, 0, 0
	}
	if n.written >= quietLines {
		n.skipped++
		return 0, false
	}
	n.written++
	return skipped, true
}

// WithAttrs and WithGroup keep the limit.
func (q *quiet) WithAttrs(a []slog.Attr) slog.Handler {
	return &quiet{q.Handler.WithAttrs(a), q.counts}
}

// WithGroup is slog.Handler's.
func (q *quiet) WithGroup(name string) slog.Handler {
	return &quiet{q.Handler.WithGroup(name), q.counts}
}
