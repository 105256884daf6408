package bellwether

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

// drawDecision draws a decision as a policy with the floor ε makes it: I1 and I2 hold.
func drawDecision(t *rapid.T) *Decision {
	k := rapid.IntRange(1, 12).Draw(t, "candidates")
	d := exampleDecision()
	d.Slate, d.Floor = rapid.Bool().Draw(t, "slate"), rapid.Float64Range(0, 1).Draw(t, "floor")
	d.Candidates, d.Actions = make([]Candidate, k), nil
	weights, sum := make([]float64, k), 0.0
	for i := range weights {
		weights[i] = rapid.Float64Range(1e-3, 1).Draw(t, "weight")
		sum += weights[i]
	}
	for i, w := range weights {
		weights[i] = (1-d.Floor)*w/sum + d.Floor/float64(k)
		d.Candidates[i] = Candidate{Action: string(rune('a' + i)), Score: w, Propensity: weights[i]}
	}
	order := rapid.Permutation(indices(k)).Draw(t, "order")
	length := 1
	if d.Slate {
		length = rapid.IntRange(1, k).Draw(t, "length")
	}
	d.Actions = order[:length]
	d.Propensity, d.LogPropensity = d.Candidates[d.Actions[0]].Propensity, 0
	if d.Slate {
		d.Propensity, d.LogPropensity = SlatePropensity(weights, d.Actions), SlateLogPropensity(weights, d.Actions)
	}
	return d
}

func indices(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

func TestDecisionInvariants(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := drawDecision(t)
		if err := d.Validate(); err != nil {
			t.Fatalf("a true decision is refused: %v", err)
		}
		factor := rapid.SampledFrom([]float64{.5, .99, 1.01, 2}).Draw(t, "factor")
		i := rapid.IntRange(0, len(d.Candidates)-1).Draw(t, "corrupted")
		d.Candidates[i].Propensity *= factor
		if d.Candidates[i].Propensity*abs(factor-1)/factor > 2e-6 && d.Validate() == nil {
			t.Fatalf("I1: propensities that do not sum to 1 are accepted (candidate %d × %g)", i, factor)
		}
		d.Candidates[i].Propensity /= factor
		d.Propensity *= factor
		if d.Validate() == nil {
			t.Fatalf("I1: a propensity that the candidates do not give is accepted (× %g)", factor)
		}
	})
}

// TestSlatePropensity compares with the definition, written out, and sums over all ordered lists to 1.
func TestSlatePropensity(t *testing.T) {
	weights := []float64{.5, 2, 1, .25}
	total := 0.0
	for a, w := range weights {
		for b, v := range weights {
			if a == b {
				continue
			}
			want := w / 3.75 * v / (3.75 - w)
			got := SlatePropensity(weights, []int{a, b})
			if abs(got-want) > 1e-15 {
				t.Errorf("(%d, %d): %g, want %g", a, b, got, want)
			}
			total += got
		}
	}
	if abs(total-1) > 1e-12 {
		t.Errorf("the lists' probabilities sum to %g", total)
	}
	if got := SlatePropensity([]float64{1, 1e-20, 3e-20}, []int{0, 2, 1}); abs(got-.75) > 1e-12 {
		t.Errorf("little weight left: %g, want .75", got)
	}
}

func abs(v float64) float64 { return max(v, -v) }

func TestDecisionFloor(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := drawDecision(t)
		if len(d.Candidates) < 2 {
			return
		}
		least := 1.0
		for _, c := range d.Candidates {
			least = min(least, c.Propensity)
		}
		d.Floor = least * float64(len(d.Candidates)) * 1.01
		if err := d.Validate(); err == nil {
			t.Fatalf("I2: a candidate below the floor %g is accepted", d.Floor)
		}
	})
}

// TestSlateLogPropensity compares a slate of 1,000 with the definition in numbers of 400 bits, and holds a decision that a float64
// has no probability for to its logarithm.
func TestSlateLogPropensity(t *testing.T) {
	const k = 1000
	weights, rng := make([]float64, k+200), rand.New(rand.NewPCG(1, 2))
	sum := 0.0
	for i := range weights {
		weights[i] = math.Exp(3 * rng.NormFloat64())
		sum += weights[i]
	}
	for i := range weights {
		weights[i] /= sum
	}
	actions := rng.Perm(len(weights))[:k]
	want, rest := big.NewFloat(1).SetPrec(400), big.NewFloat(0).SetPrec(400)
	for _, w := range weights {
		rest.Add(rest, big.NewFloat(w))
	}
	for _, a := range actions {
		w := big.NewFloat(weights[a]).SetPrec(400)
		want.Mul(want, new(big.Float).SetPrec(400).Quo(w, rest))
		rest.Sub(rest, w)
	}
	exponent := want.MantExp(want)
	mantissa, _ := want.Float64()
	exact := math.Log(mantissa) + float64(exponent)*math.Ln2
	got := SlateLogPropensity(weights, actions)
	if abs(got-exact) > 1e-9 {
		t.Errorf("the logarithm is %.12f, exactly %.12f", got, exact)
	}
	d := Decision{
		ID: "d", Time: earliest, Subject: "ann", Surface: "home", Policy: "softmax/1", Slate: true, Evaluable: true, Actions: actions,
		Propensity: SlatePropensity(weights, actions), LogPropensity: got,
	}
	for i, w := range weights {
		d.Candidates = append(d.Candidates, Candidate{Action: fmt.Sprint(i), Propensity: w})
	}
	if d.Propensity != 0 {
		t.Fatalf("this list is no test: its probability is %g", d.Propensity)
	}
	if err := d.Validate(); err != nil {
		t.Errorf("a true decision is refused: %v", err)
	}
	for name, change := range map[string]func(*Decision){
		"no logarithm":             func(d *Decision) { d.LogPropensity = 0 },
		"another logarithm":        func(d *Decision) { d.LogPropensity += 1e-3 },
		"another propensity":       func(d *Decision) { d.Propensity = 1e-300 },
		"no number":                func(d *Decision) { d.LogPropensity = math.Inf(-1) },
		"a logarithm of no list":   func(d *Decision) { d.Slate, d.Actions, d.Propensity = false, d.Actions[:1], weights[actions[0]] },
		"of a deterministic slate": func(d *Decision) { d.Evaluable, d.Propensity = false, 1 },
	} {
		wrong := d
		change(&wrong)
		if wrong.Validate() == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}
