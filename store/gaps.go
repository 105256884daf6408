package store

import "slices"

// gap is sequences first … last.
type gap struct{ First, Last uint64 }

func (g gap) count() uint64 { return g.Last - g.First + 1 }

// without returns the parts of gaps that none of the others covers, in order.
func without(gaps, others []gap) []gap {
	others = slices.Clone(others)
	slices.SortFunc(others, func(a, b gap) int {
		if a.First < b.First {
			return -1
		}
		return 1
	})
	var left []gap
	for _, g := range gaps {
		for _, o := range others {
			if o.Last < g.First {
				continue
			}
			if o.First > g.Last {
				break
			}
			if o.First > g.First {
				left = append(left, gap{g.First, o.First - 1})
			}
			if g.First = o.Last + 1; g.First > g.Last || o.Last == ^uint64(0) {
				break
			}
		}
		if g.First <= g.Last {
			left = append(left, g)
		}
	}
	return left
}

// covers reports whether every sequence of g is in one of gaps.
func covers(gaps []gap, g gap) bool { return len(without([]gap{g}, gaps)) == 0 }
