package collect

import (
	"sync"
	"time"
)

// flight is one append that is under way, or that the view does not hold yet.
type flight struct {
	done     chan struct{} // closed when the append returned
	keys     []seenKey
	sequence uint64 // once done; 0: nothing was written
}

// flights are the ids on their way from a message to the view. Two messages with one id that
// come in at once meet here; one of them is appended, the other waits for the result.
type flights struct {
	mu     sync.Mutex
	ids    map[seenKey]passenger
	landed []*flight // written, oldest first, not known to be in the view
}

type passenger struct {
	flight   *flight
	received int64 // Unix nanoseconds
}

// start begins a flight, and forgets those that the view, folded up to cursor, holds.
func (s *flights) start(cursor uint64) *flight {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ids == nil {
		s.ids = make(map[seenKey]passenger)
	}
	for len(s.landed) > 0 && s.landed[0].sequence <= cursor {
		s.forget(s.landed[0])
		s.landed[0] = nil
		s.landed = s.landed[1:]
	}
	return &flight{done: make(chan struct{})}
}

// forget drops f's ids, save those that a later flight took.
func (s *flights) forget(f *flight) {
	for _, k := range f.keys {
		if s.ids[k].flight == f {
			delete(s.ids, k)
		}
	}
}

// claim parts messages into those that f takes, those that another flight holds and may still
// lose (with one such flight), and those that were taken before within the window.
func (s *flights) claim(f *flight, messages []*message, window time.Duration) (mine, held, duplicates []*message, other *flight) {
	s.mu.Lock()
	defer s.mu.Unlock()
	mine = make([]*message, 0, len(messages))
	f.keys = make([]seenKey, 0, len(messages))
	for _, m := range messages {
		k := m.key()
		p, taken := s.ids[k]
		switch {
		case taken && p.flight != f && !p.flight.landed():
			held, other = append(held, m), p.flight
		case taken && within(p.received, m.received(), window):
			duplicates = append(duplicates, m)
		default:
			s.ids[k] = passenger{flight: f, received: m.received()}
			f.keys = append(f.keys, k)
			mine = append(mine, m)
		}
	}
	return mine, held, duplicates, other
}

func (f *flight) landed() bool {
	select {
	case <-f.done:
		return true
	default:
		return false
	}
}

// finish ends f: written at sequence, or not at all. An append that failed frees its ids.
func (s *flights) finish(f *flight, sequence uint64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f.sequence = sequence
	if err == nil && sequence > 0 {
		s.landed = append(s.landed, f)
	} else {
		s.forget(f)
	}
	close(f.done)
}
