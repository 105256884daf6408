package nn

import "bellwether/tensor"

// ownRows is the number of tokens whose losses are added up apart, so that the
// sum does not depend on the number of goroutines.
const ownRows = 512

// ownNegatives is a loss where each token has one negative of its own: its arrays
// are [tokens, width], its parts runs of tokens.
type ownNegatives struct {
	*Sampled
	width                       int
	dh, h, positives, negatives []float32
	targets                     []int32
	scale                       float32
	losses                      []float64 // by part
	run                         func(part int)
}

// ownLoss is Loss with a negative of its own for every token.
func (l *Sampled) ownLoss(p *Pass, dh, h []float32, items Vectors, targets []int32, scale float32) float64 {
	w := items.Width()
	o := &l.own
	if o.run == nil {
		o.run = o.part
	}
	l.draw(p, 0, p.Rows)
	l.logProbability(0) // the parts share what it keeps
	o.Sampled, o.width, o.dh, o.h, o.targets, o.scale = l, w, dh, h, targets, scale
	o.positives, o.negatives = p.Buffer(p.Rows*w), p.Buffer(p.Rows*w)
	items.Gather(o.positives, targets)
	items.Gather(o.negatives, l.drawn)
	parts := (p.Rows + ownRows - 1) / ownRows
	o.losses = append(o.losses[:0], make([]float64, parts)...)
	tensor.Parallel(parts, o.run)
	items.AddGrad(o.positives, targets)
	items.AddGrad(o.negatives, l.drawn)
	var loss float64
	for _, one := range o.losses {
		loss += one
	}
	return loss * float64(scale)
}

// part replaces positives and negatives by the gradients of those rows.
func (o *ownNegatives) part(part int) {
	w := o.width
	for i := part * ownRows; i < min((part+1)*ownRows, len(o.targets)); i++ {
		dh, h := o.dh[i*w:(i+1)*w], o.h[i*w:(i+1)*w]
		positive, negative := o.positives[i*w:(i+1)*w], o.negatives[i*w:(i+1)*w]
		var score [1]float32
		var own float32
		if target := o.targets[i]; target >= 0 {
			score[0], own = tensor.Dot(h, negative), tensor.Dot(h, positive)-o.logProbability(target)
			o.correct(score[:], o.drawn[i:i+1], target)
			var loss float64
			loss, own = o.objective(score[:], own, o.scale)
			o.losses[part] += loss
		}
		for j, v := range h {
			dh[j] = own*positive[j] + score[0]*negative[j]
			positive[j], negative[j] = own*v, score[0]*v
		}
	}
}
