package dataset

import (
	"cmp"
	"math"
	"math/rand/v2"

	"bellwether"
)

// SplitRows draws which rows are for what, by chance within each class of a target of 0 and 1, so that
// every part has the same share of positives: a share test of the rows (0: 0.2), then a share valid of
// the others (0: 0.2) for validation; negative shares mean none. Rows of any other target are one class.
// Seed 0 is 42.
func SplitRows(target []float64, test, valid float64, seed uint64) []bellwether.Split {
	rng := rand.New(rand.NewPCG(cmp.Or(seed, 42), 0))
	out := make([]bellwether.Split, len(target))
	for _, rows := range classes(target) {
		n := len(rows)
		tests := int(math.Round(max(0, cmp.Or(test, .2)) * float64(n)))
		valids := int(math.Round(max(0, cmp.Or(valid, .2)) * float64(n-tests)))
		for place, at := range rng.Perm(n) {
			switch {
			case place < tests:
				out[rows[at]] = bellwether.Test
			case place < tests+valids:
				out[rows[at]] = bellwether.Validation
			}
		}
	}
	return out
}

// classes returns the rows of class 0 and of class 1, or all rows together when there are other values.
func classes(target []float64) [][]int {
	rows := make([][]int, 2)
	for i, y := range target {
		if y != 0 && y != 1 {
			all := make([]int, len(target))
			for k := range all {
				all[k] = k
			}
			return [][]int{all}
		}
		rows[int(y)] = append(rows[int(y)], i)
	}
	return rows
}
