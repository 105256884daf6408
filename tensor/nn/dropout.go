package nn

import "bellwether/tensor"

// Dropout sets values to 0 with probability Rate while training and scales the
// rest by 1/(1−Rate). Which ones follows from the pass's seed and step and the
// layer's number, so that nothing is kept for the backward pass.
type Dropout struct {
	Rate   float32
	Number uint32
}

// Dropout makes a layer with a number of its own.
func (b *Builder) Dropout(rate float32) *Dropout {
	b.shared.dropouts++
	return &Dropout{Rate: rate, Number: b.shared.dropouts}
}

// Forward implements Layer.
func (d *Dropout) Forward(p *Pass, x []float32) []float32 { return d.apply(p, x) }

// Backward implements Layer.
func (d *Dropout) Backward(p *Pass, dy []float32) []float32 { return d.apply(p, dy) }

func (d *Dropout) apply(p *Pass, x []float32) []float32 {
	if !p.Train || d.Rate == 0 {
		return x
	}
	y := p.Buffer(len(x))
	tensor.Dropout(y, x, d.Rate, d.stream(p), 0)
	return y
}

func (d *Dropout) stream(p *Pass) tensor.Stream {
	s := p.Random
	s.Layer = d.Number
	return s
}

// rate is what the layer drops in this pass.
func (d *Dropout) rate(p *Pass) float32 {
	if !p.Train {
		return 0
	}
	return d.Rate
}
