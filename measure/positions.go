package measure

import (
	"cmp"
	"math"
	"slices"
)

// positionProbabilities returns the probability of each candidate being at each of the first k positions
// when a slate is drawn without replacement in proportion to weights (Plackett–Luce), which sum to 1:
// out[position][candidate]. With only, just these candidates' are computed.
//
// The draw is the order of arrival of independent exponential clocks with rates w, so
// P(i at k) = ∫ w_i·e^(−w_i t)·P(exactly k−1 others have arrived by t) dt. The count of the others is
// Poisson-binomial, computed exactly; the integral is taken over ln t by the trapezoid rule, which
// converges geometrically here (errors under 1e-6 with these nodes).
func positionProbabilities(weights []float64, k int, only []int) [][]float64 {
	out := make([][]float64, k)
	for j := range out {
		out[j] = make([]float64, len(weights))
	}
	if k == 1 {
		copy(out[0], weights) // as they are: a check must see weights that do not sum to 1
		return out
	}
	if only == nil {
		only = make([]int, len(weights))
		for i := range only {
			only[i] = i
		}
	}
	w := normalised(weights)
	smallest := slices.MinFunc(w, func(a, b float64) int { return cmp.Compare(orInf(a), orInf(b)) })
	with, without, p := make([]float64, k), make([]float64, k), make([]float64, len(w))
	const step = 0.5
	for y := -15.0; y <= math.Log(40/smallest); y += step {
		t := math.Exp(y)
		for i := range w {
			p[i] = -math.Expm1(-w[i] * t)
		}
		arrived(p, -1, with)
		if sum(with) < 1e-12 {
			break // the slate is full by now
		}
		for _, i := range only {
			density := step * t * w[i] * (1 - p[i])
			if density < 1e-12 {
				continue
			}
			others(p, i, with, without)
			for j := range k {
				out[j][i] += density * without[j]
			}
		}
	}
	return out
}

func orInf(w float64) float64 {
	if w <= 0 {
		return math.Inf(1)
	}
	return w
}

func normalised(w []float64) []float64 {
	total := sum(w)
	out := make([]float64, len(w))
	for i, v := range w {
		out[i] = v / total
	}
	return out
}

func sum(values []float64) float64 {
	total := 0.0
	for _, v := range values {
		total += v
	}
	return total
}

// arrived writes to count the probabilities that 0…len(count)−1 of the events p happen, leaving out skip.
func arrived(p []float64, skip int, count []float64) {
	clear(count)
	count[0] = 1
	seen := 0 // so many may have happened: the counts above are still 0
	for i, q := range p {
		if i == skip || q == 0 {
			continue
		}
		seen = min(seen+1, len(count)-1)
		for j := seen; j > 0; j-- {
			count[j] += q * (count[j-1] - count[j])
		}
		count[0] *= 1 - q
	}
}

// others takes event i out of with. Division is stable while p_i is at most one half; else it counts anew.
func others(p []float64, i int, with, without []float64) {
	if p[i] > 0.5 {
		arrived(p, i, without)
		return
	}
	before, scale := 0.0, 1/(1-p[i])
	for j, v := range with {
		before = (v - p[i]*before) * scale
		without[j] = before
	}
}

// ranked is positionProbabilities of a policy that shows the highest weights in order.
func ranked(weights []float64, k int) [][]float64 {
	order := make([]int, len(weights))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(weights[b], weights[a]) })
	out := make([][]float64, k)
	for j := range out {
		out[j] = make([]float64, len(weights))
		out[j][order[j]] = 1
	}
	return out
}
