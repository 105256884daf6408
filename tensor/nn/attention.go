package nn

import "bellwether/tensor"

// SelfAttention is causal multi-head attention of each sequence of the pass to
// itself (Vaswani et al. 2017): one product for q, k and v, the attention, and
// one product for the output. Sequences are packed: there is no padding.
type SelfAttention struct {
	Width int
	QKV   *Dense // [3·width, width]
	Out   *Dense // [width, width]

	kernel        tensor.Attention
	qkv, sum, lse []float32
}

// SelfAttention makes a layer; heads divides width.
func (b *Builder) SelfAttention(name string, width, heads int) *SelfAttention {
	b = b.Within(name)
	return &SelfAttention{
		Width:  width,
		QKV:    b.Dense("qkv", width, 3*width, tensor.Identity),
		Out:    b.Dense("out", width, width, tensor.Identity),
		kernel: tensor.Attention{Heads: heads, HeadDim: width / heads, Stride: 3 * width},
	}
}

// Forward implements Layer.
func (a *SelfAttention) Forward(p *Pass, x []float32) []float32 {
	w := a.Width
	qkv := a.QKV.Forward(p, x)
	sum, lse := p.Buffer(p.Rows*w), p.Buffer(p.Rows*a.kernel.Heads)
	a.kernel.Forward(sum, lse, qkv, qkv[w:], qkv[2*w:], p.Offsets)
	if p.Train {
		a.qkv, a.sum, a.lse = qkv, sum, lse
	}
	return a.Out.Forward(p, sum)
}

// Backward implements Layer.
func (a *SelfAttention) Backward(p *Pass, dy []float32) []float32 {
	w := a.Width
	dsum := a.Out.Backward(p, dy)
	dqkv := p.Buffer(p.Rows * 3 * w)
	a.kernel.Backward(dqkv, dqkv[w:], dqkv[2*w:], dsum, a.sum, a.lse, a.qkv, a.qkv[w:], a.qkv[2*w:], p.Offsets)
	return a.QKV.Backward(p, dqkv)
}
