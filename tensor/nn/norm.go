package nn

import "bellwether/tensor"

// LayerNorm normalises each row to mean 0 and variance 1 and scales it (Ba,
// Kiros and Hinton 2016).
type LayerNorm struct {
	Width      int
	Gain, Bias *Param // [width]
	Epsilon    float32

	x, mean, rstd []float32
}

// LayerNorm makes a layer with gain 1, bias 0 and PyTorch's epsilon.
func (b *Builder) LayerNorm(name string, width int) *LayerNorm {
	return &LayerNorm{
		Width: width, Epsilon: 1e-5,
		Gain: b.Param(name+".weight", Constant(1), width),
		Bias: b.Param(name+".bias", Constant(0), width),
	}
}

// Forward implements Layer.
func (l *LayerNorm) Forward(p *Pass, x []float32) []float32 {
	y, mean, rstd := p.Buffer(p.Rows*l.Width), p.Buffer(p.Rows), p.Buffer(p.Rows)
	tensor.LayerNorm(y, x, l.Gain.Value, l.Bias.Value, mean, rstd, p.Rows, l.Width, l.Epsilon)
	if p.Train {
		l.x, l.mean, l.rstd = x, mean, rstd
	}
	return y
}

// Backward implements Layer.
func (l *LayerNorm) Backward(p *Pass, dy []float32) []float32 {
	dx := p.Buffer(p.Rows * l.Width)
	tensor.LayerNormBackward(dx, l.Gain.Grad, l.Bias.Grad, dy, l.x, l.Gain.Value, l.mean, l.rstd, p.Rows, l.Width)
	return dx
}

// RMSNorm scales each row to mean square 1 (Zhang and Sennrich 2019).
type RMSNorm struct {
	Width   int
	Gain    *Param // [width]
	Epsilon float32

	x, rstd []float32
}

// RMSNorm makes a layer with gain 1.
func (b *Builder) RMSNorm(name string, width int) *RMSNorm {
	return &RMSNorm{Width: width, Epsilon: 1e-5, Gain: b.Param(name+".weight", Constant(1), width)}
}

// Forward implements Layer.
func (l *RMSNorm) Forward(p *Pass, x []float32) []float32 {
	y, rstd := p.Buffer(p.Rows*l.Width), p.Buffer(p.Rows)
	tensor.RMSNorm(y, x, l.Gain.Value, rstd, p.Rows, l.Width, l.Epsilon)
	if p.Train {
		l.x, l.rstd = x, rstd
	}
	return y
}

// Backward implements Layer.
func (l *RMSNorm) Backward(p *Pass, dy []float32) []float32 {
	dx := p.Buffer(p.Rows * l.Width)
	tensor.RMSNormBackward(dx, l.Gain.Grad, dy, l.x, l.Gain.Value, l.rstd, p.Rows, l.Width)
	return dx
}
