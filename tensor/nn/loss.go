package nn

import (
	"math"

	"bellwether/tensor"
)

// BinaryCrossEntropy returns scale·Σ −[t·ln σ(x) + (1−t)·ln(1−σ(x))] for logits
// x and targets t in [0, 1], and sets dx to its gradient; dx may be nil.
func BinaryCrossEntropy(dx, x, target []float32, scale float32) float64 {
	var loss float64
	for i, v := range x {
		loss += softplus(float64(v)) - float64(target[i])*float64(v)
		if dx != nil {
			dx[i] = scale * (sigmoid(v) - target[i])
		}
	}
	return loss * float64(scale)
}

// CrossEntropy returns scale·Σ −ln softmax(x)[target] over the rows of logits x,
// [rows, classes], whose target is not negative, and sets dx to its gradient.
func CrossEntropy(dx, x []float32, targets []int32, classes int, scale float32) float64 {
	tensor.Softmax(dx, x, len(targets), classes)
	var loss float64
	for r, target := range targets {
		row := dx[r*classes : (r+1)*classes]
		if target < 0 {
			clear(row)
			continue
		}
		loss += float64(tensor.LogSumExp(x[r*classes:(r+1)*classes]) - x[r*classes+int(target)])
		row[target]--
		tensor.Scale(scale, row)
	}
	return loss * float64(scale)
}

// softplus is ln(1+eˣ) without overflow.
func softplus(x float64) float64 { return max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) }

func sigmoid(x float32) float32 { return float32(1 / (1 + math.Exp(-float64(x)))) }

// Vectors are the vectors of items that a loss compares with: the rows of a
// Param, or what Bloom makes of them.
type Vectors interface {
	Width() int
	// Gather sets row i of dst to the vector of item ids[i], or to zero where that is negative.
	Gather(dst []float32, ids []int32)
	// AddGrad adds row i of g to the gradient of item ids[i]; negative ids are left out.
	AddGrad(g []float32, ids []int32)
}

// NextItem is a loss over what comes next: h is [tokens, width], targets holds
// a row of items for each token, negative for none. It returns scale·Σ of the
// tokens' losses, sets dh, and adds to the gradient of items.
type NextItem interface {
	Loss(p *Pass, dh, h []float32, items Vectors, targets []int32, scale float32) float64
}

// FullSoftmax is cross-entropy over the first Items rows of the table, in tiles
// (tensor.SoftmaxCrossEntropy): exact, for up to about 50,000 items.
type FullSoftmax struct{ Items int }

// Loss implements NextItem. items must be a dense Param.
func (l FullSoftmax) Loss(p *Pass, dh, h []float32, items Vectors, targets []int32, scale float32) float64 {
	table := items.(*Param)
	return tensor.SoftmaxCrossEntropy(h, table.Value, targets, p.Rows, l.Items, table.Width(), dh, table.Grad, scale)
}
