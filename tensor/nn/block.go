package nn

import "bellwether/tensor"

// Residual is a pre-norm branch, x + Dropout(Branch(Norm(x))), or with a Gate
// the gated one of LiGR, x + Dropout(Branch(Norm(x)) ⊙ Gate(Norm(x))), where
// Gate ends in a sigmoid (eSASRec, arXiv 2508.06450).
type Residual struct {
	Norm, Branch Layer
	Gate         *Dense // nil for a plain branch
	Dropout      *Dropout

	branch, gate []float32
}

// Forward implements Layer.
func (r *Residual) Forward(p *Pass, x []float32) []float32 {
	n := r.Norm.Forward(p, x)
	branch, gate := r.Branch.Forward(p, n), []float32(nil)
	if r.Gate != nil {
		gate = r.Gate.Forward(p, n)
	}
	if p.Train {
		r.branch, r.gate = branch, gate
	}
	y := p.Buffer(len(branch))
	tensor.AddBranch(y, x, branch, gate, r.Dropout.rate(p), r.Dropout.stream(p))
	return y
}

// Backward implements Layer.
func (r *Residual) Backward(p *Pass, dy []float32) []float32 {
	var dn []float32
	if r.Gate == nil {
		dn = r.Branch.Backward(p, r.Dropout.Backward(p, dy))
	} else {
		db, dg := p.Buffer(len(r.branch)), p.Buffer(len(r.branch))
		tensor.AddBranchBackward(db, dg, dy, r.branch, r.gate, r.Dropout.rate(p), r.Dropout.stream(p))
		dn = r.Branch.Backward(p, db)
		tensor.Add(dn, dn, r.Gate.Backward(p, dg))
	}
	dx := r.Norm.Backward(p, dn)
	tensor.Add(dx, dx, dy[:len(dx)])
	return dx
}

// BlockOptions says what a Transformer block is made of.
type BlockOptions struct {
	Width, Heads int
	Hidden       int // width of the feed-forward's middle; 0 means 4·Width
	Gated        bool
	SwiGLU       bool // else GELU
	Experts      int  // feed-forwards of which each token uses Top; 0 or 1: one for all
	Top          int  // 1 or 2, 0 means 1
	RMSNorm      bool // else LayerNorm
	Dropout      float32
}

// Block makes a causal Transformer block: an attention branch, then a feed-forward branch.
func (b *Builder) Block(name string, o BlockOptions) Layer {
	b = b.Within(name)
	if o.Hidden == 0 {
		o.Hidden = 4 * o.Width
	}
	return Sequential{
		b.residual("attention", o, b.SelfAttention("attention", o.Width, o.Heads)),
		b.residual("feedforward", o, b.feedForward("feedforward", o)),
	}
}

func (b *Builder) residual(name string, o BlockOptions, branch Layer) *Residual {
	b = b.Within(name)
	r := &Residual{Branch: branch, Dropout: b.Dropout(o.Dropout)}
	if o.RMSNorm {
		r.Norm = b.RMSNorm("norm", o.Width)
	} else {
		r.Norm = b.LayerNorm("norm", o.Width)
	}
	if o.Gated {
		r.Gate = b.Dense("gate", o.Width, o.Width, tensor.ActSigmoid)
	}
	return r
}

func (b *Builder) feedForward(name string, o BlockOptions) Layer {
	if o.Experts > 1 {
		return b.Experts(name, o)
	}
	if o.SwiGLU {
		return b.SwiGLU(name, o.Width, o.Hidden)
	}
	b = b.Within(name)
	return Sequential{
		b.Dense("in", o.Width, o.Hidden, tensor.ActGELU),
		b.Dense("out", o.Hidden, o.Width, tensor.Identity),
	}
}

// SwiGLU is a feed-forward layer whose middle is SiLU(x·Aᵀ) ⊙ (x·Bᵀ) (Shazeer 2020).
type SwiGLU struct {
	In, Up, Out *Dense

	gate, up []float32
}

// SwiGLU makes a layer.
func (b *Builder) SwiGLU(name string, width, hidden int) *SwiGLU {
	b = b.Within(name)
	return &SwiGLU{
		In:  b.Dense("in", width, hidden, tensor.ActSiLU),
		Up:  b.Dense("up", width, hidden, tensor.Identity),
		Out: b.Dense("out", hidden, width, tensor.Identity),
	}
}

// Forward implements Layer.
func (s *SwiGLU) Forward(p *Pass, x []float32) []float32 {
	gate, up := s.In.Forward(p, x), s.Up.Forward(p, x)
	if p.Train {
		s.gate, s.up = gate, up
	}
	z := p.Buffer(len(up))
	tensor.Mul(z, gate, up)
	return s.Out.Forward(p, z)
}

// Backward implements Layer.
func (s *SwiGLU) Backward(p *Pass, dy []float32) []float32 {
	dz := s.Out.Backward(p, dy)
	dgate, dup := p.Buffer(len(dz)), p.Buffer(len(dz))
	tensor.Mul(dgate, dz, s.up)
	tensor.Mul(dup, dz, s.gate)
	dx := s.In.Backward(p, dgate)
	tensor.Add(dx, dx, s.Up.Backward(p, dup))
	return dx
}
