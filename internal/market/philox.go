package market

import "math/bits"

// philox is Philox4x32-10 (Salmon, Moraes, Dror and Shaw 2011, "Parallel random numbers: as easy as
// 1, 2, 3"): four random words for a counter and a key.
func philox(counter [4]uint32, key [2]uint32) [4]uint32 {
	for range 10 {
		hi0, lo0 := bits.Mul32(0xD2511F53, counter[0])
		hi1, lo1 := bits.Mul32(0xCD9E8D57, counter[2])
		counter = [4]uint32{hi1 ^ counter[1] ^ key[0], lo1, hi0 ^ counter[3] ^ key[1], lo0}
		key[0] += 0x9E3779B9
		key[1] += 0xBB67AE85
	}
	return counter
}

// component says what a draw is for. Two uses never share one; a new use takes a new number at the end.
type component uint32

const (
	ofSegment component = iota + 1
	ofItem
	ofTitle
	_
	ofTransition
	ofCustomer
	ofTrait
	ofVisit
	ofView
	ofCart
	ofDeath
	ofHazard
	ofSurvey
	ofCampaign
	ofDirt
	ofJunk
	ofConsidered
)

// draws is the stream of one entity on one day. Its methods are pure: equal arguments, equal draws.
type draws struct {
	seed        uint64
	entity, day uint32
}

func (w *World) draws(entity, day int) draws {
	return draws{seed: w.Seed, entity: uint32(entity), day: uint32(day)}
}

// uniform is in the open interval (0, 1), with 52 random bits.
func (d draws) uniform(c component, index int) float64 {
	b := philox([4]uint32{uint32(index), d.day, d.entity, uint32(c)}, [2]uint32{uint32(d.seed), uint32(d.seed >> 32)})
	n := uint64(b[0])<<20 | uint64(b[1])>>12
	return (float64(n) + .5) * 0x1p-52
}

// below reports an event of probability p.
func (d draws) below(p float64, c component, index int) bool { return d.uniform(c, index) < p }

// normal is standard normal.
func (d draws) normal(c component, index int) float64 { return quantile(d.uniform(c, index)) }

// poisson has the given small mean.
func (d draws) poisson(mean float64, c component, index int) int {
	u, p, k := d.uniform(c, index), exp(-mean), 0
	for u > p && k < 64 {
		u -= p
		k++
		p = p * mean / float64(k)
	}
	return k
}

// pick draws an index in proportion to weights.
func (d draws) pick(weights []float64, c component, index int) int {
	total := 0.0
	for _, w := range weights {
		total += w
	}
	u := d.uniform(c, index) * total
	for i, w := range weights {
		if u < w {
			return i
		}
		u -= w
	}
	return last(weights)
}

// last is the last index of positive weight, where rounding may leave a draw.
func last(weights []float64) int {
	for i := len(weights) - 1; i > 0; i-- {
		if weights[i] > 0 {
			return i
		}
	}
	return 0
}
