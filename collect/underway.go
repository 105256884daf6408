package collect

import (
	"sync"
	"time"
)

// appending is one append that is under way, or that the view does not hold yet.
type appending struct {
	done     chan struct{} // closed when the append returned
	keys     []seenKey
	sequence uint64 // once done; 0: nothing was written
}

// underWay are the ids on their way from a message to the view. Two messages with one id that
// come in at once meet here; one of them is appended, the other waits for the result.
type underWay struct {
	mu      sync.Mutex
	ids     map[seenKey]takenID
	written []*appending // written, oldest first, not known to be in the view
}

type takenID struct {
	appending *appending
	received  int64 // Unix nanoseconds
}

// start begins an append, and forgets those that the view, folded up to cursor, holds.
func (s *underWay) start(cursor uint64) *appending {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ids == nil {
		s.ids = make(map[seenKey]takenID)
	}
	for len(s.written) > 0 && s.written[0].sequence <= cursor {
		s.forget(s.written[0])
		s.written[0] = nil
		s.written = s.written[1:]
	}
	return &appending{done: make(chan struct{})}
}

// forget drops f's ids, save those that a later one took.
func (s *underWay) forget(f *appending) {
	for _, k := range f.keys {
		if s.ids[k].appending == f {
			delete(s.ids, k)
		}
	}
}

// claim parts messages into those that f takes, those that another append holds and may still
// lose (with one such append), and those that were taken before within the window.
func (s *underWay) claim(f *appending, messages []*message, window time.Duration) (mine, held, duplicates []*message, other *appending) {
	s.mu.Lock()
	defer s.mu.Unlock()
	mine = make([]*message, 0, len(messages))
	f.keys = make([]seenKey, 0, len(messages))
	for _, m := range messages {
		k := m.key()
		p, taken := s.ids[k]
		switch {
		case taken && p.appending != f && !p.appending.written():
			held, other = append(held, m), p.appending
		case taken && within(p.received, m.received(), window):
			duplicates = append(duplicates, m)
		default:
			s.ids[k] = takenID{appending: f, received: m.received()}
			f.keys = append(f.keys, k)
			mine = append(mine, m)
		}
	}
	return mine, held, duplicates, other
}

func (f *appending) written() bool {
	select {
	case <-f.done:
		return true
	default:
		return false
	}
}

// finish ends f: written at sequence, or not at all. An append that failed frees its ids.
func (s *underWay) finish(f *appending, sequence uint64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f.sequence = sequence
	if err == nil && sequence > 0 {
		s.written = append(s.written, f)
	} else {
		s.forget(f)
	}
	close(f.done)
}
