package trees

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"testing"

	"bellwether"
)

// plain is the best gain of a leaf of rows by trying every bound of every column of numbers: the reference of finder.numbers.
func plain(m *matrix, rests []int, slopes []slope, minRows int, l2 float64) (best float64) {
	half := func(s sums) float64 { return s.g * s.g / (s.h + l2 + epsilon) }
	for f := range m.bins {
		for bin := range rests[f] {
			for _, missingLeft := range []bool{false, true} {
				var left, right sums
				var nl, nr int
				for r, b := range m.bins[f] {
					s := sums{float64(slopes[r].g), float64(slopes[r].h)}
					if goes := int(b) <= bin; int(b) != rests[f] && goes || int(b) == rests[f] && missingLeft {
						left, nl = left.plus(s), nl+1
					} else {
						right, nr = right.plus(s), nr+1
					}
				}
				if nl >= minRows && nr >= minRows {
					best = max(best, half(left)+half(right)-half(left.plus(right)))
				}
			}
		}
	}
	return best
}

// ready returns a booster on a table, its slopes loaded for the first tree.
func ready(t testing.TB, tr Trainer, table *bellwether.Table) *run {
	t.Helper()
	tr = tr.withDefaults()
	fit, valid, err := tr.split(table)
	if err != nil {
		t.Fatal(err)
	}
	r, err := tr.prepare(&bellwether.Dataset{Table: table}, fit, valid)
	if err != nil {
		t.Fatal(err)
	}
	r.draw(0)
	r.load(0)
	return r
}

// TestSplit: the root's split is the best there is, for several shapes of columns.
func TestSplit(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	for trial := range 30 {
		n := 20 + rng.IntN(200)
		table := &bellwether.Table{Target: make([]float64, n)}
		for f := range 3 {
			c := bellwether.Column{Name: fmt.Sprint(f), Numbers: make([]float64, n)}
			for r := range n {
				if c.Numbers[r] = math.Round(float64(1+trial) * rng.Float64()); rng.Float64() < .1*float64(f) {
					c.Numbers[r] = math.NaN()
				}
			}
			table.Columns = append(table.Columns, c)
		}
		for r := range n {
			table.Target[r] = rng.NormFloat64()
		}
		r := ready(t, Trainer{Objective: Squared, Rows: 1, Columns: 1, MinRows: 5, Patience: -1, Leaves: 2, L2: 1}, table)
		want := plain(r.fit.m, r.rests, r.slopes, 5, 1)
		r.grower.grow(n, r.used)
		got := 0.
		if len(r.grower.leaves) == 2 {
			half := func(s sums) float64 { return s.g * s.g / (s.h + 1 + epsilon) }
			a, b := r.grower.leaves[0].sum, r.grower.leaves[1].sum
			got = half(a) + half(b) - half(a.plus(b))
		}
		if math.Abs(got-want) > 1e-6*(1+want) {
			t.Errorf("trial %d: the root's split gains %g, the best %g", trial, got, want)
		}
	}
}

// TestLeavesHoldTheirRows: after growth each leaf's sums are those of its rows, and each row is in the leaf that the tree sends it to.
func TestLeavesHoldTheirRows(t *testing.T) {
	r := ready(t, Trainer{Leaves: 31, MinRows: 5, Rows: .7}, made(3000, 1))
	g, n := r.grower, len(r.inside)
	g.grow(n, r.used)
	tr := r.keep(0)
	if err := tr.check(); err != nil || len(g.leaves) < 20 {
		t.Fatalf("%d leaves: %v", len(g.leaves), err)
	}
	total := 0
	for i, l := range g.leaves {
		total += l.n
		var s sums
		for _, row := range g.rows[l.first : l.first+l.n] {
			s.g, s.h = s.g+float64(r.slopes[row].g), s.h+float64(r.slopes[row].h)
			if at := tr.leaf(r.fit.m, r.rests, int(row)); at != i {
				t.Fatalf("row %d is in leaf %d, the tree sends it to %d", row, i, at)
			}
		}
		if d := s.minus(l.sum); math.Abs(d.g)+math.Abs(d.h) > 1e-6 {
			t.Errorf("leaf %d has sums %v, its rows %v", i, l.sum, s)
		}
	}
	if total != n {
		t.Errorf("leaves hold %d of %d rows", total, n)
	}
}

// TestGrowAllocatesNothing after its first tree.
func TestGrowAllocatesNothing(t *testing.T) {
	r := ready(t, Trainer{Leaves: 31}, made(3000, 1))
	grow := func() {
		r.load(0)
		r.grower.grow(len(r.inside), r.used)
	}
	grow()
	if n := testing.AllocsPerRun(20, func() { r.grower.grow(len(r.inside), r.used) }); n > 0 {
		t.Errorf("%g allocations a tree", n)
	}
}

// TestSameBitsOnAnyCores: the model does not depend on how many goroutines share the work.
func TestSameBitsOnAnyCores(t *testing.T) {
	file := func(cores int) []byte {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(cores))
		var b bytes.Buffer
		if err := fitted(t, Trainer{Trees: 20}, made(9000, 1)).Save(&b); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	if !bytes.Equal(file(1), file(4)) {
		t.Error("one core and four give two models")
	}
}

// TestMonotone: the answer never falls along a column that may not, though the data do, for every objective; without the constraint it falls.
func TestMonotone(t *testing.T) {
	table := wave(4000) // a sine falls between π/2 and 3π/2
	for _, o := range []Objective{Squared, Absolute, Pinball, Logistic} {
		for _, sign := range []int{1, -1, 0} {
			data := *table
			data.Target = make([]float64, table.Rows())
			for r, y := range table.Target {
				y += .3 * float64(sign) * (table.Columns[0].Numbers[r] - 3) // with the constraint on the whole, against it in parts
				if data.Target[r] = y; o == Logistic {
					data.Target[r] = float64(b2i(y > 0))
				}
			}
			m := fitted(t, Trainer{Objective: o, Trees: 80, Rate: .1, Leaves: 31, Columns: 1, Monotone: map[string]int{"x": sign}}, &data)
			falls, rises := 0, 0
			for z := range 5 {
				grid := &bellwether.Table{Columns: []bellwether.Column{{Name: "x"}, {Name: "z"}}}
				for i := range 300 {
					grid.Columns[0].Numbers = append(grid.Columns[0].Numbers, float64(i)/50)
					grid.Columns[1].Numbers = append(grid.Columns[1].Numbers, float64(z)/5+.1)
				}
				p := answers(t, m, grid)
				for i := range p[1:] {
					falls, rises = falls+b2i(p[i+1] < p[i]), rises+b2i(p[i+1] > p[i])
				}
			}
			if sign > 0 && falls > 0 || sign < 0 && rises > 0 || sign == 0 && (falls == 0 || rises == 0) || falls+rises == 0 {
				t.Errorf("%v with constraint %d: falls %d times, rises %d times", o, sign, falls, rises)
			}
		}
	}
}

// TestEarlyStopping: noise stops early, and what is kept is the best round.
func TestEarlyStopping(t *testing.T) {
	table := made(1500, 1)
	rng := rand.New(rand.NewPCG(8, 8))
	for r := range table.Target {
		table.Target[r] = float64(rng.IntN(2))
	}
	if m := fitted(t, Trainer{Patience: 10}, table); m.Rounds() > 60 {
		t.Errorf("%d rounds on noise", m.Rounds())
	}
	if m := fitted(t, Trainer{Patience: -1, Trees: 70}, table); m.Rounds() != 70 {
		t.Errorf("%d rounds, 70 were asked", m.Rounds())
	}
}

// TestBins: bounds lie between values, few values have a bin each, heavy ones too, and no column has more bins than asked.
func TestBins(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	for _, bins := range []int{2, 16, 255} {
		for _, distinct := range []int{1, 2, 10, 300, 5000} {
			c, next := bellwether.Column{Name: "x"}, math.Inf(1)
			rows := make([]int, 6000)
			for r := range rows {
				rows[r] = r
				x := float64(rng.IntN(distinct))
				if rng.IntN(3) == 0 {
					x = 0 // a heavy value
				}
				if c.Numbers = append(c.Numbers, x); x > 0 {
					next = min(next, x)
				}
			}
			b, err := bounds(&c, rows, bins)
			if err != nil || len(b) >= bins || distinct > 2*bins && len(b) < bins*3/5 {
				t.Errorf("%d distinct values in %d bins: %d bounds (%v)", distinct, bins, len(b), err)
			}
			for i := range b {
				if i > 0 && b[i] <= b[i-1] || b[i] == math.Trunc(b[i]) && distinct <= bins {
					t.Errorf("bound %d of %v", i, b)
				}
			}
			if distinct > 2 && bins > 2 && b[0] >= next {
				t.Errorf("the heavy value shares its bin: %v", b[:2])
			}
			if distinct <= 10 && distinct < bins && len(b) != distinct-1 {
				t.Errorf("%d distinct values, %d bounds", distinct, len(b))
			}
		}
	}
}

// BenchmarkTree is a tree of 15 leaves on 36,000 rows of 15 columns.
func BenchmarkTree(b *testing.B) {
	rng := rand.New(rand.NewPCG(6, 6))
	const n = 36_000
	t := &bellwether.Table{Target: make([]float64, n)}
	for f := range 15 {
		c := bellwether.Column{Name: fmt.Sprint(f), Numbers: make([]float64, n)}
		for r := range n {
			c.Numbers[r] = rng.NormFloat64()
			t.Target[r] += c.Numbers[r]
		}
		t.Columns = append(t.Columns, c)
	}
	for r := range n {
		t.Target[r] = float64(b2i(t.Target[r]+4*rng.NormFloat64() > 0))
	}
	r := ready(b, Trainer{Rows: 1, Columns: 1, Patience: -1}, t)
	b.ReportAllocs()
	for b.Loop() {
		r.load(0)
		r.grower.grow(n, r.used)
	}
}
