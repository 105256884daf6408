package reference

import (
	"math"
	"slices"
)

// TopK returns the indices of the k largest scores, best first, equal scores
// by their index; scores of −Inf and NaN never appear.
func TopK(scores []float32, k int) []int32 {
	var kept []int32
	for i, s := range scores {
		if s > float32(math.Inf(-1)) {
			kept = append(kept, int32(i))
		}
	}
	slices.SortStableFunc(kept, func(a, b int32) int {
		switch {
		case scores[a] > scores[b]:
			return -1
		case scores[a] < scores[b]:
			return 1
		}
		return 0
	})
	return kept[:min(k, len(kept))]
}
