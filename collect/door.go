package collect

import (
	"bytes"
	"context"
	"errors"
)

// Limits of a body.
const (
	MaxBatch = 500     // messages
	MaxBody  = 4 << 20 // bytes, unpacked
)

// Reasons of refusing a whole body. Any other error of AcceptBatch and AcceptMessage that names no byte is of the log.
var (
	ErrTooLarge = errors.New("body is larger than 4 MB unpacked; send smaller batches")
	ErrTooMany  = errors.New("batch has more than 500 messages; send smaller batches")
)

// reader turns a body into messages.
type reader func(c *Collector, body []byte) ([]message, error)

// Broken returns the byte of the unpacked body where err says that it can't be read, and whether err says so.
func Broken(err error) (offset int, broken bool) {
	var syntax *syntaxError
	if errors.As(err, &syntax) {
		return syntax.Offset, true
	}
	return 0, false
}

// AcceptBatch writes the messages of a body in Segment's format, {"batch": [message, …], "sentAt": time}. When it
// returns without an error, every message is on disk, as an event or as a dead letter. It keeps no part of body.
func (c *Collector) AcceptBatch(ctx context.Context, body []byte) (Result, error) {
	return c.acceptBody(ctx, body, batch)
}

// AcceptMessage is AcceptBatch for a body that is one message of a kind: track, identify, page, screen, group or alias.
func (c *Collector) AcceptMessage(ctx context.Context, kind string, body []byte) (Result, error) {
	return c.acceptBody(ctx, body, single(kind))
}

func (c *Collector) acceptBody(ctx context.Context, body []byte, read reader) (Result, error) {
	messages, err := read(c, body)
	if err != nil {
		return Result{}, err
	}
	return c.accept(ctx, messages)
}

// Packed reports whether a body begins as gzip does, whatever its header says.
func Packed(body []byte) bool { return len(body) > 1 && body[0] == 0x1f && body[1] == 0x8b }

// Unpack writes what a gzip stream holds to the end of to: ErrTooLarge beyond MaxBody, a Broken error for a bad stream.
func Unpack(to *bytes.Buffer, packed []byte) error { return unpack(to, packed) }

// WriteKey returns the write key that a browser puts into its body, "" if there is none or the body can't be read.
func WriteKey(body []byte) string { return bodyKey(body) }
