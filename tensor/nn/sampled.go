package nn

import (
	"math"

	"bellwether/tensor"
)

// Objective is a loss over one positive and several negative scores.
type Objective int

// The objectives of Sampled.
const (
	// SampledSoftmax is −s⁺ + ln(e^s⁺ + Σ e^s⁻) (Bengio and Senécal 2008).
	SampledSoftmax Objective = iota
	// SampledBCE is −[ln σ(s⁺) + Σ ln(1−σ(s⁻))]/(k+1) (Kang and McAuley 2018).
	SampledBCE
	// GBCE is SampledBCE with ln σ(s⁺) weighted by β, which undoes the
	// overconfidence that sampling brings (gSASRec, Petrov and Macdonald 2023).
	GBCE
)

// Sampled is a loss over sampled items: Negatives of them are drawn for each
// Block of tokens, which share them, so that scores are one product; with one
// negative each token has its own (as SASRec, Kang and McAuley 2018). A negative that is a token's own target is masked. For GBCE, β = α·(t(1−1/α) + 1/α) with
// α = Negatives/(Items−1) and t = Calibration: t = 0 is SampledBCE, t = 1
// gives calibrated scores.
type Sampled struct {
	Objective   Objective
	Items       int       // draw from the first so many rows
	Negatives   int       // k
	Block       int       // tokens that share them; 0 means 256
	Calibration float32   // t of GBCE
	Cumulative  []float64 // nil: uniform. Else draw item j with probability Cumulative[j]−Cumulative[j−1] and correct scores by −ln of it

	drawn []int32
	bits  []uint32
	logQ  []float32
	own   ownNegatives
}

const negativesStream = math.MaxUint32 // layer number of the draws

// Loss implements NextItem.
func (l *Sampled) Loss(p *Pass, dh, h []float32, items Vectors, targets []int32, scale float32) float64 {
	if l.Negatives == 1 {
		return l.ownLoss(p, dh, h, items, targets, scale)
	}
	w, block := items.Width(), l.Block
	if block == 0 {
		block = 256
	}
	var loss float64
	for first := 0; first < p.Rows; first += block {
		last := min(p.Rows, first+block)
		l.draw(p, uint64(first*l.Negatives), l.Negatives)
		loss += l.shared(p, dh[first*w:last*w], h[first*w:last*w], items, targets[first:last], l.drawn, scale)
	}
	return loss
}

// shared is the loss of tokens that share the negatives, which the caller has drawn.
func (l *Sampled) shared(p *Pass, dh, h []float32, items Vectors, targets, negatives []int32, scale float32) float64 {
	w, t, k := items.Width(), len(targets), len(negatives)
	table, positives := p.Buffer(k*w), p.Buffer(t*w)
	items.Gather(table, negatives)
	items.Gather(positives, targets)
	scores, own := p.Buffer(t*k), p.Buffer(t)
	tensor.MatMulTB(scores, h, table, t, k, w, tensor.Tail{})
	var loss float64
	for i, target := range targets {
		row := scores[i*k : (i+1)*k]
		if target < 0 {
			clear(row)
			own[i] = 0
			continue
		}
		l.correct(row, negatives, target)
		own[i] = tensor.Dot(h[i*w:(i+1)*w], positives[i*w:(i+1)*w]) - l.logProbability(target)
		var one float64
		one, own[i] = l.objective(row, own[i], scale)
		loss += one
	}
	// scores and own now hold their gradients.
	tensor.MatMul(dh, scores, table, t, w, k, tensor.Tail{})
	tensor.MatMulTA(table, scores, h, k, w, t, tensor.Tail{})
	items.AddGrad(table, negatives)
	for i, down := range own {
		row := positives[i*w : (i+1)*w]
		tensor.Axpy(down, row, dh[i*w:(i+1)*w])
		copy(row, h[i*w:(i+1)*w])
		tensor.Scale(down, row)
	}
	items.AddGrad(positives, targets)
	return loss * float64(scale)
}

// correct subtracts ln q and masks the token's own target.
func (l *Sampled) correct(row []float32, negatives []int32, target int32) {
	for j, item := range negatives {
		if item == target {
			row[j] = float32(math.Inf(-1))
		} else {
			row[j] -= l.logProbability(item)
		}
	}
}

// objective returns the loss of one token before scaling; it replaces the
// negatives' scores by their scaled gradients and returns the positive's.
func (l *Sampled) objective(negatives []float32, own, scale float32) (loss float64, downOwn float32) {
	if l.Objective == SampledSoftmax {
		lse := logAddExp(float64(own), float64(tensor.LogSumExp(negatives)))
		for j, s := range negatives {
			negatives[j] = scale * float32(math.Exp(float64(s)-lse))
		}
		return lse - float64(own), scale * float32(math.Expm1(float64(own)-lse))
	}
	beta, each := l.positiveWeight(), scale/float32(l.Negatives+1)
	loss = beta * softplus(-float64(own))
	for j, s := range negatives {
		loss += softplus(float64(s))
		negatives[j] = each * sigmoid(s)
	}
	return loss / float64(l.Negatives+1), each * float32(beta) * (sigmoid(own) - 1)
}

func (l *Sampled) positiveWeight() float64 {
	if l.Objective != GBCE {
		return 1
	}
	alpha := float64(l.Negatives) / float64(l.Items-1)
	t := float64(l.Calibration)
	return alpha * (t*(1-1/alpha) + 1/alpha)
}

func logAddExp(a, b float64) float64 {
	if a < b {
		a, b = b, a
	}
	return a + math.Log1p(math.Exp(b-a))
}
