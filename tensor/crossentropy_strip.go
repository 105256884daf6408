package tensor

import (
	"math"

	"bellwether/tensor/internal/kernel"
)

// strip is the forward sweep of one part of a batch's tokens over all items.
type strip struct {
	*crossEntropy
	first, width int // its columns of the batch

	panels   []float32 // hᵀ in panels of a tile's width, [width/cols][d, cols]
	gradient []float32 // Σ e^(logit − top)·e, [width, d]
	block    []float32 // the logits, then exponentials, of a block, [itemBlock, width]
	top, was []float32 // the running maximum, now and a block ago, [width]
}

var strips free[strip]

func (s *strip) run() {
	s.packTokens()
	s.top, s.was = grow(s.top, s.width), grow(s.was, s.width)
	s.gradient = grow(s.gradient, s.width*s.d)
	s.block = grow(s.block, itemBlock*s.width)
	for i := range s.width {
		s.top[i] = float32(math.Inf(-1))
	}
	sums := s.sums[s.first : s.first+s.width]
	clear(sums)
	for b := range ceilDiv(s.n, itemBlock) {
		s.items(b, sums)
	}
	for i := s.first; i < min(s.first+s.width, len(s.present)); i++ {
		s.finish(i)
	}
}

// packTokens lays out the strip's hidden states as the right-hand side of e·hᵀ.
func (s *strip) packTokens() {
	_, cols := kernel.TileShape()
	s.panels = grow(s.panels, ceilDiv(s.width, cols)*cols*s.d)
	for j := 0; j < s.width; j += cols {
		kernel.PackColumns(s.panels[j*s.d:], s.rows[(s.first+j)*s.d:], s.d, min(cols, s.width-j), s.d, cols)
	}
}

// items takes one block of items: logits, exponentials, gradient of h.
func (s *strip) items(b int, sums []float32) {
	first := b * itemBlock
	count := min(itemBlock, s.n-first)
	e := s.e[first*s.d:]
	exps := s.block
	s.logits(exps, e, count)

	copy(s.was, s.top)
	kernel.ColumnsMax(s.top, exps, count, s.width, s.width)
	copy(s.tops[b*s.crossEntropy.width+s.first:], s.top)
	if b > 0 {
		s.lower(sums)
	}
	kept, stride := exps, s.width
	if s.de != nil {
		kept, stride = s.exps[first*s.crossEntropy.width+s.first:], s.crossEntropy.width
	}
	kernel.ColumnsExp(exps, s.top, sums, kept, count, s.width, s.width, stride, 1)

	if s.dh != nil {
		l := kernel.Strides{K: count, RowA: 1, StepA: s.width, StepB: s.d, RowC: s.d}
		flags := kernel.TileAdd
		if b == 0 {
			flags = 0
		}
		multiply(&l, s.width, s.d, exps, e, s.gradient, flags)
	}
}

func (s *strip) logits(dst, e []float32, count int) {
	rows, cols := kernel.TileShape()
	l := kernel.Strides{K: s.d, RowA: s.d, StepA: 1, StepB: cols, RowC: s.width}
	for i := 0; i < count; i += rows {
		for j := 0; j < s.width; j += cols {
			l.Tile(min(rows, count-i), min(cols, s.width-j), e[i*s.d:], s.panels[j*s.d:], dst[i*s.width+j:], nil, 0)
		}
	}
}

// lower brings the sums so far to the new maximum.
func (s *strip) lower(sums []float32) {
	for i, top := range s.top {
		if top == s.was[i] {
			continue
		}
		factor := float32(math.Exp(float64(s.was[i]) - float64(top)))
		sums[i] *= factor
		if s.dh != nil {
			kernel.Scale(factor, s.gradient[i*s.d:(i+1)*s.d])
		}
	}
}

// finish sets the gradient of token i of the batch and keeps its target's logit.
func (s *strip) finish(i int) {
	token := int(s.present[i])
	y := int(s.targets[token])
	target := s.e[y*s.d : (y+1)*s.d]
	s.targetsOf[i] = kernel.Dot(s.rows[i*s.d:(i+1)*s.d], target)
	if s.dh == nil {
		return
	}
	dh := s.dh[token*s.d : (token+1)*s.d]
	kernel.Axpy(s.scale/s.sums[i], s.gradient[(i-s.first)*s.d:(i-s.first+1)*s.d], dh)
	kernel.Axpy(-s.scale, target, dh)
}
