package nn

import "math"

// route chooses each token's experts by its shares, [rows, experts].
func (e *Experts) route(p *Pass, shares []float32) routes {
	rows, n, top := p.Rows, len(e.Layers), e.Top
	r := routes{
		first: p.Indices(n + 1), sent: p.Indices(n), chosen: p.Indices(rows * top),
		tokens: p.Indices(rows * top), rank: p.Indices(rows * top), weights: p.Buffer(rows * top),
	}
	limit := int32(math.MaxInt32)
	if p.Train {
		limit = int32(math.Ceil(float64(e.Capacity) * float64(rows*top) / float64(n)))
	}
	clear(r.sent)
	for t := range rows {
		best(r.chosen[t*top:(t+1)*top], shares[t*n:(t+1)*n])
		r.sent[r.chosen[t*top]]++
	}
	taken := p.Indices(n)
	clear(taken)
	for k := range top { // first choices go first
		for t := range rows {
			c := &r.chosen[t*top+k]
			if taken[*c] == limit {
				*c = ^*c
				r.dropped++
				continue
			}
			taken[*c]++
		}
	}
	r.first[0] = 0
	for i, k := range taken {
		r.first[i+1] = r.first[i] + k
	}
	r.place(shares, taken, n, top)
	return r
}

// best fills chosen, of length 1 or 2, with the indices of the largest shares.
func best(chosen []int32, shares []float32) {
	for k := range chosen {
		chosen[k] = -1
		for i, s := range shares {
			if k > 0 && int32(i) == chosen[0] {
				continue
			}
			if chosen[k] < 0 || s > shares[chosen[k]] {
				chosen[k] = int32(i)
			}
		}
	}
}

// place lists the tokens of each expert; next is working memory.
func (r *routes) place(shares []float32, next []int32, n, top int) {
	copy(next, r.first[:n])
	for t := range len(r.chosen) / top {
		chosen := r.chosen[t*top : (t+1)*top]
		total := float32(1)
		if top == 2 {
			total = shares[t*n+choice(chosen[0])] + shares[t*n+choice(chosen[1])]
		}
		for k, c := range chosen {
			if c < 0 {
				continue
			}
			at := next[c]
			next[c]++
			r.tokens[at], r.rank[at], r.weights[at] = int32(t), int32(k), shares[t*n+int(c)]/total
		}
	}
}

// choice is the expert that was chosen, dropped or not.
func choice(c int32) int {
	if c < 0 {
		c = ^c
	}
	return int(c)
}
