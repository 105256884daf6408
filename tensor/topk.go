package tensor

import (
	"math"

	"bellwether/tensor/internal/kernel"
)

// TopK puts the indices of the k largest scores into out, best first, and
// returns the part of out that it filled; equal scores are ordered by index. A
// score of −Inf marks what must not appear, and NaN never does, so fewer than k
// may come back. out must hold k values.
func TopK(scores []float32, k int, out []int32) []int32 { return TopKOf(scores, k, out, nil) }

// TopKOf is TopK over the indices that skip does not name; nil names none. skip
// is asked about those alone that are among the best of what was looked at so
// far, about k·ln(n/k) of n in random order, so that it may be slow.
func TopKOf(scores []float32, k int, out []int32, skip func(index int32) bool) []int32 {
	if len(out) < k {
		panic(shapeError("TopK", "out", len(out), k))
	}
	if k <= 0 {
		return out[:0]
	}
	h := worstFirst{scores: scores, kept: out[:0]}
	bar := float32(math.Inf(-1)) // what a score must exceed to be kept
	for i := kernel.Above(scores, 0, bar); i < len(scores); i = kernel.Above(scores, i+1, bar) {
		if skip != nil && skip(int32(i)) {
			continue
		}
		if len(h.kept) < k {
			h.push(int32(i))
		} else {
			h.kept[0] = int32(i)
			h.down(len(h.kept))
		}
		if len(h.kept) == k {
			bar = scores[h.kept[0]]
		}
	}
	for n := len(h.kept) - 1; n > 0; n-- {
		h.kept[0], h.kept[n] = h.kept[n], h.kept[0]
		h.down(n)
	}
	return h.kept
}

// worstFirst is a binary heap of indices whose root is the one to drop next.
type worstFirst struct {
	scores []float32
	kept   []int32
}

func (h *worstFirst) worse(a, b int32) bool {
	x, y := h.scores[a], h.scores[b]
	return x < y || x == y && a > b
}

func (h *worstFirst) push(index int32) {
	h.kept = append(h.kept, index)
	for i := len(h.kept) - 1; i > 0; {
		parent := (i - 1) / 2
		if !h.worse(h.kept[i], h.kept[parent]) {
			return
		}
		h.kept[i], h.kept[parent] = h.kept[parent], h.kept[i]
		i = parent
	}
}

// down lets the root sink among the first n.
func (h *worstFirst) down(n int) {
	for i := 0; 2*i+1 < n; {
		child := 2*i + 1
		if child+1 < n && h.worse(h.kept[child+1], h.kept[child]) {
			child++
		}
		if !h.worse(h.kept[child], h.kept[i]) {
			return
		}
		h.kept[i], h.kept[child] = h.kept[child], h.kept[i]
		i = child
	}
}
