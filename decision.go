package bellwether

import (
	"fmt"
	"math"
	"time"
)

// Decision records one choice with everything that is needed to prove its worth later.
type Decision struct {
	ID          DecisionID         `json:"id" cbor:"1,keyasint,omitempty"`
	Time        time.Time          `json:"time" cbor:"2,keyasint,omitzero"`
	Subject     Subject            `json:"subject" cbor:"3,keyasint,omitempty"`
	Surface     Surface            `json:"surface" cbor:"4,keyasint,omitempty"`
	Snapshot    string             `json:"snapshot,omitempty" cbor:"5,keyasint,omitempty"` // features that were read
	Context     map[string]float64 `json:"context,omitempty" cbor:"6,keyasint,omitempty"`  // features that reward models may use
	Candidates  []Candidate        `json:"candidates" cbor:"7,keyasint,omitempty"`         // after filters
	Filters     []string           `json:"filters,omitempty" cbor:"8,keyasint,omitempty"`  // applied, with counts: "seen:12"
	Slate       bool               `json:"slate,omitempty" cbor:"9,keyasint,omitempty"`    // Actions is an ordered list
	Actions     []int              `json:"actions" cbor:"10,keyasint,omitempty"`           // indices in Candidates; one unless Slate
	Propensity  float64            `json:"propensity" cbor:"11,keyasint,omitempty"`        // of the action, or of the ordered list
	Policy      PolicyID           `json:"policy" cbor:"12,keyasint,omitempty"`
	Model       ModelVersion       `json:"model" cbor:"13,keyasint,omitempty"`
	Seed        uint64             `json:"seed" cbor:"14,keyasint,omitempty"`
	Floor       float64            `json:"floor" cbor:"15,keyasint,omitempty"`     // ε
	Holdout     bool               `json:"holdout" cbor:"16,keyasint,omitempty"`   // the person is in the global holdout
	Evaluable   bool               `json:"evaluable" cbor:"17,keyasint,omitempty"` // false: deterministic, refused by off-policy estimators
	Arms        map[string]string  `json:"arms,omitempty" cbor:"18,keyasint,omitempty"`
	Multipliers map[string]float64 `json:"multipliers,omitempty" cbor:"19,keyasint,omitempty"` // λ of budgets
	Consent     []Purpose          `json:"consent,omitzero" cbor:"20,keyasint,omitzero"`
	// The logarithm of Propensity, of slates: a list may be so long that its probability is too small for a number.
	LogPropensity float64 `json:"log_propensity,omitempty" cbor:"21,keyasint,omitempty"`

	Unknown []byte `json:"-" cbor:"-"` // fields of a newer program, as they were stored
}

// Candidate is one thing that could have been done.
type Candidate struct {
	Action     string  `json:"action"`     // an item id, or the name of an action
	Score      float64 `json:"score"`      // the model's
	Propensity float64 `json:"propensity"` // probability of being drawn (first, in a slate)
}

// SlatePropensity returns the Plackett–Luce probability of the ordered list actions, none of them
// repeated, when weights (not necessarily normalised) are drawn without replacement:
// Π_j w_j / Σ_{l not yet placed} w_l. The sums grow from the end of the list, so that they stay exact
// when little weight is left.
func SlatePropensity(weights []float64, actions []int) float64 {
	p := 1.0
	eachPlace(weights, actions, func(w, rest float64) { p *= w / rest })
	return p
}

// SlateLogPropensity returns the natural logarithm of [SlatePropensity]: also of a list whose probability is too small for a
// float64.
func SlateLogPropensity(weights []float64, actions []int) float64 {
	sum := 0.0
	eachPlace(weights, actions, func(w, rest float64) { sum += math.Log(w / rest) })
	return sum
}

// eachPlace calls fn for each place of a list, the last one first, with its weight and that of all that was left then.
func eachPlace(weights []float64, actions []int, fn func(w, rest float64)) {
	placed := make([]bool, len(weights))
	for _, a := range actions {
		placed[a] = true
	}
	rest := 0.0
	for i, w := range weights {
		if !placed[i] {
			rest += w
		}
	}
	for i := len(actions) - 1; i >= 0; i-- {
		w := weights[actions[i]]
		rest += w
		if i < len(weights)-1 { // the last one left is certain
			fn(w, rest)
		}
	}
}

// Validate checks invariants I1 and I2 of the log: propensities sum to 1 within 1e-6, the action's
// is positive, every candidate's is at least Floor/K, and a deterministic decision says so.
func (d *Decision) Validate() error {
	for _, err := range []error{
		checkID("id", d.ID), checkID("subject", d.Subject), checkID("surface", d.Surface),
		checkID("policy", d.Policy), checkTime("time", d.Time), d.checkActions(),
	} {
		if err != nil {
			return err
		}
	}
	return d.checkPropensities()
}

func (d *Decision) checkActions() error {
	if len(d.Candidates) == 0 {
		return &FieldError{Field: "candidates", Reason: "is empty"}
	}
	if len(d.Actions) == 0 || !d.Slate && len(d.Actions) != 1 {
		return &FieldError{Field: "actions", Reason: fmt.Sprintf("has %d entries", len(d.Actions))}
	}
	seen := make(map[int]bool, len(d.Actions))
	for _, a := range d.Actions {
		if a < 0 || a >= len(d.Candidates) || seen[a] {
			return &FieldError{Field: "actions", Reason: fmt.Sprintf("has %d, which is no candidate or repeated", a)}
		}
		seen[a] = true
	}
	return nil
}

func (d *Decision) checkPropensities() error {
	sum, weights := 0.0, make([]float64, len(d.Candidates))
	for i, c := range d.Candidates {
		if !finite(c.Propensity) || c.Propensity < 0 || !finite(c.Score) {
			return &FieldError{Field: "candidates", Reason: fmt.Sprintf("has %q with propensity %g and score %g", c.Action, c.Propensity, c.Score)}
		}
		if d.Evaluable && c.Propensity < d.Floor/float64(len(d.Candidates))*(1-1e-9) {
			return &FieldError{Field: "candidates", Reason: fmt.Sprintf("has %q below the floor ε/K = %g", c.Action, d.Floor/float64(len(d.Candidates)))}
		}
		sum += c.Propensity
		weights[i] = c.Propensity
	}
	want := d.Candidates[d.Actions[0]].Propensity
	if d.Slate {
		want = SlatePropensity(weights, d.Actions)
	}
	small := d.LogPropensity < leastLog // then Propensity has few digits, or none
	switch {
	case d.Evaluable && math.Abs(sum-1) > 1e-6:
		return &FieldError{Field: "candidates", Reason: fmt.Sprintf("have propensities that sum to %g, not 1", sum)}
	case d.Propensity <= 0 && !small || d.Propensity < 0 || d.Propensity > 1+1e-9 || !finite(d.Propensity):
		return &FieldError{Field: "propensity", Reason: fmt.Sprintf("is %g, not in (0, 1]", d.Propensity)}
	case !d.Evaluable && d.Propensity != 1:
		return &FieldError{Field: "propensity", Reason: fmt.Sprintf("is %g on a deterministic decision, not 1", d.Propensity)}
	case d.Evaluable && math.Abs(d.Propensity-want) > 1e-6*want+math.SmallestNonzeroFloat64:
		return &FieldError{Field: "propensity", Reason: fmt.Sprintf("is %g, but the candidates give %g", d.Propensity, want)}
	}
	return d.checkLog(weights)
}

// leastLog is the logarithm of about the least number that a float64 holds in full.
const leastLog = -708

// checkLog holds the logarithm, where there is one, to the candidates.
func (d *Decision) checkLog(weights []float64) error {
	if d.LogPropensity == 0 {
		return nil
	}
	if !finite(d.LogPropensity) || !d.Evaluable || !d.Slate {
		return &FieldError{Field: "log_propensity", Reason: fmt.Sprintf("is %g, of a decision that has none", d.LogPropensity)}
	}
	if want := SlateLogPropensity(weights, d.Actions); math.Abs(d.LogPropensity-want) > 1e-6 {
		return &FieldError{Field: "log_propensity", Reason: fmt.Sprintf("is %g, but the candidates give %g", d.LogPropensity, want)}
	}
	return nil
}

// Chosen returns the actions' names in order.
func (d *Decision) Chosen() []string {
	out := make([]string, len(d.Actions))
	for i, a := range d.Actions {
		out[i] = d.Candidates[a].Action
	}
	return out
}
