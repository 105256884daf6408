package history

import (
	"context"
	"fmt"
	"sync"

	"bellwether"
	"bellwether/store"
)

// SettledWriter writes outcomes whose windows are over to the log, many at once; from then on a pass reads them in place of their
// decisions. It is safe for concurrent use.
type SettledWriter struct {
	ctx     context.Context
	log     *store.Log
	mu      sync.Mutex
	records []store.Record
	written int64
}

// settledBatch is how many outcomes are written together.
const settledBatch = 1000

// NewSettledWriter returns a writer to a log; ctx holds for all that it writes.
func NewSettledWriter(ctx context.Context, log *store.Log) *SettledWriter {
	return &SettledWriter{ctx: ctx, log: log}
}

// Add takes outcomes in.
func (s *SettledWriter) Add(outcomes []bellwether.Outcome) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range outcomes {
		data, err := store.Encode(&outcomes[i])
		if err != nil {
			return fmt.Errorf("writing the outcome of %s: %w", outcomes[i].Decision, err)
		}
		s.records = append(s.records, store.Record{Kind: store.KindOutcome, ID: string([]byte(outcomes[i].Decision)), Data: data})
	}
	if len(s.records) < settledBatch {
		return nil
	}
	return s.append()
}

// Flush writes what is left, and returns how many outcomes were written in all.
func (s *SettledWriter) Flush() (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.append()
	return s.written, err
}

func (s *SettledWriter) append() error {
	if len(s.records) == 0 {
		return nil
	}
	if _, err := s.log.Append(s.ctx, s.records...); err != nil {
		return fmt.Errorf("logging outcomes: %w", err)
	}
	s.written += int64(len(s.records))
	s.records = s.records[:0]
	return nil
}
