package market

import (
	"math"
	"testing"
)

func TestNumbersAgreeWithMath(t *testing.T) {
	for x := -40.0; x <= 40; x += .0137 {
		if got, want := exp(x), math.Exp(x); math.Abs(got/want-1) > 4e-15 {
			t.Fatalf("exp(%g) = %g, want %g", x, got, want)
		}
		y := math.Exp(x)
		if got, want := ln(y), math.Log(y); math.Abs(got-want) > 1e-14*(1+math.Abs(want)) {
			t.Fatalf("ln(%g) = %g, want %g", y, got, want)
		}
		if got, want := sine(x), math.Sin(2*math.Pi*x); math.Abs(got-want) > 1e-12 {
			t.Fatalf("sine(%g) = %g, want %g", x, got, want)
		}
	}
}

func TestQuantileInvertsTheNormalDistribution(t *testing.T) {
	for _, p := range []float64{1e-300, 1e-12, 1e-4, .05, .25, .5, .62, .97, .999999} {
		x := quantile(p)
		if back := math.Erfc(-x/math.Sqrt2) / 2; math.Abs(back/p-1) > 1e-10 {
			t.Errorf("quantile(%g) = %g, whose probability is %g", p, x, back)
		}
	}
}

// The vectors are those of Random123's kat_vectors for philox4x32-10.
func TestPhiloxKnownAnswers(t *testing.T) {
	const ones = math.MaxUint32
	for _, c := range []struct {
		counter [4]uint32
		key     [2]uint32
		want    [4]uint32
	}{
		{[4]uint32{}, [2]uint32{}, [4]uint32{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
		{[4]uint32{ones, ones, ones, ones}, [2]uint32{ones, ones}, [4]uint32{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
		{
			[4]uint32{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
			[2]uint32{0xa4093822, 0x299f31d0},
			[4]uint32{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1},
		},
	} {
		if got := philox(c.counter, c.key); got != c.want {
			t.Errorf("philox(%x, %x) = %x, want %x", c.counter, c.key, got, c.want)
		}
	}
}

func TestDrawsHaveTheirDistributions(t *testing.T) {
	const n = 200_000
	d := draws{seed: 7, entity: 3, day: 2}
	var u, z, z2, k float64
	counts := [3]float64{}
	for i := range n {
		u += d.uniform(ofItem, i)
		x := d.normal(ofItem, i)
		z, z2 = z+x, z2+x*x
		k += float64(d.poisson(3, ofItem, i))
		counts[d.pick([]float64{1, 0, 3}, ofItem, i)]++
	}
	for _, c := range []struct {
		name             string
		got, want, sigma float64
	}{
		{"mean of uniform", u / n, .5, math.Sqrt(1.0 / 12 / n)},
		{"mean of normal", z / n, 0, 1 / math.Sqrt(n)},
		{"mean square of normal", z2 / n, 1, math.Sqrt(2.0 / n)},
		{"mean of poisson", k / n, 3, math.Sqrt(3.0 / n)},
		{"share picked", counts[2] / n, .75, math.Sqrt(.75 * .25 / n)},
		{"share of weight 0", counts[1], 0, 0},
	} {
		if math.Abs(c.got-c.want) > 4*c.sigma {
			t.Errorf("%s = %g, want %g ± %g", c.name, c.got, c.want, 4*c.sigma)
		}
	}
}
