package bellwether

import (
	"fmt"
	"time"
)

// Outcome is what followed a decision within the windows of an attribution rule. It repeats what later figures
// need of the decision, so that a settled outcome stands for it.
type Outcome struct {
	Decision  DecisionID           `json:"decision" cbor:"1,keyasint,omitempty"`
	Time      time.Time            `json:"time,omitzero" cbor:"8,keyasint,omitzero"` // of the decision
	Subject   Subject              `json:"subject" cbor:"2,keyasint,omitempty"`      // canonical when the outcome was settled
	Surface   Surface              `json:"surface,omitempty" cbor:"9,keyasint,omitempty"`
	Policy    PolicyID             `json:"policy,omitempty" cbor:"10,keyasint,omitempty"`
	Model     ModelVersion         `json:"model,omitempty" cbor:"11,keyasint,omitempty"`
	Holdout   bool                 `json:"holdout,omitempty" cbor:"12,keyasint,omitempty"`
	Slate     bool                 `json:"slate,omitempty" cbor:"13,keyasint,omitempty"`
	Evaluable bool                 `json:"evaluable,omitempty" cbor:"14,keyasint,omitempty"`
	Actions   []string             `json:"actions,omitempty" cbor:"15,keyasint,omitempty"`   // that were taken, in order
	Exposed   time.Time            `json:"exposed,omitzero" cbor:"3,keyasint,omitzero"`      // when the person saw it; zero: not known to have
	Rewards   map[string]float64   `json:"rewards,omitempty" cbor:"4,keyasint,omitempty"`    // by metric: click, conversion, revenue, margin, engagement, satisfaction; absent: nothing followed
	Positions map[string][]float64 `json:"positions,omitempty" cbor:"16,keyasint,omitempty"` // of a slate: rewards by place; a metric without any is absent
	Rule      string               `json:"rule" cbor:"5,keyasint,omitempty"`                 // attribution rule and windows
	Matured   bool                 `json:"matured" cbor:"6,keyasint,omitempty"`              // the longest window has passed
	Events    []EventID            `json:"events,omitempty" cbor:"7,keyasint,omitempty"`     // what was credited

	Unknown []byte `json:"-" cbor:"-"` // fields of a newer program, as they were stored
}

// Validate reports the first invalid field as a *FieldError.
func (o *Outcome) Validate() error {
	if err := checkID("decision", o.Decision); err != nil {
		return err
	}
	if o.Rule == "" {
		return &FieldError{Field: "rule", Reason: "is empty"}
	}
	for k, v := range o.Rewards {
		if !finite(v) {
			return &FieldError{Field: "rewards." + k, Reason: "is not a finite number"}
		}
	}
	for k, places := range o.Positions {
		if len(places) != len(o.Actions) {
			return &FieldError{Field: "positions." + k, Reason: fmt.Sprintf("has %d places for %d actions", len(places), len(o.Actions))}
		}
		for _, v := range places {
			if !finite(v) {
				return &FieldError{Field: "positions." + k, Reason: "has a value that is not finite"}
			}
		}
	}
	return nil
}
