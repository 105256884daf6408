package tensor

import "bellwether/tensor/internal/kernel"

// Query attends from one token to keys and values that are kept: what Forward
// gives the last of so many tokens, for the time of one row instead of all. q
// and out are [Heads·HeadDim]; keys and values are [Heads, room, HeadDim], of
// which the first tokens rows of each head count; scores is working memory for
// tokens values. Stride plays no part.
func (a Attention) Query(out, q, keys, values, scores []float32, tokens, room int) {
	const name = "Attention.Query"
	a = a.withDefaults()
	if tokens <= 0 || tokens > room {
		panic("tensor: " + name + ": tokens must be positive and at most room")
	}
	need(name, "out", out, a.Heads*a.HeadDim)
	need(name, "q", q, a.Heads*a.HeadDim)
	need(name, "keys", keys, a.Heads*room*a.HeadDim)
	need(name, "values", values, a.Heads*room*a.HeadDim)
	need(name, "scores", scores, tokens)
	l := kernel.Strides{K: tokens, RowA: tokens, StepA: 1, StepB: a.HeadDim, RowC: a.HeadDim}
	for h := range a.Heads {
		from, to, at := h*a.HeadDim, (h+1)*a.HeadDim, h*room*a.HeadDim
		p := scores[:tokens]
		kernel.RowDots(p, q[from:to], keys[at:], tokens, a.HeadDim)
		kernel.Scale(a.Scale, p)
		softmaxRow(p, p)
		multiply(&l, 1, a.HeadDim, p, values[at:], out[from:to], 0)
	}
}
