package learn

import (
	"context"
	"errors"
	"sync/atomic"
	"time"
)

// ErrTurnRunning means that a turn of this project is under way.
var ErrTurnRunning = errors.New("a turn is running")

// Turnstile lets in what reads everybody, one at a time.
type Turnstile struct{ state atomic.Int32 }

// What is inside.
const (
	idle int32 = iota
	turning
	refreshing
)

// Turn lets a turn or one of its stages in, once a refreshment that is under way has ended; it fails with [ErrTurnRunning] where a turn
// is inside: that takes longer than anybody waits for.
func (t *Turnstile) Turn(ctx context.Context) (end func(), err error) { return t.enter(ctx, turning) }

// Refresh is Turn for what only reads everybody, and is waited for.
func (t *Turnstile) Refresh(ctx context.Context) (end func(), err error) {
	return t.enter(ctx, refreshing)
}

func (t *Turnstile) enter(ctx context.Context, as int32) (end func(), err error) {
	for !t.state.CompareAndSwap(idle, as) {
		if t.state.Load() == turning {
			return nil, ErrTurnRunning
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
	return func() { t.state.Store(idle) }, nil
}

// Kept is how many steps of histories assemblers hold in memory.
func Kept(assemblers map[string]Assembler) (steps int64) {
	for _, a := range assemblers {
		if k, ok := a.(interface{ Kept() int64 }); ok {
			steps += k.Kept()
		}
	}
	return steps
}
