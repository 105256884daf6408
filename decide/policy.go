package decide

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"bellwether"
)

// DefaultFloor is the exploration ε of policies that do not name one (docs/science.md §1, I2).
const DefaultFloor = 0.02

// Context is what a policy may read besides the candidates.
type Context struct {
	Subject  bellwether.Subject
	Surface  bellwether.Surface
	Time     time.Time
	Features map[string]float64
}

// Policy turns candidates into the probability of each being drawn (first, in a slate).
// It is a pure function of its arguments, so that a decision can be replayed.
type Policy interface {
	// ID names the policy with its version and parameters: two policies that may give
	// different distributions have different ids.
	ID() bellwether.PolicyID
	// Exploration is ε: each of K candidates gets at least ε/K. At 0 the policy is
	// deterministic, and off-policy estimators refuse its decisions.
	Exploration() float64
	// Distribution returns one probability a candidate; they sum to 1.
	Distribution(c Context, candidates []bellwether.Candidate, rng *rand.Rand) ([]float64, error)
}

// Uniform draws every candidate with the same probability.
type Uniform struct{}

// ID implements [Policy].
func (Uniform) ID() bellwether.PolicyID { return "uniform/1" }

// Exploration implements [Policy].
func (Uniform) Exploration() float64 { return 1 }

// Distribution implements [Policy].
func (Uniform) Distribution(_ Context, candidates []bellwether.Candidate, _ *rand.Rand) ([]float64, error) {
	return withFloor(make([]float64, len(candidates)), 1), nil
}

// Greedy takes the highest score, the first of equals; slates are ordered by score. It never
// explores: its decisions carry propensity 1 and are not evaluable off-policy.
type Greedy struct{}

// ID implements [Policy].
func (Greedy) ID() bellwether.PolicyID { return "greedy/1" }

// Exploration implements [Policy].
func (Greedy) Exploration() float64 { return 0 }

// Distribution implements [Policy].
func (Greedy) Distribution(_ Context, candidates []bellwether.Candidate, _ *rand.Rand) ([]float64, error) {
	return withFloor(pointMass(len(candidates), best(candidates)), 0), nil
}

// EpsilonGreedy takes the highest score with probability 1−ε and any candidate otherwise.
type EpsilonGreedy struct {
	Floor float64 // ε in (0, 1]; 0 means DefaultFloor
}

// ID implements [Policy].
func (p EpsilonGreedy) ID() bellwether.PolicyID {
	return bellwether.PolicyID(fmt.Sprintf("epsilon-greedy/1;e=%g", p.Exploration()))
}

// Exploration implements [Policy].
func (p EpsilonGreedy) Exploration() float64 { return orDefault(p.Floor, DefaultFloor) }

// Distribution implements [Policy].
func (p EpsilonGreedy) Distribution(_ Context, candidates []bellwether.Candidate, _ *rand.Rand) ([]float64, error) {
	if err := checkFloor(p.Exploration()); err != nil {
		return nil, err
	}
	return withFloor(pointMass(len(candidates), best(candidates)), p.Exploration()), nil
}

// Softmax draws in proportion to e^(score/temperature), mixed with a floor:
// p = (1−ε)·softmax + ε/K.
type Softmax struct {
	Temperature float64 // in units of the score; 0 means 1
	Floor       float64 // ε in (0, 1]; 0 means DefaultFloor
}

// ID implements [Policy].
func (p Softmax) ID() bellwether.PolicyID {
	return bellwether.PolicyID(fmt.Sprintf("softmax/1;t=%g;e=%g", orDefault(p.Temperature, 1), p.Exploration()))
}

// Exploration implements [Policy].
func (p Softmax) Exploration() float64 { return orDefault(p.Floor, DefaultFloor) }

// Distribution implements [Policy].
func (p Softmax) Distribution(_ Context, candidates []bellwether.Candidate, _ *rand.Rand) ([]float64, error) {
	t := orDefault(p.Temperature, 1)
	if !(t > 0) || math.IsInf(t, 0) {
		return nil, fmt.Errorf("temperature is %g; give a positive number", t)
	}
	if err := checkFloor(p.Exploration()); err != nil {
		return nil, err
	}
	top := candidates[best(candidates)].Score
	weights, sum := make([]float64, len(candidates)), 0.0
	for i, c := range candidates {
		weights[i] = math.Exp((c.Score - top) / t)
		sum += weights[i]
	}
	for i := range weights {
		weights[i] /= sum
	}
	return withFloor(weights, p.Exploration()), nil
}

// Threshold takes Action when its score reaches Limit and Otherwise when it does not, each with
// probability 1−ε, and any candidate with probability ε: a score becomes a decision that still explores.
type Threshold struct {
	Action    string  // taken at or above Limit, such as "send"
	Otherwise string  // taken below it, or when Action is no candidate, such as "none"
	Limit     float64 // in units of the score
	Floor     float64 // ε in (0, 1]; 0 means DefaultFloor
}

// ID implements [Policy].
func (p Threshold) ID() bellwether.PolicyID {
	return bellwether.PolicyID(fmt.Sprintf("threshold/1;%s>=%g;else=%s;e=%g", p.Action, p.Limit, p.Otherwise, p.Exploration()))
}

// Exploration implements [Policy].
func (p Threshold) Exploration() float64 { return orDefault(p.Floor, DefaultFloor) }

// Distribution implements [Policy].
func (p Threshold) Distribution(_ Context, candidates []bellwether.Candidate, _ *rand.Rand) ([]float64, error) {
	if err := checkFloor(p.Exploration()); err != nil {
		return nil, err
	}
	otherwise := -1
	for i, c := range candidates {
		switch c.Action {
		case p.Action:
			if c.Score >= p.Limit {
				return withFloor(pointMass(len(candidates), i), p.Exploration()), nil
			}
		case p.Otherwise:
			otherwise = i
		}
	}
	if otherwise < 0 {
		return nil, fmt.Errorf("%q is not among the candidates; the threshold policy needs it for people below the limit", p.Otherwise)
	}
	return withFloor(pointMass(len(candidates), otherwise), p.Exploration()), nil
}

// withFloor mixes weights, which sum to 1 or are all 0 with floor 1, with the uniform distribution, in place.
func withFloor(weights []float64, floor float64) []float64 {
	each := floor / float64(len(weights))
	for i := range weights {
		weights[i] = (1-floor)*weights[i] + each
	}
	return weights
}

func pointMass(n, at int) []float64 {
	p := make([]float64, n)
	p[at] = 1
	return p
}

// best returns the first index with the highest score.
func best(candidates []bellwether.Candidate) int {
	at := 0
	for i, c := range candidates {
		if c.Score > candidates[at].Score {
			at = i
		}
	}
	return at
}

func orDefault(v, otherwise float64) float64 {
	if v == 0 {
		return otherwise
	}
	return v
}

func checkFloor(floor float64) error {
	if !(floor > 0 && floor <= 1) {
		return fmt.Errorf("floor ε is %g; give a number in (0, 1]", floor)
	}
	return nil
}
