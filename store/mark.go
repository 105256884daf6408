package store

import (
	"context"
	"sync"
)

// mark is a sequence that rises, and that others wait for.
type mark struct {
	mu      sync.Mutex
	at      uint64
	err     error         // set: it rises no further
	changed chan struct{} // closed at the next change; nil while nobody waits
}

func (m *mark) value() uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.at
}

// advance raises the mark to at; a lower one changes nothing.
func (m *mark) advance(at uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if at > m.at {
		m.at = at
		m.wake()
	}
}

// set sets the mark, lower or higher, and forgets an earlier failure.
func (m *mark) set(at uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.at, m.err = at, nil
	m.wake()
}

// fail gives err to those who wait for more than has been reached.
func (m *mark) fail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.err = err
	m.wake()
}

func (m *mark) wake() {
	if m.changed != nil {
		close(m.changed)
		m.changed = nil
	}
}

// wait returns the mark once it is at least at.
func (m *mark) wait(ctx context.Context, at uint64) (uint64, error) {
	for {
		now, changed, err := m.look(at)
		if now >= at || err != nil {
			return now, err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return now, ctx.Err()
		}
	}
}

func (m *mark) look(at uint64) (uint64, <-chan struct{}, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.at >= at {
		return m.at, nil, nil
	}
	if m.changed == nil {
		m.changed = make(chan struct{})
	}
	return m.at, m.changed, m.err
}
