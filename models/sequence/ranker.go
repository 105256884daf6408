package sequence

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"bellwether"
	"bellwether/tensor"
	"bellwether/tensor/nn"
)

// ErrNoHistory is returned for a person without events. Score answers such a
// person by popularity.
var ErrNoHistory = errors.New("the person has no events: rank by popularity")

// RankerOptions say how a Ranker answers; the zero value is ready.
type RankerOptions struct {
	// Cache remembers people between requests; nil: nobody. Rankers may share one.
	Cache *Cache
	// Int8 scores by copies of the items' vectors in 8 bits.
	Int8 bool
	// Slide is by how many events the window moves once a history is longer than
	// Settings.Length. 0 or 1 always looks at the latest Length events, as Score
	// of the model does; but then each event of a long history moves every
	// position, and nothing that was kept serves again. With s, between Length−s+1
	// and Length events are looked at, and a person is recomputed at every s-th
	// event only. Histories must then be given from their beginning.
	Slide int
}

// Ranker answers requests by a trained model. It is a Scorer that gives the
// model's scores (to rounding, unless Int8 or Slide say otherwise), computes no
// more of the network than the answer needs, and keeps people's keys and values
// in a Cache, so that one new event costs one token. It is safe for concurrent use.
type Ranker struct {
	*Model
	options RankerOptions
	version uint64 // tells what a Cache holds of this Ranker from what it holds of others
	decoder *nn.Decoder
	bytes   *tensor.Bytes // nil unless Int8

	mu    sync.Mutex
	idle  []*work   // guarded by mu
	large sync.Pool // of *work, those of batches: what many people together took goes back to the collector
}

var (
	_        bellwether.Scorer = (*Ranker)(nil)
	versions atomic.Uint64
)

// NewRanker lays m out for answers. It returns an error if a weight is NaN or
// infinite. m must not be trained further.
func NewRanker(m *Model, o RankerOptions) (*Ranker, error) {
	if o.Slide < 0 || o.Slide > m.settings.Length {
		return nil, fmt.Errorf("sequence: a window of %d events cannot slide by %d", m.settings.Length, o.Slide)
	}
	if m.packed == nil {
		return nil, errors.New("sequence: the model was not trained")
	}
	if err := m.checkWeights(); err != nil {
		return nil, err
	}
	r := &Ranker{Model: m, options: o, version: versions.Add(1), decoder: nn.NewDecoder(m.blocks)}
	r.large.New = func() any { return r.newWork() }
	if o.Int8 {
		r.bytes = tensor.ToBytes(nil, m.table.Value, len(m.items), m.settings.Dim)
	}
	return r, nil
}

// checkWeights looks at all weights but the shared rows of hashed ids, of which
// the items' vectors tell; those of people show in their states.
func (m *Model) checkWeights() error {
	arrays := append(nn.Params{m.table}, m.params...)
	for _, p := range arrays {
		if h := m.embedding.hashed; h != nil && p == h.table {
			continue
		}
		if i := tensor.CheckFinite(p.Value); i >= 0 {
			return fmt.Errorf("sequence: weight %d of %s is %v: train the model again, or serve the one before it", i, p.Name, p.Value[i])
		}
	}
	return nil
}

// work is the memory of one request.
type work struct {
	pass    nn.Pass
	tokens  tokens
	scores  []float32 // [items], or [people, items] of a batch
	best    []int32
	answer  []bellwether.ScoredItem
	live    []int // people of a batch who have a history
	query   tensor.Bytes
	session Session // of a person who is not remembered
}

func (r *Ranker) newWork() *work {
	w := &work{scores: make([]float32, len(r.items))}
	w.session.init(r, "")
	return w
}

func (r *Ranker) take() *work {
	r.mu.Lock()
	defer r.mu.Unlock()
	last := len(r.idle) - 1
	if last < 0 {
		return r.newWork()
	}
	w := r.idle[last]
	r.idle = r.idle[:last]
	return w
}

func (r *Ranker) put(w *work) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.idle = append(r.idle, w)
}

// window returns the events of a history that are looked at, and the one before them.
func (r *Ranker) window(history []bellwether.Step) ([]bellwether.Step, *bellwether.Step) {
	over, slide := len(history)-r.settings.Length, max(r.options.Slide, 1)
	if over <= 0 {
		return history, nil
	}
	first := (over + slide - 1) / slide * slide
	return history[first:], &history[first-1]
}

// scan sets out, [items], to the scores after a state.
func (r *Ranker) scan(w *work, out, state []float32) {
	if r.bytes == nil {
		tensor.ScanRows(out, state, r.table.Value, len(r.items), r.settings.Dim)
		return
	}
	tensor.ScanBytes(out, tensor.ToBytes(&w.query, state, 1, len(state)), r.bytes)
}

// session finds what is remembered of a person.
func (r *Ranker) session(w *work, person bellwether.Subject) *Session {
	if person == "" || r.options.Cache == nil {
		w.session.person = person
		return &w.session
	}
	return r.options.Cache.take(r, person)
}

// leave remembers a person again.
func (r *Ranker) leave(s *Session) {
	if s.cached {
		r.options.Cache.put(s)
	}
}
