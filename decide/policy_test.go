package decide

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"bellwether"

	"pgregory.net/rapid"
)

// policies are one of each kind.
var policies = []Policy{
	Uniform{},
	Greedy{},
	EpsilonGreedy{},
	EpsilonGreedy{Floor: 0.3},
	Softmax{},
	Softmax{Temperature: 0.1, Floor: 0.05},
	Threshold{Action: "a0", Otherwise: "a1", Limit: 0.5},
	Threshold{Action: "absent", Otherwise: "a1", Floor: 0.2},
}

func drawCandidates(t *rapid.T) []bellwether.Candidate {
	scores := rapid.SliceOfN(rapid.Float64Range(-50, 50), 2, 30).Draw(t, "scores")
	return scored(scores...)
}

func scored(scores ...float64) []bellwether.Candidate {
	out := make([]bellwether.Candidate, len(scores))
	for i, s := range scores {
		out[i] = bellwether.Candidate{Action: fmt.Sprintf("a%d", i), Score: s}
	}
	return out
}

// TestDistributions is invariants I1 and I2: probabilities sum to 1 and each is at least ε/K.
func TestDistributions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		candidates := drawCandidates(t)
		p := rapid.SampledFrom(policies).Draw(t, "policy")
		got, err := p.Distribution(Context{}, candidates, source(1))
		if err != nil {
			t.Fatal(err)
		}
		sum := 0.0
		for i, v := range got {
			if v < p.Exploration()/float64(len(candidates)) {
				t.Fatalf("%s gives candidate %d %g, under ε/K", p.ID(), i, v)
			}
			sum += v
		}
		if math.Abs(sum-1) > 1e-9 || len(got) != len(candidates) {
			t.Fatalf("%s: %d probabilities sum to %g", p.ID(), len(got), sum)
		}
	})
}

func TestDistributionValues(t *testing.T) {
	e := math.E
	for _, c := range []struct {
		policy Policy
		scores []float64
		want   []float64
	}{
		{Uniform{}, []float64{1, 2, 3, 4}, []float64{0.25, 0.25, 0.25, 0.25}},
		{Greedy{}, []float64{1, 3, 3}, []float64{0, 1, 0}},
		{EpsilonGreedy{Floor: 0.2}, []float64{1, 3}, []float64{0.1, 0.9}},
		{Softmax{Temperature: 2, Floor: 0.1}, []float64{0, 2}, []float64{0.9/(1+e) + 0.05, 0.9*e/(1+e) + 0.05}},
		{Threshold{Action: "a0", Otherwise: "a1", Limit: 0.5, Floor: 0.1}, []float64{0.5, 0}, []float64{0.95, 0.05}},
		{Threshold{Action: "a0", Otherwise: "a1", Limit: 0.5, Floor: 0.1}, []float64{0.49, 9}, []float64{0.05, 0.95}},
	} {
		got, err := c.policy.Distribution(Context{}, scored(c.scores...), source(1))
		if err != nil {
			t.Fatal(err)
		}
		for i := range got {
			if math.Abs(got[i]-c.want[i]) > 1e-12 {
				t.Errorf("%s of %v: %v, want %v", c.policy.ID(), c.scores, got, c.want)
			}
		}
	}
}

func TestBadSettingsAreErrors(t *testing.T) {
	for _, p := range []Policy{
		Softmax{Temperature: -1},
		Softmax{Temperature: math.NaN()},
		Softmax{Floor: 2},
		EpsilonGreedy{Floor: -0.1},
		Threshold{Action: "a0", Otherwise: "elsewhere", Limit: 100},
		Threshold{Action: "a0", Otherwise: "a1", Floor: 1.5},
	} {
		if _, err := p.Distribution(Context{}, scored(1, 2), source(1)); err == nil {
			t.Errorf("%#v was accepted", p)
		}
	}
}

func TestIDsTellParametersApart(t *testing.T) {
	seen := map[bellwether.PolicyID]bool{}
	for _, p := range policies {
		if seen[p.ID()] {
			t.Errorf("two policies share the id %s", p.ID())
		}
		seen[p.ID()] = true
	}
}

// frequencies counts what n seeds draw first and as the whole list.
func frequencies(weights []float64, k, n int) (one []float64, lists map[string]float64) {
	one, lists = make([]float64, len(weights)), map[string]float64{}
	for seed := range uint64(n) {
		one[drawOne(weights, source(seed))] += 1 / float64(n)
		lists[fmt.Sprint(drawSlate(weights, k, source(seed)))] += 1 / float64(n)
	}
	return one, lists
}

// TestDrawsFollowTheDistribution compares frequencies with the probabilities that are logged: 5 standard errors.
func TestDrawsFollowTheDistribution(t *testing.T) {
	const n = 40_000
	weights := []float64{0.5, 0.3, 0.2, 0}
	one, lists := frequencies(weights, 2, n)
	near := func(name string, got, want float64) {
		if math.Abs(got-want) > 5*math.Sqrt(want*(1-want)/n) {
			t.Errorf("%s is drawn %.4f, its propensity is %.4f", name, got, want)
		}
	}
	for i, w := range weights {
		near(fmt.Sprint(i), one[i], w)
	}
	for a := range 3 {
		for b := range 3 {
			if a != b {
				near(fmt.Sprint([]int{a, b}), lists[fmt.Sprint([]int{a, b})], bellwether.SlatePropensity(weights, []int{a, b}))
			}
		}
	}
}

func TestRankOrdersByWeightThenScore(t *testing.T) {
	got := rank([]float64{0, 1, 0, 0}, scored(5, 1, 7, 7), 9)
	if fmt.Sprint(got) != "[1 2 3 0]" {
		t.Errorf("ranked %v", got)
	}
}

func BenchmarkDistributionAndDraw(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 1))
	scores := make([]float64, 100)
	for i := range scores {
		scores[i] = rng.NormFloat64()
	}
	candidates := scored(scores...)
	for b.Loop() {
		p, err := Softmax{}.Distribution(Context{}, candidates, nil)
		if err != nil {
			b.Fatal(err)
		}
		drawSlate(p, 10, source(1))
	}
}
