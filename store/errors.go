package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Errors that a caller can act on. They come wrapped with what was being done.
var (
	// ErrUnavailable means that nothing is being stored now: the disk is full or the
	// server is away. Try again later; the store recovers by itself.
	ErrUnavailable = errors.New("store is unavailable")
	// ErrNotFound means that there is no such key or object.
	ErrNotFound = errors.New("not found")
	// ErrConflict means that someone else changed the key: read it and try again.
	ErrConflict = errors.New("conflicts with another change")
	// ErrNewerFormat means that a newer program wrote the data. The text names the version that is needed.
	ErrNewerFormat = errors.New("stored in a newer format")
	// ErrLocked means that the folder is already open, in this process or another.
	ErrLocked = errors.New("folder is in use")
	// ErrTooLarge means that a record or value is larger than the server takes in one message.
	ErrTooLarge = errors.New("too large")
	// ErrDamaged means that stored data are gone or wrong. The text says which, and what to do.
	ErrDamaged = errors.New("stored data are damaged")
	// ErrClosed means that the store or the view was closed.
	ErrClosed = errors.New("closed")
)

// classify wraps an error of NATS with the error of this package that it amounts to.
func classify(ctx context.Context, err error) error {
	if err == nil || ctx.Err() != nil || errors.Is(err, ErrUnavailable) {
		return err // the caller gave up: its own error is the right one
	}
	var api *jetstream.APIError
	switch {
	case errors.Is(err, jetstream.ErrKeyNotFound), errors.Is(err, jetstream.ErrObjectNotFound):
		return ErrNotFound
	case errors.Is(err, jetstream.ErrKeyExists):
		return ErrConflict
	case errors.Is(err, nats.ErrMaxPayload):
		return fmt.Errorf("%w: %w", ErrTooLarge, err)
	case errors.As(err, &api):
		return classifyAPI(api, err)
	case away(err), errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return err
}

func classifyAPI(api *jetstream.APIError, err error) error {
	switch {
	case api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence,
		api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequenceConstant:
		return ErrConflict
	case api.Code >= 500:
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return err
}

// away reports whether err says that nobody answers at the other end.
func away(err error) bool {
	for _, e := range []error{
		nats.ErrNoResponders, nats.ErrTimeout, nats.ErrConnectionClosed, nats.ErrConnectionReconnecting,
		nats.ErrReconnectBufExceeded, nats.ErrDisconnected, jetstream.ErrNoStreamResponse,
		jetstream.ErrJetStreamNotEnabled, jetstream.ErrJetStreamNotEnabledForAccount,
		io.ErrClosedPipe, net.ErrClosed, // the connection to the embedded server, or to another one, was cut in a write
	} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}
