package nn

import (
	"math"

	"bellwether/tensor"
)

// Dense is y = activation(x·Wᵀ + b).
type Dense struct {
	In, Out    int
	Weight     *Param // [out, in]
	Bias       *Param // [out], nil for none
	Activation tensor.Activation
	First      bool // its input has no gradient: Backward returns nil

	x, y, pre []float32
}

// Dense makes a layer with PyTorch's first values: uniform in ±1/√in.
func (b *Builder) Dense(name string, in, out int, f tensor.Activation) *Dense {
	fill := Uniform(1 / math.Sqrt(float64(max(in, 1))))
	d := &Dense{
		In: in, Out: out, Activation: f,
		Weight: b.Param(name+".weight", fill, out, in),
		Bias:   b.Param(name+".bias", fill, out),
	}
	d.Weight.packs = !b.shared.unpacked
	return d
}

// Forward implements Layer.
func (d *Dense) Forward(p *Pass, x []float32) []float32 {
	y := p.Buffer(p.Rows * d.Out)
	tail := tensor.Tail{Activation: d.Activation}
	if d.Bias != nil {
		tail.Bias = d.Bias.Value
	}
	if p.Train {
		d.x, d.y = x, y
		if d.Activation == tensor.ActGELU || d.Activation == tensor.ActSiLU {
			d.pre = p.Buffer(p.Rows * d.Out)
			tail.Pre = d.pre
		}
	}
	if d.Weight.packs {
		tensor.MatMulPacked(y, x, d.Weight.forward, p.Rows, tail)
	} else {
		tensor.MatMulTB(y, x, d.Weight.Value, p.Rows, d.Out, d.In, tail)
	}
	return y
}

// Backward implements Layer.
func (d *Dense) Backward(p *Pass, dy []float32) []float32 {
	dz := d.beforeActivation(p, dy)
	tensor.MatMulTA(d.Weight.Grad, dz, d.x, d.Out, d.In, p.Rows, tensor.Tail{Accumulate: true})
	if d.Bias != nil {
		tensor.AddRows(d.Bias.Grad, dz, p.Rows, d.Out)
	}
	if d.First {
		return nil
	}
	dx := p.Buffer(p.Rows * d.In)
	if d.Weight.packs {
		tensor.MatMulPacked(dx, dz, d.Weight.backward, p.Rows, tensor.Tail{})
	} else {
		tensor.MatMul(dx, dz, d.Weight.Value, p.Rows, d.In, d.Out, tensor.Tail{})
	}
	return dx
}

func (d *Dense) beforeActivation(p *Pass, dy []float32) []float32 {
	if d.Activation == tensor.Identity {
		return dy
	}
	n := p.Rows * d.Out
	dz := p.Buffer(n)
	switch d.Activation {
	case tensor.ActReLU:
		tensor.ReLUBackward(dz, dy[:n], d.y)
	case tensor.ActGELU:
		tensor.GELUBackward(dz, dy[:n], d.pre)
	case tensor.ActSigmoid:
		tensor.SigmoidBackward(dz, dy[:n], d.y)
	case tensor.ActTanh:
		tensor.TanhBackward(dz, dy[:n], d.y)
	case tensor.ActSiLU:
		tensor.SiLUBackward(dz, dy[:n], d.pre)
	}
	return dz
}
