package tensor

import (
	"math"
	"testing"

	"bellwether/tensor/internal/reference"
)

// wordAt is the word of a stream by its definition.
func wordAt(s Stream, index uint64) uint32 {
	block := index / 4
	return reference.Philox([4]uint32{uint32(block), uint32(block >> 32), s.Step, s.Layer}, [2]uint32{uint32(s.Seed), uint32(s.Seed >> 32)})[index%4]
}

func TestBitsAreThoseOfPhilox(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		for _, s := range []Stream{{}, {Seed: 42, Step: 7, Layer: 3}, {Seed: math.MaxUint64, Step: math.MaxUint32, Layer: math.MaxUint32}} {
			for _, start := range []uint64{0, 1, 2, 3, 4, 1<<34 - 70, 1<<34 - 3, math.MaxUint64 - 400} {
				for _, n := range []int{0, 1, 3, 5, 31, 32, 33, 64, 131, 200} {
					got := make([]uint32, n)
					s.Bits(got, start)
					for i, w := range got {
						if want := wordAt(s, start+uint64(i)); w != want {
							t.Fatalf("%+v from %d, %d words: word %d is %08x, want %08x", s, start, n, i, w, want)
						}
					}
				}
			}
		}
	})
}

func TestDropoutInPartsIsDropoutOfTheWhole(t *testing.T) {
	x, s := random(1<<18, 1), Stream{Seed: 5}
	whole, parts := make([]float32, len(x)), make([]float32, len(x))
	Dropout(whole, x, 0.3, s, 1)
	for at := 0; at < len(x); at += 999 {
		end := min(at+999, len(x))
		Dropout(parts[at:end], x[at:end], 0.3, s, 1+uint64(at))
	}
	near(t, "in parts", parts, whole, 0, 0)
}

func TestDropout(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		s := Stream{Seed: 9, Step: 1, Layer: 2}
		for _, rate := range []float32{0, 0.2, 0.5, 0.999} {
			for _, start := range []uint64{0, 3, 1000} {
				for _, n := range []int{0, 1, 5, 64, 67, 300} {
					x, got := random(n, 1), append(random(n, 2), 77)
					Dropout(got[:n], x, rate, s, start)
					for i, v := range x {
						want := v * (1 / (1 - rate))
						if rate > 0 && wordAt(s, start+uint64(i)) < uint32(float64(rate)*(1<<32)) {
							want = 0
						}
						if got[i] != want {
							t.Fatalf("rate %v from %d: value %d of %d is %v, want %v", rate, start, i, n, got[i], want)
						}
					}
					if got[n] != 77 {
						t.Fatalf("rate %v: a value behind the end was written", rate)
					}
				}
			}
		}
	})
}

func BenchmarkDropout(b *testing.B) {
	x := random(1<<16, 1)
	b.SetBytes(int64(4 * len(x)))
	for b.Loop() {
		Dropout(x, x, 0.2, Stream{Seed: 1}, 0)
	}
}
