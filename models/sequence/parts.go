package sequence

// partTokens is the number of tokens that go through the network together in
// training: what a larger batch keeps for the backward pass leaves the caches
// before it is used. (A step of 25,600 tokens of width 64 takes a tenth less in parts.)
const partTokens = 1600

// part sets dst to whole sequences from number first, as many as partTokens
// allows but at least one, and returns the number of the sequence that follows.
// It shares the memory of t but for the offsets.
func (t *tokens) part(dst *tokens, first int, whole bool) (next int) {
	next = first + 1
	for next < len(t.offsets)-1 && (whole || t.offsets[next+1]-t.offsets[first] <= partTokens) {
		next++
	}
	from, to := t.offsets[first], t.offsets[next]
	cut := func(dst, ids [][]int32) [][]int32 {
		dst = dst[:0]
		for _, x := range ids {
			if len(x) > 0 {
				x = x[from:to]
			}
			dst = append(dst, x)
		}
		return dst
	}
	dst.ids, dst.people, dst.targets = cut(dst.ids, t.ids), cut(dst.people, t.people), t.targets[from:to]
	dst.offsets = dst.offsets[:0]
	for _, at := range t.offsets[first : next+1] {
		dst.offsets = append(dst.offsets, at-from)
	}
	return next
}
