package ensemble

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"bellwether"
)

const (
	cutoff = 10     // the weights with the best NDCG@10 are taken
	sample = 10_000 // targets that are looked at: NDCG@10 to about 2 % of itself
)

// Fit returns the ensemble with the best NDCG@10 on q's validation targets among what the surface offers
// (bellwether.Sequences.Served), tied places averaged. It chooses the weights, on a grid over the simplex that is coarse first and
// then fine around the best point, and whether parts speak of items of the history. The weights of parts are
// not read; one whose best weight is 0 is left out.
func Fit(ctx context.Context, parts []Part, q *bellwether.Sequences, report func(bellwether.Progress)) (*Model, error) {
	if err := check(parts); err != nil {
		return nil, fmt.Errorf("ensemble: %w", err)
	}
	targets, err := spread(q, sample)
	if err != nil {
		return nil, err
	}
	s := &search{parts: parts, q: q, targets: targets}
	if len(parts[0].Scorer.Items()) != len(q.Items) {
		return nil, fmt.Errorf("ensemble: %s has %d items, the sequences %d; train the parts on them", parts[0].Name, len(parts[0].Scorer.Items()), len(q.Items))
	}
	steps := resolution(len(parts)) / 2
	s.grid = points(simplex(len(parts), steps), q.Served.Exclude != bellwether.ExcludeSeen)
	best := s.grid[0]
	figure := 0.0
	for range 2 {
		if err := s.run(ctx, report); err != nil {
			return nil, fmt.Errorf("ensemble: choose the weights: %w", err)
		}
		best, figure = s.best()
		s.grid = around(best, resolution(len(parts)))
	}
	if report != nil {
		n := int64(len(s.targets))
		report(bellwether.Progress{Step: "choose the weights", Done: n, Total: n, Valid: figure, Note: fmt.Sprint(best)})
	}
	return New(best.of(parts)...)
}

// point is one ensemble that is tried.
type point struct {
	weights []float64
	silent  bool // parts say nothing of items of the history
}

// points are those of a grid of weights, spoken or also silent.
func points(grid [][]float64, alsoSilent bool) (out []point) {
	for _, w := range grid {
		out = append(out, point{weights: w})
	}
	if alsoSilent {
		for _, w := range grid {
			out = append(out, point{weights: w, silent: true})
		}
	}
	return out
}

// around are the points of the grid with so many steps an axis that are no more than one step from p in any weight; p is the first.
func around(p point, steps int) []point {
	out := []point{p}
	n := len(p.weights)
	moves := make([]int, n)
	var fill func(part, sum int)
	fill = func(part, sum int) {
		if part == n {
			if sum == 0 && slices.ContainsFunc(moves, func(m int) bool { return m != 0 }) {
				out = append(out, p.moved(moves, steps))
			}
			return
		}
		for m := -1; m <= 1; m++ {
			if at := math.Round(p.weights[part]*float64(steps)) + float64(m); at < 0 {
				continue
			}
			moves[part] = m
			fill(part+1, sum+m)
		}
	}
	fill(0, 0)
	return out
}

// moved is p with its weights so many steps away.
func (p point) moved(moves []int, steps int) point {
	out := point{silent: p.silent}
	for i, w := range p.weights {
		out.weights = append(out.weights, (math.Round(w*float64(steps))+float64(moves[i]))/float64(steps))
	}
	return out
}

// of are the parts that have a weight.
func (p point) of(parts []Part) (out []Part) {
	for i, part := range parts {
		part.Weight = p.weights[i]
		if p.silent {
			part.Scale = silent[part.Scale]
		}
		if part.Weight > 0 {
			out = append(out, part)
		}
	}
	return out
}

// spread returns up to n validation targets with an item that the surface offers, evenly spread over people.
func spread(q *bellwether.Sequences, n int) (out []bellwether.Target, err error) {
	for _, t := range q.Spread(q.Validation, n) {
		if t.Person < 0 || int(t.Person) >= len(q.Steps) || t.At < 0 || int(t.At) >= len(q.Steps[t.Person]) {
			return nil, fmt.Errorf("ensemble: a validation target asks for step %d of person %d, who has none there", t.At, t.Person)
		}
		steps := q.Steps[t.Person]
		if asked := &steps[t.At]; asked.Item >= 0 && q.Served.Allows(steps[:t.At], asked.Time, asked.Item) {
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
	grid    []point
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
	var without []int32
	room := make([][]float32, len(s.parts))
	for i, t := range s.targets[first:last] {
		asked := &s.q.Steps[t.Person][t.At]
		without = s.q.Served.Withhold(without[:0], histories[i], asked.Time)
		scores := make([][]float32, len(s.parts))
		for p := range s.parts {
			scores[p] = rows[p][i]
			leaveOut(scores[p], without)
		}
		s.gain[first+i] = make([]float64, len(s.grid))
		s.fill(s.gain[first+i], room, scores, int(asked.Item), false)
		for p := range s.parts {
			if s.parts[p].Scale != Own {
				hush(scores[p], histories[i])
			}
		}
		s.fill(s.gain[first+i], room, scores, int(asked.Item), true)
	}
	return nil
}

// fill fills the gains of a target at the points that are silent, or at those that are not.
func (s *search) fill(gains []float64, room, scores [][]float32, target int, silent bool) {
	if !slices.ContainsFunc(s.grid, func(p point) bool { return p.silent == silent }) {
		return
	}
	room, lost := contest(room, scores, target)
	if lost {
		return
	}
	for k, p := range s.grid {
		if p.silent == silent {
			gains[k] = gain(room, p.weights)
		}
	}
}

// leaveOut makes the scores of items NaN, which is neither above nor level.
func leaveOut(scores []float32, items []int32) {
	for _, item := range items {
		scores[item] = float32(math.NaN())
	}
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
func (s *search) best() (best point, figure float64) {
	for k := range s.grid {
		sum := 0.0
		for i := range s.gain {
			sum += s.gain[i][k]
		}
		if sum /= float64(len(s.gain)); k == 0 || sum > figure {
			best, figure = s.grid[k], sum
		}
	}
	return best, figure
}
