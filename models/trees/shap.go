package trees

import (
	"context"
	"fmt"

	"bellwether"
)

// Explanation parts each answer's score (the log-odds of Logistic, the score of a class of Softmax, else the answer itself) among columns:
// the base and a row's values add up to its score.
type Explanation struct {
	Columns []string
	Base    []float64 // by output: the mean score of the training rows
	Values  []float64 // [rows, outputs, columns], row-major
}

// Explain returns exact Shapley values, path-dependent: what a column that is not known does is weighed by the training rows of each branch
// (Lundberg, Erion & Lee 2018, algorithm 2; Lundberg and others 2020).
func (m *Model) Explain(ctx context.Context, t *bellwether.Table) (Explanation, error) {
	e := Explanation{Columns: m.Columns(), Base: append([]float64(nil), m.card.Start...)}
	weights, n, width := m.shares(), m.Outputs(), len(m.card.Columns)
	for i := range m.trees {
		e.Base[i%n] += m.trees[i].mean(weights[i])
	}
	err := m.each(ctx, t, func(rows int) { e.Values = make([]float64, rows*n*width) }, func(x *matrix, first int) {
		w := walker{x: x, rests: m.rests}
		for r := range x.rows {
			w.row = r
			at := (first + r) * n * width
			for i := range m.trees {
				w.tree, w.shares = &m.trees[i], weights[i]
				from := at + i%n*width
				w.explain(e.Values[from : from+width])
			}
		}
	})
	if err != nil {
		return Explanation{}, fmt.Errorf("trees: explaining: %w", err)
	}
	return e, nil
}

// shares returns for each node of each tree the share of its rows that goes left.
func (m *Model) shares() [][]float64 {
	out := make([][]float64, len(m.trees))
	for i := range m.trees {
		t := &m.trees[i]
		left, rows := make([]float64, len(t.nodes)), make([]float64, len(t.nodes))
		count := func(child int32) float64 {
			if child < 0 {
				return float64(t.rows[^child])
			}
			return rows[child]
		}
		for at := len(t.nodes) - 1; at >= 0; at-- {
			l, r := count(t.nodes[at].left), count(t.nodes[at].right)
			rows[at], left[at] = l+r, l/(l+r)
		}
		out[i] = left
	}
	return out
}

// mean is a tree's value when no column is known.
func (t *tree) mean(left []float64) float64 {
	if len(t.nodes) == 0 {
		return float64(t.values[0])
	}
	var sum float64
	share := make([]float64, len(t.nodes))
	share[0] = 1
	for at := range t.nodes {
		n := &t.nodes[at]
		for i, child := range []int32{n.left, n.right} {
			s := share[at] * left[at]
			if i == 1 {
				s = share[at] - s
			}
			if child < 0 {
				sum += s * float64(t.values[^child])
			} else {
				share[child] = s
			}
		}
	}
	return sum
}

// step is one column of the path from the root.
type step struct {
	feature   int32
	zero, one float64 // share of rows that follow the path when the column is not known, and when it is
	weight    float64 // of subsets of so many columns
}

// walker explains one row by one tree.
type walker struct {
	tree   *tree
	shares []float64
	x      *matrix
	rests  []int
	row    int
	values []float64
	paths  [][]step // by depth
}

func (w *walker) explain(values []float64) {
	if len(w.tree.nodes) == 0 {
		return
	}
	w.values = values
	w.visit(0, 0, nil, step{feature: -1, zero: 1, one: 1})
}

// visit goes down from a node; last is the step that led there.
func (w *walker) visit(at int32, depth int, parent []step, last step) {
	path := extend(append(w.path(depth), parent...), last)
	w.paths[depth] = path
	if at < 0 {
		w.leaf(path, float64(w.tree.values[^at]))
		return
	}
	n := &w.tree.nodes[at]
	hot, cold, share := n.left, n.right, w.shares[at]
	if !w.tree.goesLeft(n, w.x.bins[n.feature][w.row], w.rests[n.feature]) {
		hot, cold, share = cold, hot, 1-share
	}
	zero, one := 1., 1.
	for i := 1; i < len(path); i++ {
		if path[i].feature == n.feature {
			zero, one = path[i].zero, path[i].one
			path = unwind(path, i)
			break
		}
	}
	w.visit(hot, depth+1, path, step{feature: n.feature, zero: zero * share, one: one})
	w.visit(cold, depth+1, path, step{feature: n.feature, zero: zero * (1 - share)})
}

func (w *walker) path(depth int) []step {
	if depth == len(w.paths) {
		w.paths = append(w.paths, nil)
	}
	return w.paths[depth][:0]
}

func (w *walker) leaf(path []step, value float64) {
	for i := 1; i < len(path); i++ {
		s := &path[i]
		w.values[s.feature] += without(path, i) * (s.one - s.zero) * value
	}
}

// extend adds a step to the path.
func extend(path []step, s step) []step {
	s.weight = float64(b2i(len(path) == 0))
	path = append(path, s)
	depth := len(path) - 1
	for i := depth - 1; i >= 0; i-- {
		path[i+1].weight += s.one * path[i].weight * float64(i+1) / float64(depth+1)
		path[i].weight *= s.zero * float64(depth-i) / float64(depth+1)
	}
	return path
}

// unwind takes step at out of the path again.
func unwind(path []step, at int) []step {
	depth := len(path) - 1
	zero, one, next := path[at].zero, path[at].one, path[depth].weight
	for i := depth - 1; i >= 0; i-- {
		if one != 0 {
			old := path[i].weight
			path[i].weight = next * float64(depth+1) / (float64(i+1) * one)
			next = old - path[i].weight*zero*float64(depth-i)/float64(depth+1)
		} else {
			path[i].weight *= float64(depth+1) / (zero * float64(depth-i))
		}
	}
	for i := at; i < depth; i++ {
		path[i].feature, path[i].zero, path[i].one = path[i+1].feature, path[i+1].zero, path[i+1].one
	}
	return path[:depth]
}

// without is the sum of the weights of the path without step at.
func without(path []step, at int) (sum float64) {
	depth := len(path) - 1
	zero, one, next := path[at].zero, path[at].one, path[depth].weight
	for i := depth - 1; i >= 0; i-- {
		if one != 0 {
			w := next * float64(depth+1) / (float64(i+1) * one)
			sum += w
			next = path[i].weight - w*zero*float64(depth-i)/float64(depth+1)
		} else {
			sum += path[i].weight * float64(depth+1) / (zero * float64(depth-i))
		}
	}
	return sum
}
