package neighbours

import (
	"context"
	"errors"
	"math"

	"bellwether"
)

// Constants of the methods, chosen once on other data than they are reported on.
const (
	tieBreak       = 1e-7   // popularity beside sums of weights, which start at about 1e-6
	tieBreakCounts = 1e-3   // popularity beside whole counts
	tieBreakOwn    = 1e-4   // popularity beside a person's own counts and ages
	neighboursKept = 200000 // nearest of each item
	shrinkage      = 10     // added to the cosine's denominator: few co-occurrences prove little
	reach          = 5      // steps within which a rule is counted
	recentItems    = 10     // newest items of a history that count
	knnDecay       = 0.8
	rulesDecay     = 0.5
	dampFrom       = 0.5 // exponents of both popularities in a rule
	dampTo         = 0.3
	week           = 7 * 24 * 60 * 60
)

// ErrNoTimes is returned by Popularity7Days when no step has a time.
var ErrNoTimes = errors.New("the steps have no times, which popularity of the last 7 days needs")

// Popularity scores items by how often they occur in the training part.
type Popularity struct{}

// Family names what it trains.
func (Popularity) Family() string { return "popularity" }

// Train counts.
func (t Popularity) Train(ctx context.Context, d *bellwether.Dataset, report func(bellwether.Progress)) (bellwether.Model, error) {
	return fit(ctx, t.Family(), d, report, 1)
}

// Popularity7Days scores items by how often they occur in the seven days that end with the newest
// step of the training part; ties are broken by popularity of all time.
type Popularity7Days struct{}

// Family names what it trains.
func (Popularity7Days) Family() string { return "popularity-7d" }

// Train counts. The error is ErrNoTimes if no step of the training part has a time.
func (t Popularity7Days) Train(ctx context.Context, d *bellwether.Dataset, report func(bellwether.Progress)) (bellwether.Model, error) {
	m, err := fit(ctx, t.Family(), d, report, tieBreakCounts)
	if err != nil {
		return nil, err
	}
	newest := int64(0)
	eachStep(d.Sequences, func(s bellwether.Step) { newest = max(newest, s.Time) })
	if newest == 0 {
		return nil, ErrNoTimes
	}
	eachStep(d.Sequences, func(s bellwether.Step) {
		if s.Item >= 0 && s.Time > newest-week {
			m.base[s.Item]++
		}
	})
	return m, nil
}

// Markov scores items by how often they came right after the last item of the history.
type Markov struct{}

// Family names what it trains.
func (Markov) Family() string { return "markov" }

// Train counts pairs of adjacent steps.
func (t Markov) Train(ctx context.Context, d *bellwether.Dataset, report func(bellwether.Progress)) (bellwether.Model, error) {
	return fit(ctx, t.Family(), d, report, tieBreakCounts, fitMarkov)
}

// ItemKNN scores an item by its similarity to the last ten of the history, the newest counting
// most: n_ij / (√(n_i·n_j) + 10), a cosine with shrinkage (Sarwar et al. 2001, Item-based
// collaborative filtering).
type ItemKNN struct {
	Neighbours int // nearest of each item that are kept; 0: 2,000. Fewer is better on dense data
}

// Family names what it trains.
func (ItemKNN) Family() string { return "item-knn" }

// Train counts pairs of items of one person.
func (t ItemKNN) Train(ctx context.Context, d *bellwether.Dataset, report func(bellwether.Progress)) (bellwether.Model, error) {
	return fit(ctx, t.Family(), d, report, tieBreak, fitKNN(t.Neighbours))
}

// Rules scores items by sequential rules: "i, then j within 5 steps" counts 1/steps and is damped by
// both popularities, n_i^.5 · n_j^.3 (after Ludewig & Jannach 2018, Evaluation of session-based
// recommendation algorithms, §3.1).
type Rules struct{}

// Family names what it trains.
func (Rules) Family() string { return "rules" }

// Train counts ordered pairs.
func (t Rules) Train(ctx context.Context, d *bellwether.Dataset, report func(bellwether.Progress)) (bellwether.Model, error) {
	return fit(ctx, t.Family(), d, report, tieBreak, fitRules)
}

// Blend is the sum of ItemKNN and Rules.
type Blend struct{}

// Family names what it trains.
func (Blend) Family() string { return "blend" }

// Train fits both parts.
func (t Blend) Train(ctx context.Context, d *bellwether.Dataset, report func(bellwether.Progress)) (bellwether.Model, error) {
	return fit(ctx, t.Family(), d, report, tieBreak, fitKNN(neighboursKept), fitRules)
}

// fitter makes one table; count is the number of steps of each item.
type fitter func(ctx context.Context, q *bellwether.Sequences, count []float64) (table, error)

// fit makes a model whose base is popularity, 1 for the most popular item, times scale.
func fit(ctx context.Context, family string, d *bellwether.Dataset, report func(bellwether.Progress), scale float64, fitters ...fitter) (*Model, error) {
	q, err := check(d)
	if err != nil {
		return nil, err
	}
	count := make([]float64, len(q.Items))
	eachStep(q, func(s bellwether.Step) {
		if s.Item >= 0 {
			count[s.Item]++
		}
	})
	m := &Model{family: family, items: q.Items, base: make([]float32, len(count))}
	most := 1.0
	for _, c := range count {
		most = max(most, c)
	}
	for i, c := range count {
		m.base[i] = float32(scale * c / most)
	}
	for i, f := range fitters {
		t, err := f(ctx, q, count)
		if err != nil {
			return nil, err
		}
		m.tables = append(m.tables, t)
		if report != nil {
			report(bellwether.Progress{Step: "fit " + family, Done: int64(i + 1), Total: int64(len(fitters))})
		}
	}
	return m, ctx.Err()
}

// eachStep calls f for every step of the training part.
func eachStep(q *bellwether.Sequences, f func(bellwether.Step)) {
	for p, steps := range q.Steps {
		for _, s := range steps[:q.TrainEnd[p]] {
			f(s)
		}
	}
}

func fitMarkov(ctx context.Context, q *bellwether.Sequences, _ []float64) (table, error) {
	r := ordered(q)
	m, err := build(ctx, r, func(a *accumulator, at int) {
		if next := r.items[at+1]; next >= 0 {
			a.add(next, 1)
		}
	}, nil)
	return table{matrix: m, recent: 1, decay: 1}, err
}

func fitKNN(neighbours int) fitter {
	if neighbours <= 0 {
		neighbours = neighboursKept
	}
	return func(ctx context.Context, q *bellwether.Sequences, count []float64) (table, error) {
		r := distinct(q)
		var scratch []float32
		m, err := build(ctx, r, r.pairs, func(i int, a *accumulator) {
			for _, j := range a.touched {
				a.value[j] /= float32(math.Sqrt(count[i]*count[j]) + shrinkage)
			}
			scratch = a.keep(neighbours, scratch)
		})
		if err != nil {
			return table{}, err
		}
		// An item scores by its own neighbours: who is near to it, not to whom it is near.
		return table{matrix: m.transpose(), recent: recentItems, decay: knnDecay}, nil
	}
}

func fitRules(ctx context.Context, q *bellwether.Sequences, count []float64) (table, error) {
	r := ordered(q)
	from, to := powers(count, -dampFrom), powers(count, -dampTo)
	m, err := build(ctx, r, func(a *accumulator, at int) {
		for lag := 1; lag <= reach && r.items[at+lag] >= 0; lag++ {
			if j := r.items[at+lag]; j != r.items[at] {
				a.add(j, 1/float32(lag))
			}
		}
	}, func(i int, a *accumulator) {
		for _, j := range a.touched {
			a.value[j] *= from[i] * to[j]
		}
	})
	return table{matrix: m, recent: recentItems, decay: rulesDecay}, err
}

// powers returns max(x, 1)^exponent.
func powers(x []float64, exponent float64) []float32 {
	out := make([]float32, len(x))
	for i, v := range x {
		out[i] = float32(math.Pow(max(v, 1), exponent))
	}
	return out
}
