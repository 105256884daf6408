package nn

import (
	"math"
	"slices"
	"sort"
)

// draw fills drawn with n items from number first of the pass, by its seed and step.
func (l *Sampled) draw(p *Pass, first uint64, n int) {
	l.drawn = slices.Grow(l.drawn[:0], n)[:n]
	l.bits = slices.Grow(l.bits[:0], 2*n)[:2*n]
	s := p.Random
	s.Layer = negativesStream
	s.Bits(l.bits, 2*first)
	for j := range l.drawn {
		word := uint64(l.bits[2*j])<<32 | uint64(l.bits[2*j+1])
		l.drawn[j] = l.item(float64(word>>11) / (1 << 53))
	}
}

// item maps a uniform number of [0, 1) to an item.
func (l *Sampled) item(u float64) int32 {
	if l.Cumulative == nil {
		return int32(u * float64(l.Items))
	}
	j := sort.Search(l.Items, func(j int) bool { return l.Cumulative[j] > u*l.Cumulative[l.Items-1] })
	return int32(min(j, l.Items-1))
}

// logProbability returns ln q(item) where the draws are not uniform, else 0: a
// constant changes no softmax but would move the logits of the others.
func (l *Sampled) logProbability(item int32) float32 {
	if l.Cumulative == nil {
		return 0
	}
	if l.logQ == nil {
		l.logQ = logProbabilities(l.Cumulative[:l.Items])
	}
	return l.logQ[item]
}

func logProbabilities(cumulative []float64) []float32 {
	out := make([]float32, len(cumulative))
	before, total := 0.0, cumulative[len(cumulative)-1]
	for j, c := range cumulative {
		out[j] = float32(math.Log(max((c-before)/total, 1e-12)))
		before = c
	}
	return out
}
