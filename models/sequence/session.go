package sequence

import (
	"errors"
	"fmt"

	"bellwether"
	"bellwether/tensor"
	"bellwether/tensor/nn"
)

// Session is one person's place in a Ranker: the keys and values of the events
// that were looked at, and the state after the last of them. Asked about a
// history it computes the events alone in which that differs from the last one
// it was asked about, at its end; so a new event costs one token, an event that
// changed or went away is as good as forgotten, and what was kept never shows in
// an answer. A history longer than the window is computed anew (see
// RankerOptions.Slide). One goroutine at a time may use a Session.
type Session struct {
	ranker  *Ranker
	version uint64 // of the ranker
	person  bellwether.Subject

	keep   bool // past is used
	past   nn.Past
	steps  []bellwether.Step // of past, [past.Tokens()]
	before bellwether.Step   // what came before steps
	begun  bool              // nothing did
	state  []float32         // after the last of steps, [dim]

	cached         bool // belongs to a Cache
	newer, older   *Session
	bytes, forgets int64 // see Cache
}

// Session returns a place for a person that the caller keeps; "" is for nobody in particular.
func (r *Ranker) Session(person bellwether.Subject) *Session {
	s := &Session{keep: true}
	s.init(r, person)
	return s
}

func (s *Session) init(r *Ranker, person bellwether.Subject) {
	s.ranker, s.version, s.person = r, r.version, person
	if cap(s.state) < r.settings.Dim {
		s.state = make([]float32, r.settings.Dim)
	}
	s.state = s.state[:r.settings.Dim]
	s.forget()
}

func (s *Session) forget() {
	s.past.Truncate(0)
	s.steps = s.steps[:0]
}

// Rank is Ranker.Rank for the person of the session; q.Person plays no part.
func (s *Session) Rank(dst []bellwether.ScoredItem, q *Question) ([]bellwether.ScoredItem, error) {
	w := s.ranker.take()
	defer s.ranker.put(w)
	return s.rank(w, dst, q)
}

// Score sets out, [items], to the scores of all items after a history.
func (s *Session) Score(history []bellwether.Step, out []float32) error {
	if len(out) < len(s.ranker.items) {
		return fmt.Errorf("sequence: scoring: room for %d scores, the vocabulary has %d items", len(out), len(s.ranker.items))
	}
	w := s.ranker.take()
	defer s.ranker.put(w)
	if err := s.follow(w, history); err != nil {
		return fmt.Errorf("sequence: scoring: %w", err)
	}
	s.ranker.scan(w, out[:len(s.ranker.items)], s.state)
	return nil
}

// Tokens returns how many events are kept.
func (s *Session) Tokens() int { return s.past.Tokens() }

var errNotFinite = errors.New("the state after the last event is not finite: the model's weights are damaged, serve the one before it")

// follow makes state that after a history.
func (s *Session) follow(w *work, history []bellwether.Step) error {
	if len(history) == 0 {
		return ErrNoHistory
	}
	window, before := s.ranker.window(history)
	known := s.shared(window, before)
	if known == len(window) && known == len(s.steps) {
		return nil
	}
	known = min(known, len(window)-1) // the last one's state is wanted
	if err := s.ranker.check(window[known:], false); err != nil {
		return err
	}
	if known > 0 {
		before = &window[known-1]
	}
	s.compute(w, window[known:], before, known)
	if tensor.CheckFinite(s.state) >= 0 {
		s.forget()
		return errNotFinite
	}
	if s.keep {
		s.steps = append(s.steps[:known], window[known:]...)
	}
	return nil
}

// shared returns how many events at its beginning a window has in common with what is kept.
func (s *Session) shared(window []bellwether.Step, before *bellwether.Step) int {
	if !s.keep {
		return 0
	}
	first := bellwether.Step{}
	if before != nil {
		first = *before
	}
	if s.begun != (before == nil) || s.before != first {
		s.forget()
		s.begun, s.before = before == nil, first
	}
	n := 0
	for n < min(len(window), len(s.steps)) && window[n] == s.steps[n] {
		n++
	}
	return n
}

// compute sets state to that after steps, the first of which is number first and comes after before.
func (s *Session) compute(w *work, steps []bellwether.Step, before *bellwether.Step, first int) {
	r, t := s.ranker, &w.tokens
	t.reset(len(r.settings.Fields))
	r.tokens(t, steps, before, s.person)
	for i := range t.ids[1] {
		t.ids[1][i] += int32(first)
	}
	var past *nn.Past
	if s.keep {
		past = &s.past
		past.Truncate(first)
	}
	copy(s.state, r.states(w, past))
}

// tokens adds steps to t.
func (r *Ranker) tokens(t *tokens, steps []bellwether.Step, before *bellwether.Step, person bellwether.Subject) {
	t.append(r.Model, steps, before)
	if h := r.embedding.hashed; h != nil && h.People {
		t.name(h.person(person))
	}
}

// states returns the state after each sequence of w.tokens, [sequences, dim].
func (r *Ranker) states(w *work, past *nn.Past) []float32 {
	t, p := &w.tokens, &w.pass
	p.Begin(len(t.ids[0]), t.offsets)
	return r.norm.Forward(p, r.decoder.Forward(p, r.embedding.Forward(p, t.ids, t.people...), past))
}
