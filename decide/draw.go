package decide

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"

	"bellwether"
)

// source returns the random numbers of a decision: the seed is all that they depend on.
func source(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0x62656c6c77657468)) }

// drawOne returns an index with the probability of its weight; weights sum to 1.
func drawOne(weights []float64, rng *rand.Rand) int {
	u, last := rng.Float64(), 0
	for i, w := range weights {
		if w <= 0 {
			continue
		}
		last = i
		if u -= w; u < 0 {
			break
		}
	}
	return last // rounding may leave u ≥ 0 after the last positive weight
}

// drawSlate returns k distinct indices, in order, drawn without replacement in proportion to the
// weights: the k first of exponential arrivals with rates w, which is Gumbel-top-k on log w
// (Kool, van Hoof & Welling 2019) and so Plackett–Luce.
func drawSlate(weights []float64, k int, rng *rand.Rand) []int {
	arrival := make([]float64, len(weights))
	for i, w := range weights {
		if arrival[i] = -math.Log1p(-rng.Float64()) / w; w <= 0 {
			arrival[i] = math.Inf(1)
		}
	}
	return firstBy(len(weights), k, func(a, b int) int { return cmp.Compare(arrival[a], arrival[b]) })
}

// rank returns the k first indices by weight, then score, then place: what a deterministic policy shows.
func rank(weights []float64, candidates []bellwether.Candidate, k int) []int {
	return firstBy(len(weights), k, func(a, b int) int {
		return cmp.Or(cmp.Compare(weights[b], weights[a]), cmp.Compare(candidates[b].Score, candidates[a].Score))
	})
}

// firstBy returns the k first of 0…n−1 in the order of compare, ties by index.
func firstBy(n, k int, compare func(a, b int) int) []int {
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, compare)
	return slices.Clip(order[:min(k, n)])
}
