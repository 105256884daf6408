package reference

import "math"

// Attention gives the layout of the arguments of CausalAttention: row i of q,
// k and v begins at i·Stride and holds Heads·HeadDim values; out is dense.
type Attention struct {
	Heads, HeadDim, Stride int
	Scale                  float32
}

// CausalAttention computes softmax(q·kᵀ·scale)·v over the past of each token
// within its sequence, and lse[i·heads+h] = log Σ e^score. Sequence s is the
// tokens offsets[s] … offsets[s+1]−1.
func CausalAttention(a Attention, out, lse, q, k, v []float32, offsets []int32) {
	width := a.Heads * a.HeadDim
	eachQuery(a, offsets, func(first, i, h int) {
		scores := scoresOf(a, q, k, first, i, h)
		total := LogSumExp(scores)
		lse[i*a.Heads+h] = float32(total)
		for c := range a.HeadDim {
			var sum float64
			for j, s := range scores {
				sum += math.Exp(float64(s)-total) * float64(v[(first+j)*a.Stride+h*a.HeadDim+c])
			}
			out[i*width+h*a.HeadDim+c] = float32(sum)
		}
	})
}

// CausalAttentionBackward sets dq, dk and dv (laid out as q, k and v) from the
// gradient dout of the output (dense).
func CausalAttentionBackward(a Attention, dq, dk, dv, dout, q, k, v []float32, offsets []int32) {
	width := a.Heads * a.HeadDim
	for i := int(offsets[0]); i < int(offsets[len(offsets)-1]); i++ {
		clear(dq[i*a.Stride : i*a.Stride+width])
		clear(dk[i*a.Stride : i*a.Stride+width])
		clear(dv[i*a.Stride : i*a.Stride+width])
	}
	eachQuery(a, offsets, func(first, i, h int) {
		scores := scoresOf(a, q, k, first, i, h)
		total := LogSumExp(scores)
		p := make([]float64, len(scores))
		dp := make([]float64, len(scores))
		var dot float64
		for j, s := range scores {
			p[j] = math.Exp(float64(s) - total)
			for c := range a.HeadDim {
				g := float64(dout[i*width+h*a.HeadDim+c])
				at := (first+j)*a.Stride + h*a.HeadDim + c
				dp[j] += g * float64(v[at])
				dv[at] += float32(p[j] * g)
			}
			dot += p[j] * dp[j]
		}
		for j := range scores {
			ds := p[j] * (dp[j] - dot) * float64(a.Scale)
			for c := range a.HeadDim {
				atQ, atK := i*a.Stride+h*a.HeadDim+c, (first+j)*a.Stride+h*a.HeadDim+c
				dq[atQ] += float32(ds * float64(k[atK]))
				dk[atK] += float32(ds * float64(q[atQ]))
			}
		}
	})
}

func eachQuery(a Attention, offsets []int32, f func(first, i, h int)) {
	for s := range len(offsets) - 1 {
		for i := int(offsets[s]); i < int(offsets[s+1]); i++ {
			for h := range a.Heads {
				f(int(offsets[s]), i, h)
			}
		}
	}
}

func scoresOf(a Attention, q, k []float32, first, i, h int) []float32 {
	scores := make([]float32, i-first+1)
	for j := range scores {
		x := q[i*a.Stride+h*a.HeadDim:][:a.HeadDim]
		y := k[(first+j)*a.Stride+h*a.HeadDim:][:a.HeadDim]
		scores[j] = Dot(x, y) * a.Scale
	}
	return scores
}
