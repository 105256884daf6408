package evaluate

import (
	"fmt"
	"slices"

	"bellwether"
)

// Estimates returns the figures of Rank.
func (r *Ranking) Estimates() map[string]bellwether.Estimate {
	out := r.means(r.figures[:])
	out[fmt.Sprintf("coverage@%d", r.o.K)] = bellwether.Estimate{
		Value: float64(r.covered) / float64(r.items), N: int64(r.items),
		Method: fmt.Sprintf("point: share of the items that stand in any of %d lists", len(r.person)),
	}
	for name, e := range out {
		e.Method += r.counted()
		out[name] = e
	}
	return out
}

// counted says what the protocol asks for, and of how many targets.
func (r *Ranking) counted() string {
	if r.o.Protocol.Name == "" {
		return ""
	}
	text := "; " + r.o.Protocol.Name
	if n := len(r.person); n < r.asked {
		text += fmt.Sprintf(", %.1f %% of the targets", 100*float64(n)/float64(r.asked))
	}
	return text
}

// Compare returns the difference challenger − champion of each figure of Rank, paired by person: an
// interval above zero means that the challenger ranks better for these people beyond chance. Both
// must have ranked the same targets.
func Compare(challenger, champion *Ranking) (map[string]bellwether.Estimate, error) {
	if !slices.Equal(challenger.person, champion.person) || challenger.o.K != champion.o.K {
		return nil, fmt.Errorf("compare: the models ranked different targets (%d at %d and %d at %d); rank both on the same ones",
			len(challenger.person), challenger.o.K, len(champion.person), champion.o.K)
	}
	difference := make([][]float64, len(challenger.figures))
	for f := range difference {
		difference[f] = slices.Clone(challenger.figures[f])
		for i, v := range champion.figures[f] {
			difference[f][i] -= v
		}
	}
	out := challenger.means(difference)
	for name, e := range out {
		e.Method = "paired difference, " + e.Method
		out[name] = e
	}
	return out, nil
}

// means returns the mean of each figure over targets; people are resampled with all their targets.
func (r *Ranking) means(figures [][]float64) map[string]bellwether.Estimate {
	place := map[int32]int{}
	var sums [][]float64 // by person: the number of targets, then the sum of each figure
	for i, p := range r.person {
		at, ok := place[p]
		if !ok {
			at = len(sums)
			place[p] = at
			sums = append(sums, make([]float64, 1+len(figures)))
		}
		sums[at][0]++
		for f := range figures {
			sums[at][1+f] += figures[f][i]
		}
	}
	estimates := r.o.bootstrap().estimates(len(sums), len(figures), func(counts []int32, out []float64) {
		clear(out)
		targets := 0.0
		for p, c := range counts {
			if c == 0 {
				continue
			}
			targets += float64(c) * sums[p][0]
			for f := range out {
				out[f] += float64(c) * sums[p][1+f]
			}
		}
		for f := range out {
			out[f] /= targets
		}
	})
	out := map[string]bellwether.Estimate{}
	for f, name := range r.o.names() {
		estimates[f].N = int64(len(r.person))
		out[name] = estimates[f]
	}
	return out
}
