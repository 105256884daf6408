package trees

// node parts rows by one column.
type node struct {
	feature     int32
	set         int32 // categories: in tree.sets
	left, right int32 // node, or ^leaf
	bin         uint8 // numbers: bins up to it go left
	category    bool
	missingLeft bool // numbers
}

// tree is a tree as it was grown. The root is node 0; a tree of one leaf has no node.
type tree struct {
	nodes  []node
	sets   []levelSet
	values []float32 // by leaf, shrunk
	rows   []int32   // by leaf: training rows in it
}

// goesLeft tells the way of a row whose bin in the node's column is b; rest is the column's bin of what is missing.
func (t *tree) goesLeft(n *node, b uint8, rest int) bool {
	switch {
	case n.category:
		return t.sets[n.set].has(b)
	case int(b) == rest:
		return n.missingLeft
	}
	return b <= n.bin
}

// leaf returns the leaf of a row.
func (t *tree) leaf(m *matrix, rests []int, row int) int {
	if len(t.nodes) == 0 {
		return 0
	}
	at := int32(0)
	for at >= 0 {
		n := &t.nodes[at]
		if t.goesLeft(n, m.bins[n.feature][row], rests[n.feature]) {
			at = n.left
		} else {
			at = n.right
		}
	}
	return int(^at)
}

// add adds the tree's values to the scores of rows first to last.
func (t *tree) add(scores []float64, m *matrix, rests []int, first, last int) {
	for r := first; r < last; r++ {
		scores[r] += float64(t.values[t.leaf(m, rests, r)])
	}
}
