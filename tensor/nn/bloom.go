package nn

import "math/bits"

// Bloom gives many items few rows: the vector of item i is the sum of rows
// Rows[0][i] and Rows[1][i] of Table, of which the second may be negative for
// none. Two items that share one row still differ in the other (Serrà and
// Karatzoglou 2017; two hashes of m rows tell about m²/2 items apart).
type Bloom struct {
	Table *Param
	Rows  [2][]int32 // by item

	ids []int32
}

// BloomRows returns the two rows of an id in a table of so many. They follow
// from the id alone, on every machine and for ever: files depend on it (FNV-1a,
// whose bits SplitMix64's finaliser then mixes).
func BloomRows(id string, rows int) (int32, int32) {
	h := uint64(14695981039346656037)
	for i := range len(id) {
		h = (h ^ uint64(id[i])) * 1099511628211
	}
	return place(mix(h), rows), place(mix(h^0x9e3779b97f4a7c15), rows)
}

func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// place maps a random word to 0 … rows−1.
func place(x uint64, rows int) int32 {
	high, _ := bits.Mul64(x, uint64(rows))
	return int32(high)
}

// Width implements Vectors.
func (b *Bloom) Width() int { return b.Table.Width() }

// Gather implements Vectors.
func (b *Bloom) Gather(dst []float32, ids []int32) {
	w := b.Width()
	b.Table.Gather(dst, b.Of(0, ids))
	for i, row := range b.Of(1, ids) {
		if row >= 0 {
			sum := dst[i*w : (i+1)*w]
			for k, v := range b.Table.Row(row) {
				sum[k] += v
			}
		}
	}
}

// AddGrad implements Vectors.
func (b *Bloom) AddGrad(g []float32, ids []int32) {
	b.Table.AddGrad(g, b.Of(0, ids))
	b.Table.AddGrad(g, b.Of(1, ids))
}

// Of returns the first or second rows of items, negative where the item is; the
// slice is valid until the next call.
func (b *Bloom) Of(which int, ids []int32) []int32 {
	b.ids = b.ids[:0]
	for _, id := range ids {
		row := int32(-1)
		if id >= 0 {
			row = b.Rows[which][id]
		}
		b.ids = append(b.ids, row)
	}
	return b.ids
}
