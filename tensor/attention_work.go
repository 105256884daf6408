package tensor

import (
	"math"

	"bellwether/tensor/internal/kernel"
	"bellwether/tensor/internal/pool"
)

// attention is one call: its parts are runs of the pairs of sequence and head.
type attention struct {
	Attention
	out, lse, q, k, v []float32
	dq, dk, dv, dout  []float32 // dout is nil in the forward pass
	offsets           []int32
	parts             int
}

var attentions free[attention]

// queryBlock is the number of queries that are worked on together: one row of
// tiles of scores, [keys, queryBlock], is all that there is of the scores.
const queryBlock = 32

func (w *attention) run() {
	pairs := (len(w.offsets) - 1) * w.Heads
	w.parts = 1
	if w.products() > serialMul {
		w.parts = max(min(16*pool.Size(), pairs), 1)
	}
	pool.Run(w.parts, w)
	*w = attention{}
	attentions.put(w)
}

// products is the number of multiplications of the scores, about.
func (w *attention) products() int {
	var n int
	for s := range len(w.offsets) - 1 {
		length := int(w.offsets[s+1] - w.offsets[s])
		n += length * (length + queryBlock)
	}
	return n * w.HeadDim * w.Heads
}

// Do works on one part of the pairs of sequence and head.
func (w *attention) Do(part int) {
	pairs := (len(w.offsets) - 1) * w.Heads
	h := heads.take()
	defer heads.put(h)
	h.attention = w
	for pair := pairs * part / w.parts; pair < pairs*(part+1)/w.parts; pair++ {
		s := pair / w.Heads
		h.begin(int(w.offsets[s]), int(w.offsets[s+1]-w.offsets[s]), pair%w.Heads)
		if w.dout == nil {
			h.forward()
		} else {
			h.backward()
		}
	}
	h.attention = nil
}

// head is one head over one sequence. Scores are stored transposed, a query a
// column, so that softmax runs down vectors of queries and no operand but the
// block's queries (and their gradients) has to be transposed.
type head struct {
	*attention
	first, length, number int
	at, atDense           int // of the head's first value in q, k and v, and in out

	queries, gradients []float32 // qᵀ·Scale and doutᵀ of a block, in panels
	scores, slopes     []float32 // [keys, width], and their gradient
	shift, sum         []float32 // [width]
}

var heads free[head]

func (h *head) begin(first, length, number int) {
	h.first, h.length, h.number = first, length, number
	h.at = first*h.Stride + number*h.HeadDim
	h.atDense = (first*h.Heads + number) * h.HeadDim
	h.queries, h.gradients = grow(h.queries, queryBlock*h.HeadDim), grow(h.gradients, queryBlock*h.HeadDim)
	h.scores = grow(h.scores, length*queryBlock)
	h.shift, h.sum = grow(h.shift, queryBlock), grow(h.sum, queryBlock)
}

// dense is the distance of two rows of out.
func (h *head) dense() int { return h.Heads * h.HeadDim }

func (h *head) forward() {
	for start := 0; start < h.length; start += queryBlock {
		h.forwardBlock(start, min(queryBlock, h.length-start))
	}
}

// forwardBlock attends from count queries at start to all keys up to them.
func (h *head) forwardBlock(start, count int) {
	keys, width := start+count, roundUp(count)
	h.scoresOf(start, count)
	for j := range width {
		h.shift[j], h.sum[j] = float32(math.Inf(-1)), 0
	}
	kernel.ColumnsMax(h.shift, h.scores, keys, width, width)
	kernel.ColumnsExp(h.scores, h.shift, h.sum, h.scores, keys, width, width, width, 1)

	out := h.out[h.atDense+start*h.dense():]
	l := kernel.Strides{K: keys, RowA: 1, StepA: width, StepB: h.Stride, RowC: h.dense()}
	multiply(&l, count, h.HeadDim, h.scores, h.v[h.at:], out, 0)
	for j := range count {
		kernel.Scale(1/h.sum[j], out[j*h.dense():][:h.HeadDim])
		h.lse[(h.first+start+j)*h.Heads+h.number] = h.shift[j] + float32(math.Log(float64(h.sum[j])))
	}
}

// scoresOf sets scores to k·qᵀ·Scale, −Inf where the key comes after the query.
func (h *head) scoresOf(start, count int) {
	keys, width := start+count, roundUp(count)
	h.transpose(h.queries, h.q[h.at+start*h.Stride:], h.Stride, count)
	kernel.Scale(h.Scale, h.queries[:width*h.HeadDim])
	h.byKeys(h.scores, h.k[h.at:], h.queries, keys, width)
	for key := start + 1; key < keys; key++ {
		row := h.scores[key*width:]
		for j := range key - start {
			row[j] = float32(math.Inf(-1))
		}
	}
}

// transpose lays out count rows of x as the right-hand side of byKeys.
func (h *head) transpose(dst, x []float32, stride, count int) {
	_, cols := kernel.TileShape()
	for j := 0; j < roundUp(count); j += cols {
		kernel.PackColumns(dst[j*h.HeadDim:], x[min(j, count-1)*stride:], h.HeadDim, max(min(cols, count-j), 0), stride, min(cols, roundUp(count)))
	}
}

// byKeys sets dst, [keys, width], to x·panels; the rows of x are Stride apart.
func (h *head) byKeys(dst, x, panels []float32, keys, width int) {
	rows, cols := kernel.TileShape()
	l := kernel.Strides{K: h.HeadDim, RowA: h.Stride, StepA: 1, StepB: min(cols, width), RowC: width}
	for i := 0; i < keys; i += rows {
		for j := 0; j < width; j += cols {
			l.Tile(min(rows, keys-i), min(cols, width-j), x[i*h.Stride:], panels[j*h.HeadDim:], dst[i*width+j:], nil, 0)
		}
	}
}
