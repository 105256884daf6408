package nn

// Memory hands out arrays that lie outside the collected heap, in huge pages
// where the system has them: a look into a large table then costs one miss of
// the cache and not, before it, one of the page tables. Release gives everything
// back; whoever owns the Memory calls it once nothing uses the arrays any more.
// A nil Memory hands out ordinary slices.
type Memory struct {
	blocks [][]byte // as the system gave them
}

// hugePage is the size of a huge page; smaller arrays are ordinary slices.
const hugePage = 2 << 20

// Floats returns n zeros.
func (m *Memory) Floats(n int) []float32 {
	if m == nil || 4*n < hugePage {
		return make([]float32, n)
	}
	return m.huge(n)
}
