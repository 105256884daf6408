package sequence

import (
	"fmt"
	"math"
	"slices"

	"bellwether"
	"bellwether/tensor"
	"bellwether/tensor/nn"
)

// Hash says how items and people share the rows of one table (docs/science.md §2): an
// id's vector is the sum of two rows that hashing its name finds, so that a
// table of millions of rows holds ids without number, those that nobody has seen
// yet among them. Frequent items have a row of their own.
type Hash struct {
	Rows   int  `json:"rows"`
	Width  int  `json:"width"`            // of a row; a matrix [dim, width] brings it to the width of a token
	Own    int  `json:"own,omitempty"`    // the last so many of Rows belong to one frequent item each
	Rare   int  `json:"rare,omitempty"`   // items with fewer training events have no row of their own
	People bool `json:"people,omitempty"` // a token holds its person, too
}

func (h *Hash) check() error {
	switch {
	case h == nil:
		return nil
	case h.Rows <= 0 || h.Rows > math.MaxInt32 || h.Own < 0 || h.Own >= h.Rows:
		return fmt.Errorf("sequence: a hash table of %d rows of which %d belong to one item", h.Rows, h.Own)
	case h.Width <= 0 || h.Width > maxDim:
		return fmt.Errorf("sequence: hashed rows of width %d", h.Width)
	}
	return nil
}

// shared is the number of rows that ids share.
func (h *Hash) shared() int { return h.Rows - h.Own }

// hashed is the embedding of items and people by shared rows.
type hashed struct {
	Hash
	table          *nn.Param // [rows, width]
	project        *nn.Dense // [dim, width]
	vectors        nn.Bloom  // of the items
	items, persons nn.Embedding
	named          bool // persons took part in the last training pass
}

func newHashed(b *nn.Builder, s Settings, items []bellwether.ItemID) *hashed {
	h := &hashed{Hash: *s.Hash}
	h.table = b.Table("hash.weight", nn.Uniform(.03), h.Rows, h.Width)
	fill := nn.Uniform(1 / math.Sqrt(float64(h.Width)))
	h.project = &nn.Dense{In: h.Width, Out: s.Dim, Weight: b.Param("hash.projection.weight", fill, s.Dim, h.Width)}
	twice := nn.Embedding{Width: h.Width, Tables: []*nn.Param{h.table, h.table}}
	h.items, h.persons = twice, twice
	h.vectors = nn.Bloom{Table: h.table, Rows: [2][]int32{make([]int32, len(items)), make([]int32, len(items))}}
	for i, id := range items {
		h.vectors.Rows[0][i], h.vectors.Rows[1][i] = nn.BloomRows("item:"+string(id), h.shared())
	}
	return h
}

// give gives the marked items rows of their own, in their order.
func (h *hashed) give(own []byte) {
	next := h.shared()
	for i, mine := range own {
		if mine != 0 {
			h.vectors.Rows[0][i], h.vectors.Rows[1][i] = int32(next), -1
			next++
		}
	}
}

// frequent marks the items that get a row of their own: those with the most
// training events, and at least Rare.
func (h *Hash) frequent(counts []float64) []byte {
	order := make([]int, 0, len(counts))
	for i, n := range counts {
		if n >= max(float64(h.Rare), 1) {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return int(counts[b] - counts[a]) })
	own := make([]byte, len(counts))
	for _, i := range order[:min(len(order), h.Own)] {
		own[i] = 1
	}
	return own
}

// person returns the rows of a person, −1 for one without a name.
func (h *hashed) person(id bellwether.Subject) (int32, int32) {
	if id == "" {
		return -1, -1
	}
	return nn.BloomRows("person:"+string(id), h.shared())
}

// forward returns [tokens, dim]; people, the rows of each token's person, are
// left out unless there is one for each token.
func (h *hashed) forward(p *nn.Pass, items []int32, people [][]int32) []float32 {
	rows := [][]int32{p.Indices(p.Rows), p.Indices(p.Rows)}
	for which, list := range rows {
		for i, item := range items[:p.Rows] {
			list[i] = -1
			if item >= 0 {
				list[i] = h.vectors.Rows[which][item]
			}
		}
	}
	z := h.items.Forward(p, rows)
	named := len(people) == 2 && len(people[0]) == p.Rows
	if named {
		tensor.Add(z, z, h.persons.Forward(p, people))
	}
	if p.Train {
		h.named = named
	}
	return h.project.Forward(p, z)
}

func (h *hashed) backward(p *nn.Pass, dy []float32) {
	dz := h.project.Backward(p, dy)
	h.items.Backward(p, dz)
	if h.named {
		h.persons.Backward(p, dz)
	}
}

// loss is l over the items' vectors: their products with the states, [tokens,
// dim], are those of their rows with the states brought to the rows' width.
func (h *hashed) loss(p *nn.Pass, l nn.NextItem, dstates, states []float32, targets []int32, scale float32) float64 {
	n, w, d := p.Rows, h.Width, h.project.Out
	weight := h.project.Weight
	query, dquery := p.Buffer(n*w), p.Buffer(n*w)
	tensor.MatMul(query, states, weight.Value, n, w, d, tensor.Tail{})
	loss := l.Loss(p, dquery, query, &h.vectors, targets, scale)
	tensor.MatMulTB(dstates, dquery, weight.Value, n, d, w, tensor.Tail{})
	tensor.MatMulTA(weight.Grad, states, dquery, d, w, n, tensor.Tail{Accumulate: true})
	return loss
}

// fill sets dst to the items' vectors, [items, dim].
func (h *hashed) fill(dst []float32) {
	const some = 4096
	ids, rows := make([]int32, 0, some), make([]float32, some*h.Width)
	items, d := len(h.vectors.Rows[0]), h.project.Out
	for first := 0; first < items; first += some {
		ids = ids[:0]
		for i := first; i < min(items, first+some); i++ {
			ids = append(ids, int32(i))
		}
		h.vectors.Gather(rows, ids)
		tensor.MatMulTB(dst[first*d:], rows, h.project.Weight.Value, len(ids), d, h.Width, tensor.Tail{})
	}
}

// embedding is the first layer: rows of items, positions and fields, or of
// positions and fields where items are hashed.
type embedding struct {
	nn.Embedding
	hashed  *hashed  // nil: the first table is the items'
	content *content // nil: nothing is known of items but their names
}

// Forward returns [tokens, dim] for tokens.ids and, if they count, tokens.people.
func (e *embedding) Forward(p *nn.Pass, ids [][]int32, people ...[]int32) []float32 {
	own := ids
	if e.hashed != nil {
		own = ids[1:]
	}
	y := e.Embedding.Forward(p, own)
	if e.hashed != nil {
		tensor.Add(y, y, e.hashed.forward(p, ids[0], people))
	}
	if e.content != nil {
		tensor.Add(y, y, e.content.forward(p, ids[0]))
	}
	return y
}

// Backward adds to the gradients.
func (e *embedding) Backward(p *nn.Pass, dy []float32) {
	e.Embedding.Backward(p, dy)
	if e.hashed != nil {
		e.hashed.backward(p, dy)
	}
	if e.content != nil {
		e.content.project.Backward(p, dy)
	}
}
