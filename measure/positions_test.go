package measure

import (
	"math"
	"testing"

	"bellwether"

	"pgregory.net/rapid"
)

// enumerate adds the probability of every ordered list of k to the positions: the plain reference.
func enumerate(weights []float64, k int) [][]float64 {
	out := make([][]float64, k)
	for j := range out {
		out[j] = make([]float64, len(weights))
	}
	var walk func(list []int)
	walk = func(list []int) {
		if len(list) == k {
			p := bellwether.SlatePropensity(weights, list)
			for j, a := range list {
				out[j][a] += p
			}
			return
		}
	candidates:
		for a := range weights {
			for _, b := range list {
				if a == b {
					continue candidates
				}
			}
			walk(append(list[:len(list):len(list)], a))
		}
	}
	walk(nil)
	return out
}

func TestPositionProbabilitiesEqualEnumeration(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		weights := rapid.SliceOfN(rapid.Float64Range(-9, 0), 2, 6).Draw(t, "log weights")
		for i := range weights {
			weights[i] = math.Exp(weights[i])
		}
		k := rapid.IntRange(1, len(weights)).Draw(t, "k")
		weights = normalised(weights)
		got, want := positionProbabilities(weights, k, nil), enumerate(weights, k)
		for j := range want {
			for i := range want[j] {
				if math.Abs(got[j][i]-want[j][i]) > 1e-6 {
					t.Fatalf("weights %v: candidate %d at position %d has %.9f, want %.9f", weights, i, j, got[j][i], want[j][i])
				}
			}
		}
	})
}

func BenchmarkPositionProbabilities(b *testing.B) {
	weights := make([]float64, 100)
	for i := range weights {
		weights[i] = 0.98*math.Exp(-float64(i)/5) + 0.0002
	}
	for b.Loop() {
		positionProbabilities(weights, 10, nil)
	}
}
