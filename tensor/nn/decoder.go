package nn

import "bellwether/tensor"

// Decoder runs Transformer blocks for answers, which need the state after the
// last token of a sequence and no other: the last attention asks from that token
// alone, and what comes after it sees one row a sequence. With a Past, tokens
// that were seen before are not computed again. Weights must not change while a
// Decoder of them is in use; passes of several goroutines may run at once.
type Decoder struct {
	layers     []Layer
	last       int // the last layer with attention, −1: none
	attentions int
	width      int
	heads      int
	keyValue   *tensor.Packed // of the last attention: the part of its weights that makes keys and values
}

// NewDecoder makes a Decoder of trained layers whose weights are packed. Dropouts are left out.
func NewDecoder(layers ...Layer) *Decoder {
	d := &Decoder{last: -1}
	d.add(layers)
	if d.last >= 0 {
		qkv := d.layers[d.last].(*Residual).Branch.(*SelfAttention).QKV
		d.keyValue = tensor.PackT(nil, qkv.Weight.Value[d.width*d.width:], d.width, 2*d.width)
	}
	return d
}

func (d *Decoder) add(layers []Layer) {
	for _, l := range layers {
		switch l := l.(type) {
		case *Dropout:
			continue
		case Sequential:
			d.add(l)
			continue
		case *Residual:
			if a, ok := l.Branch.(*SelfAttention); ok {
				d.last, d.width, d.heads = len(d.layers), a.Width, a.kernel.Heads
				d.attentions++
			}
		}
		d.layers = append(d.layers, l)
	}
}

// Forward returns the state after the last token of each sequence of the pass,
// [sequences, width], for the input x, [rows, width]; p.Rows becomes the number
// of sequences, none of which may be empty. If past is not nil, there is one
// sequence, x is what follows the tokens of past, and past then holds both.
func (d *Decoder) Forward(p *Pass, x []float32, past *Past) []float32 {
	rows, attention := p.Rows, 0
	if past != nil && d.attentions > 0 {
		past.reserve(past.tokens+rows, d.attentions, d.width, d.heads)
	}
	for i, l := range d.layers {
		r, _ := l.(*Residual)
		a, attends := (*SelfAttention)(nil), false
		if r != nil {
			a, attends = r.Branch.(*SelfAttention)
		}
		switch {
		case !attends:
			x = l.Forward(p, x)
		case i == d.last:
			x = d.attendLast(p, r, a, x, past, attention)
		default:
			x = attendAll(p, r, a, x, past, attention)
			attention++
		}
	}
	if d.last < 0 {
		x = p.lastRows(x, len(x)/max(p.Rows, 1))
		p.Rows = len(p.Offsets) - 1
	}
	if past != nil {
		past.tokens += rows
	}
	return x
}

// attendAll is r.Forward, with past.
func attendAll(p *Pass, r *Residual, a *SelfAttention, x []float32, past *Past, attention int) []float32 {
	w := a.Width
	n := r.Norm.Forward(p, x)
	qkv := a.QKV.Forward(p, n)
	if past != nil {
		past.keep(attention, qkv[w:], qkv[2*w:], p.Rows, 3*w, a.kernel.HeadDim)
	}
	sum := p.Buffer(p.Rows * w)
	if past == nil || past.tokens == 0 {
		a.kernel.Forward(sum, p.Buffer(p.Rows*a.kernel.Heads), qkv, qkv[w:], qkv[2*w:], p.Offsets)
	} else {
		keys, values := past.of(attention)
		scores := p.Buffer(past.tokens + p.Rows)
		for i := range p.Rows {
			a.kernel.Query(sum[i*w:], qkv[3*i*w:], keys, values, scores, past.tokens+i+1, past.room)
		}
	}
	return r.join(p, x, n, a.Out.Forward(p, sum))
}

// attendLast is attendAll for the last rows: all make keys and values, which the
// last of each sequence asks.
func (d *Decoder) attendLast(p *Pass, r *Residual, a *SelfAttention, x []float32, past *Past, attention int) []float32 {
	w, rows := a.Width, p.Rows
	n := r.Norm.Forward(p, x)
	kv := p.Buffer(rows * 2 * w)
	tensor.MatMulPacked(kv, n, d.keyValue, rows, tensor.Tail{Bias: a.QKV.Bias.Value[w:]})
	x, n = p.lastRows(x, w), p.lastRows(n, w)
	p.Rows = len(p.Offsets) - 1
	q, sum := p.Buffer(p.Rows*w), p.Buffer(p.Rows*w)
	tensor.MatMulTB(q, n, a.QKV.Weight.Value[:w*w], p.Rows, w, w, tensor.Tail{Bias: a.QKV.Bias.Value[:w]})
	if past != nil {
		past.keep(attention, kv, kv[w:], rows, 2*w, a.kernel.HeadDim)
		keys, values := past.of(attention)
		a.kernel.Query(sum, q, keys, values, p.Buffer(past.tokens+rows), past.tokens+rows, past.room)
	} else {
		askEach(p, a, sum, q, kv)
	}
	return r.join(p, x, n, a.Out.Forward(p, sum))
}

// askEach asks the keys and values of each sequence, rows of kv, by its row of q.
func askEach(p *Pass, a *SelfAttention, sum, q, kv []float32) {
	w, longest := a.Width, 0
	for s := range p.Rows {
		longest = max(longest, int(p.Offsets[s+1]-p.Offsets[s]))
	}
	keys, values, scores := p.Buffer(longest*w), p.Buffer(longest*w), p.Buffer(longest)
	for s := range p.Rows {
		first, tokens := int(p.Offsets[s]), int(p.Offsets[s+1]-p.Offsets[s])
		arrange(keys, kv[2*first*w:], tokens, 2*w, tokens, w, a.kernel.HeadDim)
		arrange(values, kv[(2*first+1)*w:], tokens, 2*w, tokens, w, a.kernel.HeadDim)
		a.kernel.Query(sum[s*w:], q[s*w:], keys, values, scores, tokens, tokens)
	}
}

// join is the end of Forward: x + branch ⊙ gate.
func (r *Residual) join(p *Pass, x, n, branch []float32) []float32 {
	y := p.Buffer(len(branch))
	if r.Gate == nil {
		tensor.Add(y, branch, x)
		return y
	}
	tensor.Mul(y, branch, r.Gate.Forward(p, n))
	tensor.Add(y, y, x)
	return y
}

// lastRows copies the last row of each sequence.
func (p *Pass) lastRows(x []float32, width int) []float32 {
	last := p.Buffer((len(p.Offsets) - 1) * width)
	for s, end := range p.Offsets[1:] {
		copy(last[s*width:(s+1)*width], x[(int(end)-1)*width:])
	}
	return last
}
