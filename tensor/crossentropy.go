package tensor

import (
	"fmt"
	"math"

	"bellwether/tensor/internal/kernel"
	"bellwether/tensor/internal/pool"
)

// SoftmaxCrossEntropy returns scale·Σ −ln softmax(h·eᵀ)[target] over the tokens
// whose target is not negative, and the gradients of that value: dh is set, de
// is added to; either may be nil. h and dh are [t, d] (hidden states), e and de
// are [n, d] (the item table), targets is [t] with values below n. The logits,
// [t, n], are never held as a whole.
func SoftmaxCrossEntropy(h, e []float32, targets []int32, t, n, d int, dh, de []float32, scale float32) float64 {
	checkCrossEntropy(h, e, targets, t, n, d, dh, de)
	x := crossEntropies.take()
	defer crossEntropies.put(x)
	x.h, x.e, x.targets, x.dh, x.de, x.n, x.d, x.scale = h, e, targets, dh, de, n, d, scale
	if dh != nil {
		clear(dh[:t*d])
	}
	x.chooseTokens(t)
	var loss float64
	for first := 0; first < len(x.tokens); first += x.batch {
		loss += x.run(first, min(first+x.batch, len(x.tokens)))
	}
	x.h, x.e, x.targets, x.dh, x.de = nil, nil, nil, nil, nil
	return loss
}

// crossEntropy works on a batch of tokens at a time, in two sweeps over the
// items. The first (forward) takes a strip of the batch's tokens and blocks of
// items: logits, their exponentials relative to the largest logit so far, which
// stay in memory for the second sweep, and the gradient of h. The second
// (itemGradients) takes blocks of items and adds to the gradient of e, by when
// the sum of each token's exponentials is known. So each logit costs three
// products of d, the least there is, and one exponential. (The running maximum
// is that of Milakov and Gimelshein 2018.)
//
// Logits are stored transposed, a token a column, so that neither e nor h has to
// be transposed for any of the three products.
type crossEntropy struct {
	h, e, dh, de []float32
	targets      []int32
	n, d         int
	scale        float32

	tokens       []int32 // those with a target
	batch, strip int     // tokens of a batch and of a strip of it

	rows      []float32 // h of the batch, [width, d]
	exps      []float32 // e^(logit − top of the block), [n, width]
	tops      []float32 // largest logit up to and with the block, [blocks, width]
	sums      []float32 // Σ e^(logit − last top), [width]
	targetsOf []float32 // logit of the target, [width]
	width     int       // tokens of the batch, up to a multiple of 16
	present   []int32   // the batch's part of tokens
	sweep     sweep
}

type sweep int

const (
	forward sweep = iota
	itemGradients
)

const (
	itemBlock   = 240     // items between two looks at the running maximum
	stripTokens = 96      // tokens that share one reading of e
	expsLimit   = 1 << 24 // exponentials that a batch may hold: 64 MB
	expsCached  = 1 << 21 // exponentials for which a batch takes more strips than one a processor
	mostRounds  = 4       // strips a processor, so that a slow one takes fewer
)

var crossEntropies free[crossEntropy]

// chooseTokens lists the tokens with a target and cuts them into batches of a strip for each
// processor, two for one, or more where there are few items.
func (x *crossEntropy) chooseTokens(t int) {
	x.tokens = x.tokens[:0]
	for i, y := range x.targets[:t] {
		if y >= 0 {
			x.tokens = append(x.tokens, int32(i))
		}
	}
	size := max(pool.Size(), 2)
	most := max(min(expsLimit/max(x.n*size, 1), stripTokens)&^15, 16)
	size *= min(max(expsCached/max(x.n*most*size, 1), 1), mostRounds)
	batches := max(ceilDiv(len(x.tokens), most*size), 1)
	x.strip = max(roundUp(ceilDiv(ceilDiv(len(x.tokens), batches), size)), 16)
	x.batch = x.strip * size
}

// roundUp is n up to a multiple of 16, the columns that a vector holds.
func roundUp(n int) int { return (n + 15) &^ 15 }

func (x *crossEntropy) run(first, last int) float64 {
	x.present = x.tokens[first:last]
	x.width = roundUp(len(x.present))
	blocks := ceilDiv(x.n, itemBlock)
	x.rows = grow(x.rows, x.width*x.d)
	for i, token := range x.present {
		copy(x.rows[i*x.d:(i+1)*x.d], x.h[int(token)*x.d:])
	}
	clear(x.rows[len(x.present)*x.d:])
	x.tops = grow(x.tops, blocks*x.width)
	x.sums = grow(x.sums, x.width)
	x.targetsOf = grow(x.targetsOf, x.width)
	if x.de != nil {
		x.exps = grow(x.exps, x.n*x.width)
	}
	x.sweep = forward
	pool.Run(ceilDiv(x.width, x.strip), x)
	if x.de != nil {
		x.sweep = itemGradients
		pool.Run(blocks, x)
		for i, token := range x.present {
			y := int(x.targets[token])
			kernel.Axpy(-x.scale, x.rows[i*x.d:(i+1)*x.d], x.de[y*x.d:(y+1)*x.d])
		}
	}
	return x.loss(x.tops[(blocks-1)*x.width:])
}

// loss adds up log-sum-exp minus the target's logit, in the order of the tokens.
func (x *crossEntropy) loss(top []float32) float64 {
	var loss float64
	for i := range x.present {
		loss += float64(top[i]) + math.Log(float64(x.sums[i])) - float64(x.targetsOf[i])
	}
	return float64(x.scale) * loss
}

// Do runs one part of the present sweep.
func (x *crossEntropy) Do(part int) {
	if x.sweep == itemGradients {
		x.itemGradients(part)
		return
	}
	s := strips.take()
	defer strips.put(s)
	s.crossEntropy = x
	s.first = part * x.strip
	s.width = min(x.strip, x.width-s.first)
	s.run()
	s.crossEntropy = nil
}

// itemGradients adds Σ softmax·h·scale to the gradients of a block of items.
func (x *crossEntropy) itemGradients(part int) {
	first := part * itemBlock
	count := min(itemBlock, x.n-first)
	top, last := x.tops[part*x.width:], x.tops[(ceilDiv(x.n, itemBlock)-1)*x.width:]
	buffer := floats.take()
	defer floats.put(buffer)
	*buffer = grow(*buffer, x.width*x.d)
	scaled := *buffer
	copy(scaled, x.rows)
	for i := range x.present {
		share := math.Exp(float64(top[i])-float64(last[i])) / float64(x.sums[i])
		kernel.Scale(float32(share)*x.scale, scaled[i*x.d:(i+1)*x.d])
	}
	l := kernel.Strides{K: x.width, RowA: x.width, StepA: 1, StepB: x.d, RowC: x.d}
	multiply(&l, count, x.d, x.exps[first*x.width:], scaled, x.de[first*x.d:], kernel.TileAdd)
}

var floats free[[]float32]

// multiply computes the tiles of an m×n product whose b lies in rows.
func multiply(l *kernel.Strides, m, n int, a, b, c []float32, flags int) {
	rows, cols := kernel.TileShape()
	for i := 0; i < m; i += rows {
		for j := 0; j < n; j += cols {
			l.Tile(min(rows, m-i), min(cols, n-j), a[i*l.RowA:], b[j:], c[i*l.RowC+j:], nil, flags)
		}
	}
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
