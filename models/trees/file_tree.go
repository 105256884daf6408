package trees

import "errors"

// arrays are what is left of a file's arrays; tree takes from their fronts.
type arrays struct {
	features, left, right, rows []int32
	bins, flags, sets           []byte
	values                      []float32
}

var errTree = errors.New("its nodes make no tree")

// tree takes a tree of so many leaves, and holds it against the columns: whatever the bytes, no walk leaves it or goes in a circle.
func (a *arrays) tree(leaves int, columns []column) (tree, error) {
	n := leaves - 1
	if n < 0 || n > min(len(a.features), len(a.left), len(a.right), len(a.bins), len(a.flags)) || leaves > min(len(a.values), len(a.rows)) {
		return tree{}, errors.New("the file ends within it")
	}
	t := tree{nodes: make([]node, n), values: a.values[:leaves], rows: a.rows[:leaves]}
	for i := range t.nodes {
		t.nodes[i] = node{
			feature: a.features[i], left: a.left[i], right: a.right[i], bin: a.bins[i],
			category: a.flags[i]&flagCategory != 0, missingLeft: a.flags[i]&flagMissingLeft != 0,
		}
		if err := a.levels(&t, &t.nodes[i], columns); err != nil {
			return tree{}, err
		}
	}
	a.features, a.left, a.right, a.bins, a.flags = a.features[n:], a.left[n:], a.right[n:], a.bins[n:], a.flags[n:]
	a.values, a.rows = a.values[leaves:], a.rows[leaves:]
	return t, t.check()
}

// levels checks a node's column and takes its levels.
func (a *arrays) levels(t *tree, n *node, columns []column) error {
	if n.feature < 0 || int(n.feature) >= len(columns) || columns[n.feature].Category != n.category {
		return errors.New("a node is of a column that is not there")
	}
	if !n.category {
		return nil
	}
	if len(a.sets) < 32 {
		return errors.New("the file ends within its levels")
	}
	var s levelSet
	for i := range 256 {
		bit(&s, i, a.sets[i/8]>>(i%8)&1 == 1)
	}
	n.set, a.sets = int32(len(t.sets)), a.sets[32:]
	t.sets = append(t.sets, s)
	return nil
}

// check reports whether each node but the root and each leaf is the child of one node that stands before it.
func (t *tree) check() error {
	nodes, leaves := make([]bool, len(t.nodes)), make([]bool, len(t.values))
	for i := range t.nodes {
		for _, child := range []int32{t.nodes[i].left, t.nodes[i].right} {
			seen, at := nodes, int(child)
			if child < 0 {
				seen, at = leaves, int(^child)
			} else if at <= i {
				return errTree
			}
			if at >= len(seen) || seen[at] {
				return errTree
			}
			seen[at] = true
		}
	}
	for _, n := range t.rows {
		if n <= 0 {
			return errors.New("a leaf had no rows")
		}
	}
	return nil
}
