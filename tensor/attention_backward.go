package tensor

import "bellwether/tensor/internal/kernel"

// backward goes through the blocks of queries from the last, which attends to
// every key and so sets the gradients that the others add to.
func (h *head) backward() {
	h.slopes = grow(h.slopes, h.length*queryBlock)
	last := (h.length - 1) / queryBlock * queryBlock
	for start := last; start >= 0 && h.length > 0; start -= queryBlock {
		flags := kernel.TileAdd
		if start == last {
			flags = 0
		}
		h.backwardBlock(start, min(queryBlock, h.length-start), flags)
	}
}

// backwardBlock computes p = softmax(k·qᵀ·Scale) again, and from it, with
// dp = v·doutᵀ and ds = Scale·p⊙(dp − Σ p⊙dp), the sum being that of dout⊙out:
// dv = p·dout, dk = ds·q, dq = dsᵀ·k (Dao et al. 2022, appendix B.4).
func (h *head) backwardBlock(start, count, flags int) {
	keys, width := start+count, roundUp(count)
	q, dq := h.q[h.at+start*h.Stride:], h.dq[h.at+start*h.Stride:]
	out, dout := h.out[h.atDense+start*h.dense():], h.dout[h.atDense+start*h.dense():]

	h.scoresOf(start, count)
	clear(h.shift[:width])
	for j := range count {
		h.shift[j] = h.lse[(h.first+start+j)*h.Heads+h.number]
	}
	kernel.ColumnsExp(h.scores, h.shift, h.sum, h.scores, keys, width, width, width, 1)

	h.transpose(h.gradients, dout, h.dense(), count)
	h.byKeys(h.slopes, h.v[h.at:], h.gradients, keys, width)
	clear(h.sum[:width])
	for j := range count {
		at := j * h.dense()
		h.sum[j] = kernel.Dot(dout[at:at+h.HeadDim], out[at:at+h.HeadDim])
	}
	kernel.ColumnsGradient(h.slopes, h.scores, h.sum, keys, width, width, h.Scale)

	byKey := kernel.Strides{K: count, RowA: width, StepA: 1, StepB: h.dense(), RowC: h.Stride}
	multiply(&byKey, keys, h.HeadDim, h.scores, dout, h.dv[h.at:], flags)
	byKey.StepB = h.Stride
	multiply(&byKey, keys, h.HeadDim, h.slopes, q, h.dk[h.at:], flags)
	byQuery := kernel.Strides{K: keys, RowA: 1, StepA: width, StepB: h.Stride, RowC: h.Stride}
	multiply(&byQuery, count, h.HeadDim, h.slopes, h.k[h.at:], dq, 0)
}
