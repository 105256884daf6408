package measure

import "math"

// gram is the sums of people's figures and of their products: means, variances and covariances come
// from it, however many people there are. Sums of whole numbers are exact in any order.
type gram struct {
	n        int64
	sums     []float64
	products []float64 // lower triangle by rows
}

func newGram(figures int) gram {
	return gram{sums: make([]float64, figures), products: make([]float64, figures*(figures+1)/2)}
}

// add takes in one person's figures.
func (g *gram) add(v []float64) { g.repeat(v, 1) }

// repeat takes in times people with the same figures.
func (g *gram) repeat(v []float64, times int64) {
	g.n += times
	row := 0
	for i, a := range v {
		if a != 0 {
			a *= float64(times)
			g.sums[i] += a
			for j, b := range v[:i+1] {
				g.products[row+j] += a * b
			}
		}
		row += i + 1
	}
}

// merge takes in other people's sums.
func (g *gram) merge(o *gram) {
	g.n += o.n
	for i, v := range o.sums {
		g.sums[i] += v
	}
	for i, v := range o.products {
		g.products[i] += v
	}
}

func (g *gram) mean(i int) float64 { return g.sums[i] / math.Max(float64(g.n), 1) }

// moment is the sum of (a − mean a)·(b − mean b). What is left of the rounding of two equal sums counts as 0.
func (g *gram) moment(a, b int) float64 {
	if a < b {
		a, b = b, a
	}
	n := math.Max(float64(g.n), 1)
	raw := g.products[a*(a+1)/2+b]
	m := raw - g.sums[a]*(g.sums[b]/n)
	scale := math.Sqrt(g.products[a*(a+1)/2+a] * g.products[b*(b+1)/2+b])
	if math.Abs(m) <= 1e-12*scale {
		return 0
	}
	return m
}

// linear is a linear combination of figures, and a constant: what each person counts for.
type linear struct {
	constant float64
	of       []term
}

type term struct {
	figure int
	weight float64
}

// plain is one figure as it is.
func plain(figure int) linear { return linear{of: []term{{figure, 1}}} }

// minus subtracts by times b.
func (l linear) minus(by float64, b linear) linear {
	out := linear{constant: l.constant - by*b.constant, of: append([]term(nil), l.of...)}
	for _, t := range b.of {
		out.of = append(out.of, term{t.figure, -by * t.weight})
	}
	return out
}

// value is the mean of the combination.
func (g *gram) value(l linear) float64 {
	m := l.constant
	for _, t := range l.of {
		m += t.weight * g.mean(t.figure)
	}
	return m
}

// product is the sum of (a − mean a)·(b − mean b).
func (g *gram) product(a, b linear) float64 {
	m, size := 0.0, 0.0
	for _, s := range a.of {
		for _, t := range b.of {
			v := s.weight * t.weight * g.moment(s.figure, t.figure)
			m, size = m+v, size+math.Abs(v)
		}
	}
	if math.Abs(m) <= 1e-12*size {
		return 0
	}
	return m
}

// sample describes the combination.
func (g *gram) sample(l linear) sample {
	n := float64(g.n)
	return sample{n: n, mean: g.value(l), variance: max(g.product(l, l), 0) / max(n-1, 1)}
}
