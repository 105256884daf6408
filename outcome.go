package bellwether

import (
	"fmt"
	"time"
)

// Outcome is what followed a decision within the windows of an attribution rule. It repeats what later figures
// need of the decision, so that a settled outcome stands for it.
type Outcome struct {
	Decision  DecisionID           `json:"decision"`
	Time      time.Time            `json:"time,omitzero"` // of the decision
	Subject   Subject              `json:"subject"`       // canonical when the outcome was settled
	Surface   Surface              `json:"surface,omitempty"`
	Policy    PolicyID             `json:"policy,omitempty"`
	Model     ModelVersion         `json:"model,omitempty"`
	Holdout   bool                 `json:"holdout,omitempty"`
	Slate     bool                 `json:"slate,omitempty"`
	Evaluable bool                 `json:"evaluable,omitempty"`
	Actions   []string             `json:"actions,omitempty"`   // that were taken, in order
	Exposed   time.Time            `json:"exposed,omitzero"`    // when the person saw it; zero: not known to have
	Rewards   map[string]float64   `json:"rewards,omitempty"`   // by metric: click, conversion, revenue, margin, engagement, satisfaction; absent: nothing followed
	Positions map[string][]float64 `json:"positions,omitempty"` // of a slate: rewards by place; a metric without any is absent
	Rule      string               `json:"rule"`                // attribution rule and windows
	Matured   bool                 `json:"matured"`             // the longest window has passed
	Events    []EventID            `json:"events,omitempty"`    // what was credited
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
