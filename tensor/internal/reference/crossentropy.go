package reference

import "math"

// SoftmaxCrossEntropy returns scale·Σ −log softmax(h·eᵀ)[target] over the
// tokens whose target is not negative; h is [t, d], e is [n, d]. It sets dh
// and adds to de the gradients of that value; either may be nil.
func SoftmaxCrossEntropy(h, e []float32, targets []int32, t, n, d int, dh, de []float32, scale float32) float64 {
	clear(dh)
	logits := make([]float32, n)
	var loss float64
	for i := range t {
		if targets[i] < 0 {
			continue
		}
		MatMulTB(logits, h[i*d:(i+1)*d], e, 1, n, d)
		lse := LogSumExp(logits)
		loss += float64(scale) * (lse - float64(logits[targets[i]]))
		for j, x := range logits {
			g := math.Exp(float64(x) - lse)
			if j == int(targets[i]) {
				g--
			}
			g *= float64(scale)
			for c := range d {
				if dh != nil {
					dh[i*d+c] += float32(g * float64(e[j*d+c]))
				}
				if de != nil {
					de[j*d+c] += float32(g * float64(h[i*d+c]))
				}
			}
		}
	}
	return loss
}
