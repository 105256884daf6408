package evaluate

import "math"

// count returns how many scores are above own and how many equal it; false if one is NaN. It has
// no branches, which would be mispredicted half of the time.
func count(scores []float32, own float32) (above, tied int, ok bool) {
	const infinity = 0x7f800000
	limit := key(own)
	var more, notLess, nan uint64
	for _, v := range scores {
		k := key(v)
		more += uint64(limit-k) >> 63
		notLess += 1 - uint64(k-limit)>>63
		nan |= uint64(infinity - int64(math.Float32bits(v)&math.MaxInt32))
	}
	return int(more), int(notLess - more), nan>>63 == 0
}

// key maps a number to an integer of the same order; both zeros have the key 0.
func key(v float32) int64 {
	b := int32(math.Float32bits(v + 0))
	return int64(b ^ b>>31&math.MaxInt32)
}

// top appends the indices of the k largest scores, NaN aside, best first; of equal ones the lower
// indices.
func top(best []int32, scores []float32, k int) []int32 {
	least := float32(math.Inf(-1))
	for i, v := range scores {
		if len(best) == k && !(v > least) || v != v {
			continue
		}
		if len(best) < k {
			best = append(best, 0)
		}
		at := len(best) - 1
		for ; at > 0 && scores[best[at-1]] < v; at-- {
			best[at] = best[at-1]
		}
		best[at] = int32(i)
		least = scores[best[len(best)-1]]
	}
	return best
}
