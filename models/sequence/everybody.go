package sequence

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"

	"bellwether"
	"bellwether/tensor"
)

// RankAll answers many questions on all processors, such as those of everybody
// for a campaign. each is called once for every question, from several
// goroutines at a time; best is valid during the call only, and err that of this
// one question, such as ErrNoHistory. Nobody is remembered.
func (r *Ranker) RankAll(ctx context.Context, questions []Question, each func(i int, best []bellwether.ScoredItem, err error)) error {
	return r.batches(ctx, len(questions), func(w *work, first, last int) {
		r.batch(w, questions[first:last], func(i int, scores []float32, err error) {
			w.answer = w.answer[:0]
			if err == nil {
				w.answer = r.cut(w, w.answer, scores, &questions[first+i])
			}
			each(first+i, w.answer, err)
		})
	})
}

// Score implements bellwether.Scorer: a person without history gets the
// logarithm of each item's popularity, as from the model.
func (r *Ranker) Score(ctx context.Context, histories [][]bellwether.Step, out [][]float32) error {
	return r.ScoreAs(ctx, nil, histories, out)
}

// ScoreAs is Score for people with names, whom the Cache remembers; without a
// Cache or names all are scored together, on all processors. people may be nil,
// and each be "".
func (r *Ranker) ScoreAs(ctx context.Context, people []bellwether.Subject, histories [][]bellwether.Step, out [][]float32) error {
	for i := range histories {
		if len(out[i]) < len(r.items) {
			return fmt.Errorf("sequence: scoring: room for %d scores, the vocabulary has %d items", len(out[i]), len(r.items))
		}
	}
	if len(histories) == 1 || people != nil && r.options.Cache != nil {
		return r.scoreEach(ctx, people, histories, out)
	}
	questions := make([]Question, len(histories))
	for i, h := range histories {
		questions[i].History = h
		if people != nil {
			questions[i].Person = people[i]
		}
	}
	var failed atomic.Pointer[error]
	err := r.batches(ctx, len(questions), func(w *work, first, last int) {
		r.batch(w, questions[first:last], func(i int, scores []float32, err error) {
			switch {
			case errors.Is(err, ErrNoHistory):
				copy(out[first+i], r.popularity)
			case err != nil:
				err = fmt.Errorf("sequence: scoring history %d: %w", first+i, err)
				failed.CompareAndSwap(nil, &err)
			default:
				copy(out[first+i], scores)
			}
		})
	})
	if first := failed.Load(); err == nil && first != nil {
		return *first
	}
	return err
}

// scoreEach scores one person after another.
func (r *Ranker) scoreEach(ctx context.Context, people []bellwether.Subject, histories [][]bellwether.Step, out [][]float32) error {
	w := r.take()
	defer r.put(w)
	for i, history := range histories {
		if err := ctx.Err(); err != nil {
			return err
		}
		if len(history) == 0 {
			copy(out[i], r.popularity)
			continue
		}
		var person bellwether.Subject
		if people != nil {
			person = people[i]
		}
		if err := r.scoreOne(w, person, history, out[i]); err != nil {
			return fmt.Errorf("sequence: scoring history %d: %w", i, err)
		}
	}
	return nil
}

func (r *Ranker) scoreOne(w *work, person bellwether.Subject, history []bellwether.Step, out []float32) error {
	s := r.session(w, person)
	defer r.leave(s)
	if err := s.follow(w, history); err != nil {
		return err
	}
	r.scan(w, out[:len(r.items)], s.state)
	return nil
}

// batches calls body for runs of 0 … n−1, on all processors.
func (r *Ranker) batches(ctx context.Context, n int, body func(w *work, first, last int)) error {
	const scores, most, least = 1 << 19, 128, 16
	size := max(least, min(most, scores/len(r.items)))
	group := 4 * runtime.GOMAXPROCS(0) * size // between two looks at ctx
	for start := 0; start < n; start += group {
		if err := ctx.Err(); err != nil {
			return err
		}
		end := min(n, start+group)
		tensor.Parallel((end-start+size-1)/size, func(part int) {
			w := r.large.Get().(*work)
			defer r.large.Put(w)
			first := start + part*size
			body(w, first, min(end, first+size))
		})
	}
	return nil
}

// batch scores people together, without what is remembered of them, and answers
// for each with the scores of all items or an error. The answer may change scores.
func (r *Ranker) batch(w *work, questions []Question, answer func(i int, scores []float32, err error)) {
	w.tokens.reset(len(r.settings.Fields))
	w.live = w.live[:0]
	for i := range questions {
		q := &questions[i]
		window, before := r.window(q.History)
		err := r.check(window, false)
		if len(window) == 0 {
			err = ErrNoHistory
		}
		if err != nil {
			answer(i, nil, err)
			continue
		}
		r.tokens(&w.tokens, window, before, q.Person)
		w.live = append(w.live, i)
	}
	if len(w.live) == 0 {
		return
	}
	n, d, states := len(r.items), r.settings.Dim, r.states(w, nil)
	if cap(w.scores) < len(w.live)*n {
		w.scores = make([]float32, len(w.live)*n)
	}
	if r.bytes == nil {
		tensor.MatMulPacked(w.scores[:len(w.live)*n], states, r.packed, len(w.live), tensor.Tail{})
	}
	for j, i := range w.live {
		scores, state := w.scores[j*n:(j+1)*n], states[j*d:(j+1)*d]
		if tensor.CheckFinite(state) >= 0 {
			answer(i, nil, errNotFinite)
			continue
		}
		if r.bytes != nil {
			r.scan(w, scores, state)
		}
		answer(i, scores, nil)
	}
}
