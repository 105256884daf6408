package trees

import (
	"fmt"
	"math"
	"slices"
)

// Objective is what the trees minimise, and so what they estimate.
type Objective uint8

// The objectives.
const (
	Logistic Objective = iota // classes 0 and 1: cross-entropy; the probability of 1
	Squared                   // numbers: squared error; the mean
	Absolute                  // numbers: absolute error; the median
	Pinball                   // numbers: the pinball loss; the quantile Trainer.Quantile
	Softmax                   // classes 0, 1, …: cross-entropy; a probability each
)

// String names the objective.
func (o Objective) String() string {
	return []string{"logistic", "squared", "absolute", "pinball", "softmax"}[min(o, Softmax)]
}

// loss is an objective with its settings.
type loss struct {
	Objective
	quantile float64
	outputs  int // 1, or Softmax's classes
}

// newLoss checks targets and counts classes.
func newLoss(o Objective, quantile float64, y []float64) (loss, error) {
	l := loss{o, quantile, 1}
	if o == Absolute {
		l.quantile = .5
	}
	for _, v := range y {
		if o == Softmax && v >= 0 && v < 1<<16 && v == math.Trunc(v) {
			l.outputs = max(l.outputs, int(v)+1)
			continue
		}
		switch {
		case math.IsNaN(v) || math.IsInf(v, 0):
			return l, fmt.Errorf("a target is %g: every row needs a number", v)
		case o == Logistic && v != 0 && v != 1:
			return l, fmt.Errorf("a target is %g: a class is 0 or 1", v)
		case o == Softmax:
			return l, fmt.Errorf("a target is %g: classes are 0, 1, 2, …", v)
		case math.Abs(v) > math.MaxFloat32/1e6:
			return l, fmt.Errorf("a target is %g: too large for sums; choose another unit", v)
		}
	}
	if o == Softmax && l.outputs < 2 {
		return l, fmt.Errorf("all rows are of one class")
	}
	return l, nil
}

// start returns the best constant scores.
func (l *loss) start(y []float64) []float64 {
	out := make([]float64, l.outputs)
	switch l.Objective {
	case Absolute, Pinball:
		out[0] = quantile(slices.Clone(y), l.quantile)
	case Softmax:
		for _, v := range y {
			out[int(v)]++
		}
		for k, n := range out {
			out[k] = math.Log((n + .5) / (float64(len(y)) + .5*float64(l.outputs)))
		}
	default:
		var sum float64
		for _, v := range y {
			sum += v
		}
		out[0] = sum / float64(len(y))
		if l.Objective == Logistic {
			share := (sum + 1e-9) / (float64(len(y)) + 2e-9)
			out[0] = math.Log(share / (1 - share))
		}
	}
	return out
}

// quantile sorts x and returns its quantile, linear between order statistics.
func quantile(x []float64, q float64) float64 {
	slices.Sort(x)
	at := q * float64(len(x)-1)
	low := int(at)
	if low+1 >= len(x) {
		return x[len(x)-1]
	}
	return x[low] + (at-float64(low))*(x[low+1]-x[low])
}

// slope is a row's gradient and Hessian.
type slope struct{ g, h float32 }

const leastHessian = 1e-16

// slopes writes the slopes of rows first to last for one output k. scores are [outputs][rows]; Softmax's are turned to probabilities first.
func (l *loss) slopes(out []slope, scores [][]float64, y []float64, k, first, last int) {
	s, y, out := scores[k][first:last], y[first:last], out[first:last]
	switch l.Objective {
	case Logistic:
		for i, v := range s {
			p := sigmoid(v)
			out[i] = slope{float32(p - y[i]), float32(max(p*(1-p), leastHessian))}
		}
	case Squared:
		for i, v := range s {
			out[i] = slope{float32(v - y[i]), 1}
		}
	case Absolute, Pinball:
		above, below := float32(1-l.quantile), float32(-l.quantile)
		for i, v := range s {
			out[i] = slope{below, 1}
			if v >= y[i] {
				out[i].g = above
			}
		}
	case Softmax:
		factor := float64(l.outputs) / float64(l.outputs-1) // Friedman 2001
		for i, p := range s {
			g := p
			if int(y[i]) == k {
				g--
			}
			out[i] = slope{float32(g), float32(max(factor*p*(1-p), leastHessian))}
		}
	}
}

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// softmax turns a row's scores to probabilities.
func softmax(x []float64) {
	top := slices.Max(x)
	var sum float64
	for k, v := range x {
		x[k] = math.Exp(v - top)
		sum += x[k]
	}
	for k := range x {
		x[k] /= sum
	}
}

// value is the mean loss of rows at their scores.
func (l *loss) value(scores [][]float64, y []float64) float64 {
	var sum float64
	row := make([]float64, l.outputs)
	for i, v := range y {
		for k := range row {
			row[k] = scores[k][i]
		}
		sum += l.row(row, v)
	}
	return sum / float64(len(y))
}

// row is one row's loss; it overwrites Softmax's scores.
func (l *loss) row(scores []float64, y float64) float64 {
	s := scores[0]
	switch l.Objective {
	case Logistic:
		return max(s, 0) - s*y + math.Log1p(math.Exp(-math.Abs(s)))
	case Squared:
		return (s - y) * (s - y)
	case Absolute:
		return math.Abs(s - y)
	case Pinball:
		return max(l.quantile*(y-s), (1-l.quantile)*(s-y))
	}
	softmax(scores)
	if int(y) >= len(scores) {
		return -math.Log(math.SmallestNonzeroFloat64)
	}
	return -math.Log(max(scores[int(y)], math.SmallestNonzeroFloat64))
}

// renews says that leaves hold quantiles of residuals and not Newton's step.
func (l *loss) renews() bool { return l.Objective == Absolute || l.Objective == Pinball }

// answer turns a row's scores to what the objective estimates.
func (l *loss) answer(scores []float64) {
	switch l.Objective {
	case Logistic:
		scores[0] = sigmoid(scores[0])
	case Softmax:
		softmax(scores)
	}
}
