package measure

import (
	"cmp"
	"math"
	"slices"
)

// positionProbabilities returns the probability of each candidate being at each of the first k positions
// when a slate is drawn without replacement in proportion to weights (Plackett–Luce), which sum to 1:
// out[position][candidate]. With only, just these candidates' are computed. At most k weights may be 0.
//
// The draw is the order of arrival of independent exponential clocks with rates w, so
// P(i at j) = ∫ w_i·e^(−w_i t)·P(exactly j−1 others have arrived by t) dt. The count of the others is
// Poisson-binomial. Everything is made of sums and products of positive numbers, so that small probabilities are as exact
// as large ones. The integral is taken over ln t by the trapezoid rule, whose error for such peaks falls
// faster than any power of the step: relative errors stay under 1e-7, for 50 of 200 candidates too.
func positionProbabilities(weights []float64, k int, only []int) [][]float64 {
	return positionsBy(weights, k, only, positionStep)
}

// positionsBy is positionProbabilities with a step of its own.
func positionsBy(weights []float64, k int, only []int, step float64) [][]float64 {
	out := make([][]float64, k)
	for j := range out {
		out[j] = make([]float64, len(weights))
	}
	copy(out[0], weights) // as they are: a check must see weights that do not sum to 1
	if k == 1 {
		return out
	}
	c := newClocks(normalised(weights), k, only)
	step /= math.Sqrt(float64(k + 6))
	for y := math.Log(1e-5); y <= c.end; y += step {
		if !c.at(math.Exp(y), step, out) { // the slate is full
			break
		}
	}
	return out
}

// positionStep is the step in ln t, over a width that the narrowest peak has at least: 1/√(k+6).
const positionStep = 1.0

// clocks are the arrivals of the candidates, at one moment after the other.
type clocks struct {
	weights []float64
	k       int
	order   []int     // candidates with a weight, those that are asked for first
	asked   int       // how many of order are asked for
	end     float64   // ln t by which the k likeliest have arrived
	p, q    []float64 // by place in order: has arrived, has not
	width   int       // places that matter by now
	levels  [][]float64
	t, step float64
}

func newClocks(w []float64, k int, only []int) *clocks {
	c := &clocks{weights: w, k: k}
	isAsked := make([]bool, len(w))
	for _, i := range only {
		isAsked[i] = true
	}
	var rest []int
	for i := range w {
		switch {
		case w[i] <= 0:
		case only == nil || isAsked[i]:
			c.order = append(c.order, i)
		default:
			rest = append(rest, i)
		}
	}
	c.asked = len(c.order)
	c.order = append(c.order, rest...)
	sorted := slices.Clone(w)
	slices.SortFunc(sorted, func(a, b float64) int { return cmp.Compare(b, a) })
	c.end = math.Log(40 / sorted[min(k, len(c.order))-1])
	c.p, c.q = make([]float64, len(c.order)), make([]float64, len(c.order))
	return c
}

// at adds what happens around t to out; false when the slate is full by then.
func (c *clocks) at(t, step float64, out [][]float64) bool {
	c.t, c.step, c.width = t, step, places(t, c.width, c.k)
	for n, i := range c.order {
		c.p[n], c.q[n] = -math.Expm1(-c.weights[i]*t), flush(math.Exp(-c.weights[i]*t))
	}
	if c.width < 2 {
		return true
	}
	all := c.level(0)
	clear(all)
	all[0] = 1
	for n := c.asked; n < len(c.order); n++ {
		arrive(all, c.p[n], c.q[n])
	}
	if c.asked > 0 {
		c.leaveOut(0, c.asked, 0, out)
	}
	for n := range c.asked {
		arrive(all, c.p[n], c.q[n])
	}
	return c.width < c.k || sum(all) > 1e-16
}

// places returns how many places matter by t, when so many did before. Odds of arrival grow at least in proportion to t, so
// that the density of place j at t is at most (t/j)^j·e^(j−t) of that at j.
func places(t float64, before, k int) int {
	for before < k {
		if j := float64(before + 1); j > t && j*math.Log(t/j)+j-t < math.Log(1e-10) {
			break
		}
		before++
	}
	return before
}

// level returns the counts kept for a depth of leaveOut.
func (c *clocks) level(depth int) []float64 {
	for len(c.levels) <= depth {
		c.levels = append(c.levels, make([]float64, c.k))
	}
	return c.levels[depth][:c.width]
}

// leaveOut has in the counts of depth all candidates but order[from:to], and adds the densities of these: halves
// are let in by turns until one candidate is left out.
func (c *clocks) leaveOut(from, to, depth int, out [][]float64) {
	counts := c.level(depth)
	if to-from == 1 {
		i := c.order[from]
		density := c.step * c.t * c.weights[i] * c.q[from]
		for j := 1; j < c.width; j++ {
			out[j][i] += density * counts[j]
		}
		return
	}
	middle, next := (from+to)/2, c.level(depth+1)
	copy(next, counts)
	for n := middle; n < to; n++ {
		arrive(next, c.p[n], c.q[n])
	}
	c.leaveOut(from, middle, depth+1, out)
	copy(next, counts)
	for n := from; n < middle; n++ {
		arrive(next, c.p[n], c.q[n])
	}
	c.leaveOut(middle, to, depth+1, out)
}

// arrive lets one more clock into counts, the probabilities of 0…len(counts)−1 arrivals.
func arrive(counts []float64, p, q float64) {
	before := 0.0
	for j, v := range counts {
		counts[j] = flush(q*v + p*before)
		before = v
	}
}

// flush keeps numbers away that processors are slow with.
func flush(v float64) float64 {
	if v < 1e-300 {
		return 0
	}
	return v
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
