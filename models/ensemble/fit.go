package ensemble

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"sync"
	"sync/atomic"

	"bellwether"
)

const (
	cutoff = 10     // the weights with the best NDCG@10 are taken
	sample = 10_000 // targets that are looked at: NDCG@10 to about 2 % of itself
)

// Fit returns the ensemble whose weights, on a grid over the simplex, have the best NDCG@10 on q's
// validation targets: all items ranked, the history left out, tied places averaged. The
// weights of parts are not read; one whose best weight is 0 is left out.
func Fit(ctx context.Context, parts []Part, q *bellwether.Sequences, report func(bellwether.Progress)) (*Model, error) {
	if err := check(parts); err != nil {
		return nil, fmt.Errorf("ensemble: %w", err)
	}
	targets, err := spread(q, sample)
	if err != nil {
		return nil, err
	}
	s := &search{parts: parts, q: q, targets: targets, grid: simplex(len(parts), resolution(len(parts)))}
	if len(parts[0].Scorer.Items()) != len(q.Items) {
		return nil, fmt.Errorf("ensemble: %s has %d items, the sequences %d; train the parts on them", parts[0].Name, len(parts[0].Scorer.Items()), len(q.Items))
	}
	if err := s.run(ctx, report); err != nil {
		return nil, fmt.Errorf("ensemble: choose the weights: %w", err)
	}
	best, figure := s.best()
	var chosen []Part
	for i, p := range parts {
		if p.Weight = s.grid[best][i]; p.Weight > 0 {
			chosen = append(chosen, p)
		}
	}
	if report != nil {
		n := int64(len(s.targets))
		report(bellwether.Progress{Step: "choose the weights", Done: n, Total: n, Valid: figure, Note: fmt.Sprint(s.grid[best])})
	}
	return New(chosen...)
}

// spread returns up to n validation targets with a known item, evenly spread over people.
func spread(q *bellwether.Sequences, n int) (out []bellwether.Target, err error) {
	total := len(q.Validation)
	for i := range min(n, total) {
		t := q.Validation[i*total/min(n, total)]
		if t.Person < 0 || int(t.Person) >= len(q.Steps) || t.At < 0 || int(t.At) >= len(q.Steps[t.Person]) {
			return nil, fmt.Errorf("ensemble: a validation target asks for step %d of person %d, who has none there", t.At, t.Person)
		}
		if q.Steps[t.Person][t.At].Item >= 0 {
			out = append(out, t)
		}
	}
	if len(out) == 0 {
		return nil, errors.New("ensemble: there are no validation targets to choose the weights on")
	}
	return out, nil
}

// resolution is how many steps an axis of the grid has.
func resolution(parts int) int {
	if parts <= 2 {
		return 20
	}
	return 10
}

// simplex returns all weights of n parts that are multiples of 1/steps and sum to 1.
func simplex(n, steps int) [][]float64 {
	var out [][]float64
	weights := make([]float64, n)
	var fill func(part, left int)
	fill = func(part, left int) {
		if part == n-1 {
			weights[part] = float64(left) / float64(steps)
			out = append(out, append([]float64(nil), weights...))
			return
		}
		for k := range left + 1 {
			weights[part] = float64(k) / float64(steps)
			fill(part+1, left-k)
		}
	}
	fill(0, steps)
	return out
}

// search is one choice of weights.
type search struct {
	parts   []Part
	q       *bellwether.Sequences
	targets []bellwether.Target
	grid    [][]float64
	gain    [][]float64 // by target and point of the grid
}

// run fills gain, with as many workers as there are processors.
func (s *search) run(ctx context.Context, report func(bellwether.Progress)) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	s.gain = make([][]float64, len(s.targets))
	var next, done atomic.Int64
	var wait sync.WaitGroup
	var mu sync.Mutex // guards report
	for range runtime.GOMAXPROCS(0) {
		wait.Go(func() {
			rows := make([][][]float32, len(s.parts))
			for i := range rows {
				rows[i] = split(make([]float32, together*len(s.q.Items)), together, len(s.q.Items))
			}
			for ctx.Err() == nil {
				first := int(next.Add(together)) - together
				if first >= len(s.targets) {
					return
				}
				last := min(first+together, len(s.targets))
				if err := s.batch(ctx, first, last, rows); err != nil {
					cancel(err)
					return
				}
				if n := done.Add(int64(last - first)); report != nil {
					mu.Lock()
					report(bellwether.Progress{Step: "choose the weights", Done: n, Total: int64(len(s.targets))})
					mu.Unlock()
				}
			}
		})
	}
	wait.Wait()
	return context.Cause(ctx)
}

// batch fills gain of targets first … last−1; rows is memory for the scores of each part.
func (s *search) batch(ctx context.Context, first, last int, rows [][][]float32) error {
	histories := make([][]bellwether.Step, last-first)
	for i, t := range s.targets[first:last] {
		histories[i] = s.q.Steps[t.Person][:t.At]
	}
	for p := range s.parts {
		if err := s.parts[p].score(ctx, nil, histories, rows[p][:len(histories)]); err != nil {
			return err
		}
	}
	scores, room := make([][]float32, len(s.parts)), make([][]float32, len(s.parts))
	for i, t := range s.targets[first:last] {
		target := s.q.Steps[t.Person][t.At].Item
		for p := range s.parts {
			scores[p] = rows[p][i]
			leaveOut(scores[p], histories[i], target)
		}
		s.gain[first+i] = make([]float64, len(s.grid))
		var lost bool
		if room, lost = contest(room, scores, int(target)); lost {
			continue
		}
		for k, weights := range s.grid {
			s.gain[first+i][k] = gain(room, weights)
		}
	}
	return nil
}

// leaveOut makes the scores of the history NaN, which is neither above nor level, the target's aside.
func leaveOut(scores []float32, history []bellwether.Step, target int32) {
	own := scores[target]
	for _, step := range history {
		if step.Item >= 0 {
			scores[step.Item] = float32(math.NaN())
		}
	}
	scores[target] = own
}

// contest collects into room, by part, the scores of the target and, after it, of the items that may
// be above it or level with it under some weights: those which are in some part. It reports that
// the target is lost when so many items are above it in every part that no weights bring it back.
func contest(room, scores [][]float32, target int) (_ [][]float32, lost bool) {
	for p := range room {
		room[p] = append(room[p][:0], scores[p][target])
	}
	above := 0
	for i := range scores[0] {
		more, level := 0, 0
		for p := range scores {
			if v, own := scores[p][i], scores[p][target]; v > own {
				more++
			} else if v == own {
				level++
			}
		}
		if more == len(scores) {
			if above++; above >= cutoff {
				return room, true
			}
		}
		if more+level > 0 && i != target {
			for p := range room {
				room[p] = append(room[p], scores[p][i])
			}
		}
	}
	return room, false
}

// gain returns the NDCG@10 of the first of scores under weights, averaged over the places that it
// is tied for.
func gain(scores [][]float32, weights []float64) (sum float64) {
	above, tied := 0, 0
	own := weigh(scores, weights, 0)
	for i := range scores[0] {
		if v := weigh(scores, weights, i); v > own {
			if above++; above >= cutoff {
				return 0
			}
		} else if v == own {
			tied++
		}
	}
	for place := above; place < min(above+tied, cutoff); place++ {
		sum += 1 / math.Log2(float64(place+2))
	}
	return sum / float64(tied)
}

func weigh(scores [][]float32, weights []float64, item int) (sum float32) {
	for p := range scores {
		sum += float32(weights[p]) * scores[p][item]
	}
	return sum
}

// best returns the point of the grid with the best mean gain, the first of equals.
func (s *search) best() (at int, figure float64) {
	for k := range s.grid {
		sum := 0.0
		for i := range s.gain {
			sum += s.gain[i][k]
		}
		if sum /= float64(len(s.gain)); k == 0 || sum > figure {
			at, figure = k, sum
		}
	}
	return at, figure
}
