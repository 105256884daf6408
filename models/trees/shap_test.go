package trees

import (
	"context"
	"math"
	"math/bits"
	"testing"

	"bellwether"
)

// known is the mean value of a tree for a row of which only the columns of a set are known: the definition of path-dependent values.
func (t *tree) known(at int32, left []float64, x *matrix, rests []int, row int, set uint) float64 {
	if at < 0 {
		return float64(t.values[^at])
	}
	n := &t.nodes[at]
	a := func() float64 { return t.known(n.left, left, x, rests, row, set) }
	b := func() float64 { return t.known(n.right, left, x, rests, row, set) }
	if set>>n.feature&1 == 0 {
		return left[at]*a() + (1-left[at])*b()
	}
	if t.goesLeft(n, x.bins[n.feature][row], rests[n.feature]) {
		return a()
	}
	return b()
}

// shapley sums over all subsets, as the definition does.
func (m *Model) shapley(x *matrix, row, output int) []float64 {
	p, n := len(m.rests), m.Outputs()
	shares := m.shares()
	worth := make([]float64, 1<<p)
	for set := range worth {
		for i := output; i < len(m.trees); i += n {
			root := int32(0)
			if len(m.trees[i].nodes) == 0 {
				root = -1
			}
			worth[set] += m.trees[i].known(root, shares[i], x, m.rests, row, uint(set))
		}
	}
	factorial := func(n int) float64 { return math.Round(math.Gamma(float64(n + 1))) }
	out := make([]float64, p)
	for f := range out {
		for set := range worth {
			if size := bits.OnesCount(uint(set)); set>>f&1 == 0 {
				out[f] += factorial(size) * factorial(p-size-1) / factorial(p) * (worth[set|1<<f] - worth[set])
			}
		}
	}
	return out
}

// TestExplain: TreeSHAP equals the sum over all subsets of columns to 1e-9, and base and values add up to the score.
func TestExplain(t *testing.T) {
	for _, o := range []Objective{Logistic, Squared, Softmax} {
		m := fitted(t, Trainer{Objective: o, Trees: 12, Leaves: 20, Rate: .2, MinRows: 3, Patience: -1}, made(500, 1))
		table := made(20, 9)
		table.Columns[1].Codes[0] = 2 // a level that was never seen
		e, err := m.Explain(context.Background(), table)
		if err != nil {
			t.Fatal(err)
		}
		all := make([]int, table.Rows())
		for r := range all {
			all[r] = r
		}
		x, err := encode(m.card.Columns, table, all)
		if err != nil {
			t.Fatal(err)
		}
		n, width := m.Outputs(), len(e.Columns)
		worst, moved := 0., 0.
		for r := range all {
			for k := range n {
				values := e.Values[(r*n+k)*width : (r*n+k+1)*width]
				score, sum := m.card.Start[k], e.Base[k]
				for i := k; i < len(m.trees); i += n {
					score += float64(m.trees[i].values[m.trees[i].leaf(x, m.rests, r)])
				}
				for f, want := range m.shapley(x, r, k) {
					sum += values[f]
					worst, moved = max(worst, math.Abs(values[f]-want)), max(moved, math.Abs(want))
				}
				worst = max(worst, math.Abs(sum-score))
			}
		}
		t.Logf("%v: at most %.1e off, values up to %.2f", o, worst, moved)
		if !(worst <= 1e-9) || moved < .1 {
			t.Errorf("%v: TreeSHAP is %g off the sum over subsets; values up to %g", o, worst, moved)
		}
	}
}

// TestExplainRanks: a column that does nothing matters least.
func TestExplainRanks(t *testing.T) {
	table := made(2000, 1)
	e, err := fitted(t, Trainer{Trees: 60}, table).Explain(context.Background(), table)
	if err != nil {
		t.Fatal(err)
	}
	mean := map[string]float64{}
	for i, v := range e.Values {
		mean[e.Columns[i%len(e.Columns)]] += math.Abs(v)
	}
	for _, name := range []string{"age", "plan", "town"} {
		if mean[name] < 2*max(mean["noise"], mean["spend"]) {
			t.Errorf("%s: %g in all, noise %g", name, mean[name], mean["noise"])
		}
	}
	if _, err := (&Model{}).Explain(context.Background(), &bellwether.Table{}); err != nil {
		t.Errorf("a table without rows: %v", err)
	}
}
