package collect

import (
	"context"
	"net/http"
)

// HandlerOptions of the HTTP interface; the zero value works.
type HandlerOptions struct {
	MaxInFlight int // requests that are worked on at once, the next is answered 429; 0: 256
}

// Handler speaks Segment's HTTP interface. open finds the collector of a write key, or returns ErrUnknownKey.
func Handler(open func(ctx context.Context, writeKey string) (*Collector, error), o HandlerOptions) http.Handler {
	return http.NotFoundHandler()
}

func (c *Collector) reread(r *Rejected) (message, error) { return message{}, nil }
