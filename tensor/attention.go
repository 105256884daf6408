package tensor

import "math"

// Attention is causal multi-head attention softmax(q·kᵀ·Scale)·v over packed
// sequences of different lengths (Vaswani et al. 2017; the scores are never
// kept, as in Dao et al. 2022). There is no padding: sequence s is the tokens
// offsets[s] … offsets[s+1]−1, and a token sees itself and what came before it
// in its own sequence.
//
// Row i of q, k, v and of their gradients begins at i·Stride and holds
// Heads·HeadDim values, head after head; out and dout are dense. With Stride =
// 3·Heads·HeadDim the three can be parts of one product's result.
type Attention struct {
	Heads, HeadDim int
	Stride         int     // 0 means Heads·HeadDim
	Scale          float32 // 0 means 1/√HeadDim
}

// Forward sets out, [tokens, Heads·HeadDim], and keeps in lse, [tokens, Heads],
// what Backward needs.
func (a Attention) Forward(out, lse, q, k, v []float32, offsets []int32) {
	a = a.withDefaults()
	a.check("Attention.Forward", out, lse, q, k, v, offsets)
	w := attentions.take()
	*w = attention{Attention: a, out: out, lse: lse, q: q, k: k, v: v, offsets: offsets}
	w.run()
}

// Backward sets dq, dk and dv from dout, the gradient of out.
func (a Attention) Backward(dq, dk, dv, dout, out, lse, q, k, v []float32, offsets []int32) {
	a = a.withDefaults()
	a.check("Attention.Backward", out, lse, q, k, v, offsets)
	a.check("Attention.Backward", dout, lse, dq, dk, dv, offsets)
	w := attentions.take()
	*w = attention{Attention: a, out: out, lse: lse, q: q, k: k, v: v, offsets: offsets, dq: dq, dk: dk, dv: dv, dout: dout}
	w.run()
}

func (a Attention) withDefaults() Attention {
	if a.Stride == 0 {
		a.Stride = a.Heads * a.HeadDim
	}
	if a.Scale == 0 {
		a.Scale = float32(1 / math.Sqrt(float64(a.HeadDim)))
	}
	return a
}

func (a Attention) check(kernel string, out, lse, q, k, v []float32, offsets []int32) {
	if a.Heads <= 0 || a.HeadDim <= 0 || a.Stride < a.Heads*a.HeadDim {
		panic("tensor: " + kernel + ": Heads and HeadDim must be positive and Stride at least their product")
	}
	if len(offsets) == 0 || offsets[0] < 0 {
		panic("tensor: " + kernel + ": offsets must hold the number of sequences plus one values")
	}
	for s := range len(offsets) - 1 {
		if offsets[s+1] < offsets[s] {
			panic("tensor: " + kernel + ": offsets must not fall")
		}
	}
	tokens := int(offsets[len(offsets)-1])
	if tokens == 0 {
		return
	}
	reach := (tokens-1)*a.Stride + a.Heads*a.HeadDim
	need(kernel, "out", out, tokens*a.Heads*a.HeadDim)
	need(kernel, "lse", lse, tokens*a.Heads)
	need(kernel, "q", q, reach)
	need(kernel, "k", k, reach)
	need(kernel, "v", v, reach)
}
