package measure

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
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

// apart is the largest relative difference, of probabilities that a float64 can hold with all its digits.
func apart(got, want [][]float64) float64 {
	worst := 0.0
	for j := range want {
		for i := range want[j] {
			if want[j][i] > 1e-200 {
				worst = max(worst, math.Abs(got[j][i]/want[j][i]-1))
			} else {
				worst = max(worst, math.Abs(got[j][i]-want[j][i]))
			}
		}
	}
	return worst
}

func TestPositionProbabilitiesEqualEnumeration(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		spread := rapid.SampledFrom([]float64{0, 3, 9, 40}).Draw(t, "spread")
		weights := rapid.SliceOfN(rapid.Float64Range(-spread, 0), 2, 7).Draw(t, "log weights")
		for i := range weights {
			weights[i] = math.Exp(weights[i])
		}
		k := rapid.IntRange(1, len(weights)).Draw(t, "k")
		weights = normalised(weights)
		want := enumerate(weights, k)
		if worst := apart(positionProbabilities(weights, k, nil), want); worst > 1e-7 {
			t.Fatalf("weights %v: %.2g apart", weights, worst)
		}
		only := []int{rapid.IntRange(0, len(weights)-1).Draw(t, "only")}
		got := positionProbabilities(weights, k, only)
		for j := range got {
			if p, q := got[j][only[0]], want[j][only[0]]; math.Abs(p-q) > 1e-7*q {
				t.Fatalf("candidate %v alone has %.12g at place %d, want %.12g", only, p, j, q)
			}
		}
	})
}

func TestPositionProbabilitiesOfEight(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 8))
	weights := make([]float64, 8)
	for i := range weights {
		weights[i] = math.Exp(2 * rng.NormFloat64())
	}
	weights[3] = 0
	weights = normalised(weights)
	if worst := apart(positionProbabilities(weights, 7, nil), enumerate(weights, 7)); worst > 1e-7 {
		t.Errorf("%.2g apart", worst)
	}
}

// slateWeights are shapes of 200 candidates' weights.
func slateWeights(n int) map[string][]float64 {
	rng := rand.New(rand.NewPCG(200, 1))
	shapes := map[string]func(int) float64{
		"equal":        func(int) float64 { return 1 },
		"geometric":    func(i int) float64 { return 0.98*math.Exp(-float64(i)/5) + 0.0001 },
		"softmax":      func(int) float64 { return math.Exp(rng.NormFloat64()) },
		"sharp":        func(int) float64 { return math.Exp(4 * rng.NormFloat64()) },
		"one rules":    func(i int) float64 { return map[bool]float64{true: 1000, false: 1}[i == 0] },
		"many small":   func(i int) float64 { return map[bool]float64{true: 1, false: 1e-9}[i < n/3] },
		"steps":        func(i int) float64 { return math.Exp(-2 * float64(i)) },
		"just as many": func(i int) float64 { return map[bool]float64{true: 1 + float64(i), false: 0}[i < n/4] },
		"with a floor": func(i int) float64 { return 0.98*indicator(i == 7) + 0.02/float64(n) },
		"two kinds":    func(i int) float64 { return 1 + 20*float64(i%2) },
	}
	out := map[string][]float64{}
	for name, of := range shapes {
		w := make([]float64, n)
		for i := range w {
			w[i] = of(i)
		}
		out[name] = normalised(w)
	}
	return out
}

// TestPositionProbabilitiesOf50Of200: a step half as long changes nothing beyond 1e-6, each place's probabilities add up to 1, and those of equal
// weights are 1/200 everywhere.
func TestPositionProbabilitiesOf50Of200(t *testing.T) {
	for name, w := range slateWeights(200) {
		for _, k := range []int{2, 10, 50} {
			got, fine := positionProbabilities(w, k, nil), positionsBy(w, k, nil, positionStep/2)
			worst := apart(got, fine)
			t.Logf("%s, %d of 200: %.2g", name, k, worst)
			if worst > 1e-6 {
				t.Errorf("%s, %d of 200: %.2g apart", name, k, worst)
			}
			for j := range got {
				if s := sum(got[j]); math.Abs(s-1) > 1e-7 {
					t.Errorf("%s: place %d adds up to %.9f", name, j, s)
				}
				if name == "equal" && math.Abs(got[j][17]*200-1) > 1e-7 {
					t.Errorf("equal weights have %.9f/200 at place %d", got[j][17]*200, j)
				}
			}
		}
	}
}

// TestPositionProbabilitiesEqualDraws compares 50 of 200 with 100,000 drawn slates, each probability within 5 standard errors (of 10,000
// compared, .006 are expected beyond), and their sum of squares with its expectation.
func TestPositionProbabilitiesEqualDraws(t *testing.T) {
	const n, k, draws = 200, 50, 100_000
	w := slateWeights(n)["softmax"]
	rng := rand.New(rand.NewPCG(7, 7))
	count := make([][]float64, k)
	for j := range count {
		count[j] = make([]float64, n)
	}
	keys, order := make([]float64, n), make([]int, n)
	for range draws {
		for i := range keys {
			keys[i], order[i] = rng.ExpFloat64()/w[i], i
		}
		slices.SortFunc(order, func(a, b int) int { return cmp.Compare(keys[a], keys[b]) })
		for j := range k {
			count[j][order[j]]++
		}
	}
	squares, cells := 0.0, 0.0
	for j, row := range positionProbabilities(w, k, nil) {
		for i, p := range row {
			if p*draws < 10 {
				continue
			}
			z := (count[j][i] - p*draws) / math.Sqrt(draws*p*(1-p))
			if math.Abs(z) > 5 {
				t.Errorf("candidate %d at place %d: %.5f drawn, %.5f computed, z = %.1f", i, j, count[j][i]/draws, p, z)
			}
			squares, cells = squares+z*z, cells+1
		}
	}
	if ratio := squares / cells; math.Abs(ratio-1) > 0.06 || cells < 5000 {
		t.Errorf("squared z average %.3f over %.0f cells", ratio, cells)
	}
}

func BenchmarkPositionProbabilities(b *testing.B) {
	for _, size := range [][2]int{{50, 5}, {100, 10}, {200, 50}} {
		n, k := size[0], size[1]
		w := slateWeights(n)["geometric"]
		actions := make([]int, k)
		for i := range actions {
			actions[i] = i
		}
		b.Run(fmt.Sprintf("%d of %d", k, n), func(b *testing.B) {
			for b.Loop() {
				positionProbabilities(w, k, nil)
			}
		})
		b.Run(fmt.Sprintf("%d of %d, the slate's alone", k, n), func(b *testing.B) {
			for b.Loop() {
				positionProbabilities(w, k, actions)
			}
		})
	}
}
