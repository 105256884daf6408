package trees

import (
	"cmp"
	"math"
	"slices"
)

// As in LightGBM.
const (
	oneAgainstAll  = 4   // levels up to which each is tried against all others
	smoothLevel    = 10. // added to a level's Hessian when levels are sorted, and the rows that a level needs to be sorted
	levelL2        = 10. // added to L2 in splits by sorted levels
	mostLevels     = 32  // on the side of a split that is searched
	leastInGroup   = 100 // rows that each step along the sorted levels adds
	epsilon        = 1e-15
	leastGain      = 1e-10
	halfRow        = .5 // counts are told from Hessians: what is less than half a row below MinRows passes
	nothingMissing = 1e-12
)

// sums are the sums of gradients and Hessians.
type sums struct{ g, h float64 }

func (s sums) plus(o sums) sums  { return sums{s.g + o.g, s.h + o.h} }
func (s sums) minus(o sums) sums { return sums{s.g - o.g, s.h - o.h} }

// levelSet is a set of bins.
type levelSet [4]uint64

func (s *levelSet) add(bin int)            { s[bin>>6] |= 1 << (bin & 63) }
func (s *levelSet) has(bin uint8) bool     { return s[bin>>6]>>(bin&63)&1 == 1 }
func bit(s *levelSet, bin int, value bool) { s[bin>>6] |= uint64(b2i(value)) << (bin & 63) }

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// split is a way to part a leaf.
type split struct {
	gain        float64
	feature     int
	category    bool
	bin         int      // numbers: bins up to it go left
	missingLeft bool     // numbers: so do missing ones
	left        levelSet // categories: these go left
	sum         sums     // of the left side
	l2          float64
	low, high   float64 // values of the left and the right side
}

// finder looks for the best split of one column in one leaf.
type finder struct {
	*limits
	total    sums
	rows     float64
	perRow   float64 // rows a unit of Hessian
	lo, hi   float64 // between which monotone constraints keep the leaf's values
	bounded  bool
	monotone int8
	parent   float64 // the leaf's own score
	best     split
}

// limits are the settings of splits.
type limits struct {
	minRows, minHessian, l2 float64
}

func (f *finder) begin(l *leaf) {
	f.total, f.rows, f.lo, f.hi = l.sum, float64(l.n), l.lo, l.hi
	f.perRow = f.rows / f.total.h
	f.bounded = !math.IsInf(f.lo, -1) || !math.IsInf(f.hi, 1)
	f.parent = score(f.total, f.l2, f.clamp(value(f.total, f.l2)))
}

// value is the best value of a leaf with such sums.
func value(s sums, l2 float64) float64 { return -s.g / (s.h + l2 + epsilon) }

// score is twice how much a value lowers the loss.
func score(s sums, l2, w float64) float64 { return -(2*s.g*w + (s.h+l2)*w*w) }

func (f *finder) clamp(w float64) float64 { return min(max(w, f.lo), f.hi) }

// allows reports whether both sides are large enough.
func (f *finder) allows(left, right sums) bool {
	return left.h >= f.minHessian && right.h >= f.minHessian &&
		left.h*f.perRow >= f.minRows-halfRow && right.h*f.perRow >= f.minRows-halfRow
}

// gain of parting; ok is false where a monotone constraint forbids it.
func (f *finder) gain(left, right sums, l2 float64) (gain float64, ok bool) {
	if !f.bounded && f.monotone == 0 {
		a, b := left.h+l2+epsilon, right.h+l2+epsilon
		return (left.g*left.g*b+right.g*right.g*a)/(a*b) - f.parent, true
	}
	low, high := f.clamp(value(left, l2)), f.clamp(value(right, l2))
	if f.monotone > 0 && low > high || f.monotone < 0 && low < high {
		return 0, false
	}
	return score(left, l2, low) + score(right, l2, high) - f.parent, true
}

// numbers tries each bound of a column of numbers, with the missing rows on either side.
func (f *finder) numbers(h []sums, feature, rest int) {
	missing := h[rest]
	some := missing.h > nothingMissing*f.total.h
	last := rest - 2 // the right side needs a bin of its own
	if some {
		last++
	}
	f.best = split{gain: leastGain, feature: -1}
	f.scan(h[:last+1], sums{}, false)
	if some {
		f.scan(h[:rest-1], missing, true)
	}
	if f.best.feature < 0 {
		return
	}
	f.best.feature, f.best.l2 = feature, f.l2
	if !some {
		f.best.missingLeft = f.best.sum.h >= f.total.h/2
	}
	f.finish()
}

// scan tries the bound above each bin of h.
func (f *finder) scan(h []sums, left sums, missingLeft bool) {
	least := max(f.minHessian, (f.minRows-halfRow)/f.perRow)
	for bin := range h {
		left.g += h[bin].g
		left.h += h[bin].h
		if left.h < least {
			continue
		}
		right := f.total.minus(left)
		if right.h < least {
			return
		}
		if gain, ok := f.gain(left, right, f.l2); ok && gain > f.best.gain {
			f.best.gain, f.best.feature, f.best.bin, f.best.missingLeft, f.best.sum = gain, 0, bin, missingLeft, left
		}
	}
}

// levels tries sets of a category's levels; order is scratch for as many.
func (f *finder) levels(h []sums, feature, rest int, order []int) {
	f.best = split{gain: leastGain, feature: -1, category: true}
	if len(h) <= oneAgainstAll {
		for bin := range h {
			right := f.total.minus(h[bin])
			if !f.allows(h[bin], right) {
				continue
			}
			if gain, ok := f.gain(h[bin], right, f.l2); ok && gain > f.best.gain {
				f.best.gain, f.best.feature, f.best.sum, f.best.l2 = gain, feature, h[bin], f.l2
				f.best.left = levelSet{}
				f.best.left.add(bin)
			}
		}
	} else {
		f.sorted(h, feature, order)
	}
	if f.best.feature < 0 {
		return
	}
	if h[rest].h <= nothingMissing*f.total.h { // nobody tells where: with most
		f.best.left[rest>>6] &^= 1 << (rest & 63)
		bit(&f.best.left, rest, f.best.sum.h >= f.total.h/2)
	}
	f.finish()
}

// sorted tries the first levels by gradient over Hessian, and the last.
func (f *finder) sorted(h []sums, feature int, order []int) {
	order = order[:0]
	for bin := range h {
		if h[bin].h*f.perRow >= smoothLevel-halfRow {
			order = append(order, bin)
		}
	}
	key := func(bin int) float64 { return h[bin].g / (h[bin].h + smoothLevel) }
	slices.SortFunc(order, func(a, b int) int { return cmp.Or(cmp.Compare(key(a), key(b)), cmp.Compare(a, b)) })
	most := min(mostLevels, (len(order)+1)/2)
	f.along(h, feature, order[:most])
	slices.Reverse(order)
	f.along(h, feature, order[:most])
}

func (f *finder) along(h []sums, feature int, order []int) {
	var left sums
	var group float64
	var set levelSet
	l2 := f.l2 + levelL2
	for _, bin := range order {
		left = left.plus(h[bin])
		group += h[bin].h * f.perRow
		set.add(bin)
		right := f.total.minus(left)
		if left.h < f.minHessian || left.h*f.perRow < f.minRows-halfRow {
			continue
		}
		if right.h < f.minHessian || right.h*f.perRow < max(f.minRows, leastInGroup)-halfRow {
			return
		}
		if group < leastInGroup-halfRow {
			continue
		}
		group = 0
		if gain, ok := f.gain(left, right, l2); ok && gain > f.best.gain {
			f.best.gain, f.best.feature, f.best.sum, f.best.l2, f.best.left = gain, feature, left, l2, set
		}
	}
}

// finish computes the values of the sides.
func (f *finder) finish() {
	b := &f.best
	b.low, b.high = f.clamp(value(b.sum, b.l2)), f.clamp(value(f.total.minus(b.sum), b.l2))
}
