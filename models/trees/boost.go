package trees

import (
	"math"
	"math/rand/v2"

	"bellwether/tensor"
)

// chunk is the rows that a goroutine treats at a time.
const chunk = 4096

func chunks(n int) int { return (n + chunk - 1) / chunk }

// part is the rows of one use with their scores.
type part struct {
	m      *matrix
	y      []float64
	scores [][]float64 // [outputs][rows]
}

func newPart(m *matrix, y, start []float64) part {
	p := part{m: m, y: y}
	for _, s := range start {
		scores := make([]float64, m.rows)
		for i := range scores {
			scores[i] = s
		}
		p.scores = append(p.scores, scores)
	}
	return p
}

// add adds a tree to the scores of all rows.
func (p *part) add(t *tree, rests []int, output int) {
	tensor.Parallel(chunks(p.m.rows), func(i int) {
		t.add(p.scores[output], p.m, rests, i*chunk, min((i+1)*chunk, p.m.rows))
	})
}

// booster adds trees one after another.
type booster struct {
	*Trainer
	loss       loss
	grower     *grower
	fit, valid part
	rests      []int
	usable     []int // columns of more than one bin

	slopes []slope     // by row of fit
	odds   [][]float64 // Softmax: probabilities, [outputs][rows]
	inside []int32     // rows of the round
	used   []int       // columns of the round
	rest   []float64   // residuals of a leaf
}

// round grows a tree for each output.
func (b *booster) round(round int) []tree {
	b.draw(round)
	if b.loss.Objective == Softmax {
		b.probabilities()
	}
	trees := make([]tree, b.loss.outputs)
	for k := range trees {
		b.load(k)
		b.grower.grow(len(b.inside), b.used)
		trees[k] = b.keep(k)
		b.fit.add(&trees[k], b.rests, k)
		if b.valid.m != nil {
			b.valid.add(&trees[k], b.rests, k)
		}
	}
	return trees
}

// draw draws the rows and columns of a round, which depend on the seed and the round alone.
func (b *booster) draw(round int) {
	rng := rand.NewPCG(b.Seed, uint64(round))
	b.inside = b.inside[:0]
	for r := range b.fit.m.rows {
		if b.Rows >= 1 || unit(rng) < b.Rows {
			b.inside = append(b.inside, int32(r))
		}
	}
	n := max(1, int(math.Round(b.Columns*float64(len(b.usable)))))
	b.used = b.used[:0]
	for i, f := range b.usable { // Knuth's selection sampling
		if missing := n - len(b.used); missing > 0 && unit(rng)*float64(len(b.usable)-i) < float64(missing) {
			b.used = append(b.used, f)
		}
	}
}

func unit(rng *rand.PCG) float64 { return float64(rng.Uint64()>>11) / (1 << 53) }

// probabilities turns the scores of Softmax to probabilities, once a round.
func (b *booster) probabilities() {
	if b.odds == nil {
		for range b.loss.outputs {
			b.odds = append(b.odds, make([]float64, b.fit.m.rows))
		}
	}
	tensor.Parallel(chunks(b.fit.m.rows), func(i int) {
		row := make([]float64, b.loss.outputs)
		for r := i * chunk; r < min((i+1)*chunk, b.fit.m.rows); r++ {
			for k := range row {
				row[k] = b.fit.scores[k][r]
			}
			softmax(row)
			for k := range row {
				b.odds[k][r] = row[k]
			}
		}
	})
}

// load computes the slopes of one output and gives those of the round's rows to the grower.
func (b *booster) load(k int) {
	scores := b.fit.scores
	if b.odds != nil {
		scores = b.odds
	}
	tensor.Parallel(chunks(b.fit.m.rows), func(i int) {
		b.loss.slopes(b.slopes, scores, b.fit.y, k, i*chunk, min((i+1)*chunk, b.fit.m.rows))
	})
	copy(b.grower.rows, b.inside)
	tensor.Parallel(chunks(len(b.inside)), func(i int) {
		for at := i * chunk; at < min((i+1)*chunk, len(b.inside)); at++ {
			b.grower.slopes[at] = b.slopes[b.inside[at]]
		}
	})
}

// keep copies the grown tree, its values shrunk.
func (b *booster) keep(k int) tree {
	g := b.grower
	t := tree{nodes: append([]node(nil), g.nodes...), sets: append([]levelSet(nil), g.sets...)}
	t.values, t.rows = make([]float32, len(g.leaves)), make([]int32, len(g.leaves))
	for i := range g.leaves {
		l := &g.leaves[i]
		if b.loss.renews() {
			l.value = b.renew(l, k)
		}
		t.values[i], t.rows[i] = float32(b.Rate*l.value), int32(l.n)
	}
	return t
}

// renew is the quantile of a leaf's residuals, within its monotone bounds.
func (b *booster) renew(l *leaf, k int) float64 {
	b.rest = b.rest[:0]
	for _, r := range b.grower.rows[l.first : l.first+l.n] {
		b.rest = append(b.rest, b.fit.y[r]-b.fit.scores[k][r])
	}
	if len(b.rest) == 0 {
		return 0
	}
	return min(max(quantile(b.rest, b.loss.quantile), l.lo), l.hi)
}
