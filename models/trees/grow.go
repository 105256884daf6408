package trees

import (
	"math"

	"bellwether/tensor"
)

// feature is what growth needs to know of a column.
type feature struct {
	category bool
	monotone int8
	rest     int // the bin of what is missing
	first    int // in a histogram
}

func (f *feature) bins() int { return f.rest + 1 }

// leaf is a leaf of a tree that grows.
type leaf struct {
	first, n int // of grower.rows
	sum      sums
	value    float64
	lo, hi   float64
	histo    int // in grower.histograms; −1: none
	best     split
	parent   int // node
	right    bool
}

// grower grows trees. It keeps its memory: a tree after the first allocates nothing but what it returns.
type grower struct {
	limits
	most     int // leaves
	features []feature
	bins     [][]uint8

	rows, otherRows     []int32 // leaf by leaf
	slopes, otherSlopes []slope // of rows
	leaves              []leaf
	nodes               []node
	sets                []levelSet
	used                []int // columns of this tree
	histograms          [][]sums
	free                []int
	length              int // of a histogram

	workers []worker // by column of used
	task    task
	body    func(part int) // does a part of task
	goes    [256]uint8     // by bin: 1 left, 0 right
}

// worker looks after one column.
type worker struct {
	finder finder
	found  [2]split
	order  []int
}

// task is what is done for all columns at once: histograms and splits of a leaf and, if there is one, its sister, the smaller of the two.
type task struct {
	large, small int // leaves; −1: none
	find         [2]bool
}

func newGrower(tr *Trainer, columns []column, monotone []int8, m *matrix) *grower {
	g := &grower{
		limits: limits{float64(tr.MinRows), tr.MinHessian, tr.L2}, most: tr.Leaves, bins: m.bins,
		rows: make([]int32, m.rows), otherRows: make([]int32, m.rows), slopes: make([]slope, m.rows), otherSlopes: make([]slope, m.rows),
		leaves: make([]leaf, 0, tr.Leaves), nodes: make([]node, 0, tr.Leaves), workers: make([]worker, len(columns)),
	}
	for i := range columns {
		f := feature{category: columns[i].Category, monotone: monotone[i], rest: columns[i].rest(), first: g.length}
		g.features = append(g.features, f)
		g.length += f.bins()
		if f.category {
			g.workers[i].order = make([]int, 0, f.bins())
		}
		g.workers[i].finder.limits = &g.limits
		g.workers[i].finder.monotone = f.monotone
	}
	g.body = g.part
	return g
}

// grow grows a tree on g.rows[:n], whose slopes are g.slopes[:n], with the columns of used.
func (g *grower) grow(n int, used []int) {
	g.used = used
	for i := range g.leaves {
		g.release(&g.leaves[i])
	}
	g.leaves, g.nodes, g.sets = g.leaves[:0], g.nodes[:0], g.sets[:0]
	root := leaf{n: n, histo: -1, lo: math.Inf(-1), hi: math.Inf(1), parent: -1, best: split{feature: -1}}
	for _, s := range g.slopes[:n] {
		root.sum.g += float64(s.g)
		root.sum.h += float64(s.h)
	}
	root.value = value(root.sum, g.l2)
	g.leaves = append(g.leaves, root)
	g.search(0, -1)
	for len(g.leaves) < g.most {
		at := g.widest()
		if at < 0 {
			return
		}
		g.part2(at)
	}
}

// widest is the leaf whose split gains most, −1 if none gains.
func (g *grower) widest() int {
	at, gain := -1, 0.
	for i := range g.leaves {
		if b := &g.leaves[i].best; b.feature >= 0 && b.gain > gain {
			at, gain = i, b.gain
		}
	}
	return at
}

// part2 parts a leaf by its best split and looks for the splits of both sides.
func (g *grower) part2(at int) {
	l, s := g.leaves[at], &g.leaves[at].best
	nl := g.partition(&l, s)
	if nl == 0 || nl == l.n { // Hessians told of rows that are not there
		g.leaves[at].best.feature = -1
		return
	}
	parent := g.addNode(&l, s, at)
	a := leaf{first: l.first, n: nl, sum: s.sum, value: s.low, lo: l.lo, hi: l.hi, histo: -1, parent: parent, best: split{feature: -1}}
	b := leaf{first: l.first + nl, n: l.n - nl, sum: l.sum.minus(s.sum), value: s.high, lo: l.lo, hi: l.hi, histo: -1, parent: parent, right: true, best: split{feature: -1}}
	middle := a.value/2 + b.value/2
	switch g.features[s.feature].monotone {
	case 1:
		a.hi, b.lo = middle, middle
	case -1:
		a.lo, b.hi = middle, middle
	}
	large, small := at, len(g.leaves)
	g.leaves = append(g.leaves, b)
	g.leaves[at] = a
	if a.n < b.n {
		large, small = small, large
	}
	g.leaves[large].histo = l.histo
	if len(g.leaves) < g.most {
		g.search(large, small)
	}
}

func (g *grower) addNode(l *leaf, s *split, at int) int {
	id := len(g.nodes)
	if l.parent >= 0 {
		if l.right {
			g.nodes[l.parent].right = int32(id)
		} else {
			g.nodes[l.parent].left = int32(id)
		}
	}
	n := node{feature: int32(s.feature), bin: uint8(s.bin), left: ^int32(at), right: ^int32(len(g.leaves)), category: s.category, missingLeft: s.missingLeft}
	if s.category {
		n.set = int32(len(g.sets))
		g.sets = append(g.sets, s.left)
	}
	g.nodes = append(g.nodes, n)
	return id
}

// partition moves a leaf's rows that go left before the others, both in their order, and returns how many do.
func (g *grower) partition(l *leaf, s *split) int {
	f := &g.features[s.feature]
	for bin := range f.bins() {
		left := bin <= s.bin
		switch {
		case s.category:
			left = s.left.has(uint8(bin))
		case bin == f.rest:
			left = s.missingLeft
		}
		g.goes[bin] = uint8(b2i(left))
	}
	end := l.first + l.n
	rows, slopes := g.rows[l.first:end], g.slopes[l.first:end]
	otherRows, otherSlopes := g.otherRows[:l.n], g.otherSlopes[:l.n]
	bins, nl, nr := g.bins[s.feature], 0, 0
	for i, r := range rows {
		left := int(g.goes[bins[r]])
		s := slopes[i]
		rows[nl], slopes[nl] = r, s
		otherRows[nr], otherSlopes[nr] = r, s
		nl += left
		nr += 1 - left
	}
	copy(rows[nl:], otherRows[:nr])
	copy(slopes[nl:], otherSlopes[:nr])
	return nl
}

// search finds the best splits of two sisters, or of the root when small is −1. The large one still has their parent's histogram.
func (g *grower) search(large, small int) {
	g.task = task{large: large, small: small}
	g.task.find[0] = g.worth(large)
	g.task.find[1] = small >= 0 && g.worth(small)
	if !g.task.find[0] && !g.task.find[1] {
		g.release(&g.leaves[large])
		return
	}
	if small < 0 {
		g.leaves[large].histo = g.take()
	} else {
		g.leaves[small].histo = g.take()
	}
	tensor.Parallel((len(g.used)+1)/2, g.body)
	for i, at := range []int{large, small} {
		if at < 0 {
			continue
		}
		l := &g.leaves[at]
		for _, f := range g.used {
			if s := &g.workers[f].found[i]; g.task.find[i] && s.feature >= 0 && (l.best.feature < 0 || s.gain > l.best.gain) {
				l.best = *s
			}
		}
		if l.best.feature < 0 {
			g.release(l)
		}
	}
}

// worth reports whether a leaf can be parted at all.
func (g *grower) worth(at int) bool {
	l := &g.leaves[at]
	return float64(l.n) >= 2*g.minRows && l.sum.h >= 2*g.minHessian
}

// part does the task for two of the columns.
func (g *grower) part(p int) {
	pair := g.used[2*p : min(2*p+2, len(g.used))]
	into := g.task.small
	if into < 0 {
		into = g.task.large
	}
	l := &g.leaves[into]
	h := g.histograms[l.histo]
	rows, slopes := g.rows[l.first:l.first+l.n], g.slopes[l.first:l.first+l.n]
	for _, f := range pair {
		clear(g.of(h, f))
	}
	if len(pair) == 2 {
		a, b := pair[0], pair[1]
		build2(h[g.features[a].first:], h[g.features[b].first:], g.bins[a], g.bins[b], rows, slopes)
	} else {
		build(h[g.features[pair[0]].first:], g.bins[pair[0]], rows, slopes)
	}
	for _, f := range pair {
		if g.task.small >= 0 {
			subtract(g.of(g.histograms[g.leaves[g.task.large].histo], f), g.of(h, f))
			g.find(1, g.task.small, f)
		}
		g.find(0, g.task.large, f)
	}
}

// of is a column's part of a histogram.
func (g *grower) of(h []sums, f int) []sums {
	first := g.features[f].first
	return h[first : first+g.features[f].bins()]
}

func (g *grower) find(which, at, f int) {
	w := &g.workers[f]
	w.found[which].feature = -1
	if !g.task.find[which] {
		return
	}
	l, ft := &g.leaves[at], &g.features[f]
	w.finder.begin(l)
	h := g.of(g.histograms[l.histo], f)
	if ft.category {
		w.finder.levels(h, f, ft.rest, w.order)
	} else {
		w.finder.numbers(h, f, ft.rest)
	}
	w.found[which] = w.finder.best
}

// take returns a histogram that nobody uses.
func (g *grower) take() int {
	if n := len(g.free); n > 0 {
		i := g.free[n-1]
		g.free = g.free[:n-1]
		return i
	}
	g.histograms = append(g.histograms, make([]sums, g.length+pad))
	return len(g.histograms) - 1
}

func (g *grower) release(l *leaf) {
	if l.histo >= 0 {
		g.free = append(g.free, l.histo)
		l.histo = -1
	}
}
