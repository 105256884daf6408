package tensor

import "bellwether/tensor/internal/reference"

// TopK puts the indices of the k largest scores into out, best first, and
// returns the part of out that it filled; equal scores are ordered by index. A
// score of −Inf marks what must not appear, and NaN never does, so fewer than k
// may come back. out must hold k values.
func TopK(scores []float32, k int, out []int32) []int32 {
	if len(out) < k {
		panic(shapeError("TopK", "out", len(out), k))
	}
	return out[:copy(out[:max(k, 0)], reference.TopK(scores, max(k, 0)))]
}
