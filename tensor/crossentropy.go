package tensor

import (
	"fmt"

	"bellwether/tensor/internal/reference"
)

// SoftmaxCrossEntropy returns scale·Σ −ln softmax(h·eᵀ)[target] over the tokens
// whose target is not negative, and the gradients of that value: dh is set, de
// is added to; either may be nil. h and dh are [t, d] (hidden states), e and de
// are [n, d] (the item table), targets is [t] with values below n. The logits,
// [t, n], are never held as a whole.
func SoftmaxCrossEntropy(h, e []float32, targets []int32, t, n, d int, dh, de []float32, scale float32) float64 {
	checkCrossEntropy(h, e, targets, t, n, d, dh, de)
	return reference.SoftmaxCrossEntropy(h, e, targets, t, n, d, dh, de, scale)
}

func checkCrossEntropy(h, e []float32, targets []int32, t, n, d int, dh, de []float32) {
	const kernel = "SoftmaxCrossEntropy"
	need(kernel, "h", h, t*d)
	need(kernel, "e", e, n*d)
	if dh != nil {
		need(kernel, "dh", dh, t*d)
	}
	if de != nil {
		need(kernel, "de", de, n*d)
	}
	if len(targets) < t {
		panic(shapeError(kernel, "targets", len(targets), t))
	}
	for i, y := range targets[:t] {
		if int(y) >= n {
			panic(fmt.Sprintf("tensor: %s: target %d of token %d is not below %d", kernel, y, i, n))
		}
	}
}
