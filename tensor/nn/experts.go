package nn

import (
	"fmt"
	"math"

	"bellwether/tensor"
)

// Experts is a mixture of feed-forward layers of which a gate softmax(x·Gᵀ)
// picks the best one for each token, weighted by its probability (Switch, Fedus,
// Zoph and Shazeer 2021), or the best two, whose probabilities are made to sum to 1
// (GShard, Lepikhin et al. 2020).
//
// While training an expert takes at most Capacity times its fair share of the
// tokens, first come first served; the others get zeros from it and so pass by the
// residual. Scoring has no limit: an answer does not depend on who else asks.
// Two losses are added to the gradients: Balance·E·Σ f_e·P_e, f_e being the share
// of tokens sent to expert e and P_e its mean probability, and
// RouterZ·mean (ln Σ e^logit)² (Zoph et al. 2022).
type Experts struct {
	Width, Top       int
	Gate             *Param // [experts, width]
	Layers           []Layer
	Capacity         float32
	Balance, RouterZ float32

	x, logits, shares []float32
	routes            routes
	outs              [][]float32 // by expert
}

// routes says which tokens each expert works on: those of expert e are at
// first[e] … first[e+1]−1 of tokens, with the weights of their answers.
type routes struct {
	first, tokens []int32
	rank          []int32 // of the expert among the token's choices
	weights       []float32
	chosen        []int32 // [rows, top] experts; ^expert beyond its capacity
	sent          []int32 // by expert: tokens that chose it first, within capacity or not
	dropped       int
}

// Experts makes a mixture whose capacity and losses are those of docs/science.md §2.
func (b *Builder) Experts(name string, o BlockOptions) *Experts {
	b = b.Within(name)
	e := &Experts{
		Width: o.Width, Top: max(o.Top, 1), Capacity: 1.25, Balance: .01, RouterZ: 1e-3,
		Gate: b.Param("router.weight", Uniform(1/math.Sqrt(float64(o.Width))), o.Experts, o.Width),
		outs: make([][]float32, o.Experts),
	}
	one := o
	one.Experts = 1
	b.shared.unpacked = true // each sees few tokens: packed copies would be three times the memory for little
	for i := range o.Experts {
		e.Layers = append(e.Layers, b.feedForward(fmt.Sprintf("experts.%d", i), one))
	}
	b.shared.unpacked = false
	return e
}

// Forward implements Layer.
func (e *Experts) Forward(p *Pass, x []float32) []float32 {
	rows, n, w := p.Rows, len(e.Layers), e.Width
	logits, shares := p.Buffer(rows*n), p.Buffer(rows*n)
	tensor.MatMulTB(logits, x, e.Gate.Value, rows, n, w, tensor.Tail{})
	tensor.Softmax(shares, logits, rows, n)
	r := e.route(p, shares)
	y := p.Buffer(rows * w)
	clear(y)
	for i, layer := range e.Layers {
		tokens, weights := r.of(i)
		if len(tokens) == 0 {
			continue
		}
		p.Rows = len(tokens)
		out := layer.Forward(p, gather(p, x, tokens, w))
		for j, t := range tokens {
			tensor.Axpy(weights[j], out[j*w:(j+1)*w], y[int(t)*w:int(t+1)*w])
		}
		if p.Train {
			e.outs[i] = out
		}
	}
	p.Rows = rows
	if p.Train {
		e.x, e.logits, e.shares, e.routes = x, logits, shares, r
	}
	return y
}

func (r *routes) of(expert int) (tokens []int32, weights []float32) {
	a, b := r.first[expert], r.first[expert+1]
	return r.tokens[a:b], r.weights[a:b]
}

func gather(p *Pass, x []float32, tokens []int32, w int) []float32 {
	out := p.Buffer(len(tokens) * w)
	for j, t := range tokens {
		copy(out[j*w:(j+1)*w], x[int(t)*w:int(t+1)*w])
	}
	return out
}

// Backward implements Layer.
func (e *Experts) Backward(p *Pass, dy []float32) []float32 {
	rows, n, w, r := p.Rows, len(e.Layers), e.Width, &e.routes
	dx, dweights := p.Buffer(rows*w), p.Buffer(rows*e.Top)
	clear(dx)
	clear(dweights)
	for i, layer := range e.Layers {
		tokens, weights := r.of(i)
		if len(tokens) == 0 {
			continue
		}
		down := gather(p, dy, tokens, w)
		for j, t := range tokens {
			row := down[j*w : (j+1)*w]
			dweights[int(t)*e.Top+int(r.rank[int(r.first[i])+j])] = tensor.Dot(row, e.outs[i][j*w:(j+1)*w])
			tensor.Scale(weights[j], row)
		}
		p.Rows = len(tokens)
		dxs := layer.Backward(p, down)
		for j, t := range tokens {
			tensor.Axpy(1, dxs[j*w:(j+1)*w], dx[int(t)*w:int(t+1)*w])
		}
	}
	p.Rows = rows
	dlogits := e.gateGradient(p, dweights)
	tensor.MatMulTA(e.Gate.Grad, dlogits, e.x, n, w, rows, tensor.Tail{Accumulate: true})
	tensor.MatMul(dx, dlogits, e.Gate.Value, rows, w, n, tensor.Tail{Accumulate: true})
	return dx
}

// gateGradient turns the gradients of the routes' weights, [rows, top], and of the two
// auxiliary losses into those of the logits.
func (e *Experts) gateGradient(p *Pass, dweights []float32) []float32 {
	rows, n := p.Rows, len(e.Layers)
	down := p.Buffer(rows * n)
	clear(down)
	for i := range n {
		even := e.Balance * float32(n) * float32(e.routes.sent[i]) / float32(rows) / float32(rows)
		for t := range rows {
			down[t*n+i] = even
		}
	}
	for t := range rows {
		e.chosenGradient(down[t*n:(t+1)*n], e.shares[t*n:(t+1)*n], e.routes.chosen[t*e.Top:(t+1)*e.Top], dweights[t*e.Top:(t+1)*e.Top])
	}
	tensor.SoftmaxBackward(down, down, e.shares, rows, n)
	for t := range rows {
		lse := tensor.LogSumExp(e.logits[t*n : (t+1)*n])
		tensor.Axpy(e.RouterZ*2*lse/float32(rows), e.shares[t*n:(t+1)*n], down[t*n:(t+1)*n])
	}
	return down
}

// chosenGradient adds to the gradients of one token's shares those of its weights:
// the share itself for one choice, a/(a+b) and b/(a+b) for two.
func (e *Experts) chosenGradient(down, shares []float32, chosen []int32, dweights []float32) {
	if e.Top == 1 {
		if chosen[0] >= 0 {
			down[chosen[0]] += dweights[0]
		}
		return
	}
	i, j := choice(chosen[0]), choice(chosen[1])
	a, b := shares[i], shares[j]
	both := (a + b) * (a + b)
	down[i] += (dweights[0] - dweights[1]) * b / both
	down[j] += (dweights[1] - dweights[0]) * a / both
}

// Auxiliary returns the value of the two added losses at the last training pass.
func (e *Experts) Auxiliary() float64 {
	n := len(e.Layers)
	rows := len(e.shares) / n
	var balance, z float64
	for t := range rows {
		lse := float64(tensor.LogSumExp(e.logits[t*n : (t+1)*n]))
		z += lse * lse / float64(rows)
		for i := range n {
			balance += float64(e.shares[t*n+i]) / float64(rows) * float64(e.routes.sent[i]) / float64(rows)
		}
	}
	return float64(e.Balance)*float64(n)*balance + float64(e.RouterZ)*z
}

// Load returns the least share of tokens that an expert was chosen first for at the
// last training pass, times the number of experts, and the share of routes that
// capacity dropped: below .1, or above .05, the mixture is out of balance.
func (e *Experts) Load() (least, dropped float64) {
	n := len(e.Layers)
	rows := len(e.shares) / n
	least = float64(rows)
	for _, s := range e.routes.sent {
		least = min(least, float64(s))
	}
	return least * float64(n) / float64(max(rows, 1)), float64(e.routes.dropped) / float64(max(rows*e.Top, 1))
}
