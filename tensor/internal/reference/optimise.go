package reference

import "math"

// AdamStep holds the constants of a step of Adam or AdamW: Decay is 1 − rate·weight
// decay, Rate is rate/(1−β₁ᵗ) and Root is 1/√(1−β₂ᵗ).
type AdamStep struct{ Beta1, Beta2, Epsilon, Decay, Rate, Root float32 }

// Adam is m ← β₁m + (1−β₁)g, v ← β₂v + (1−β₂)g², value ← Decay·value −
// Rate·m/(Root·√v + ε) (Kingma and Ba 2015; Loshchilov and Hutter 2019). mean
// may be nil: then m is g.
func Adam(s AdamStep, value, grad, mean, square []float32) {
	for j, g := range grad {
		square[j] = s.Beta2*square[j] + (1-s.Beta2)*g*g
		m := g
		if mean != nil {
			mean[j] += (1 - s.Beta1) * (g - mean[j])
			m = mean[j]
		}
		value[j] = s.Decay*value[j] - s.Rate*m/(s.Root*float32(math.Sqrt(float64(square[j])))+s.Epsilon)
	}
}

// AdamRow is Adam of a row whose values share one mean square.
func AdamRow(s AdamStep, value, grad, mean []float32, square *float32) {
	*square = s.Beta2**square + (1-s.Beta2)*float32(SumSquares(grad)/float64(len(grad)))
	for j, g := range grad {
		m := g
		if mean != nil {
			mean[j] += (1 - s.Beta1) * (g - mean[j])
			m = mean[j]
		}
		value[j] = s.Decay*value[j] - s.Rate*m/(s.Root*float32(math.Sqrt(float64(*square)))+s.Epsilon)
	}
}

// AdaGrad is s ← s + g², value ← value − rate·g/(√s + ε) (Duchi, Hazan and Singer 2011).
func AdaGrad(rate, epsilon float32, value, grad, sums []float32) {
	for j, g := range grad {
		sums[j] += g * g
		value[j] -= rate * g / (float32(math.Sqrt(float64(sums[j]))) + epsilon)
	}
}

// AdaGradRow is AdaGrad of a row whose values share the sum of their mean squares.
func AdaGradRow(rate, epsilon float32, value, grad []float32, sum *float32) {
	*sum += float32(SumSquares(grad) / float64(len(grad)))
	for j, g := range grad {
		value[j] -= rate * g / (float32(math.Sqrt(float64(*sum))) + epsilon)
	}
}
