package bellwether

import "time"

// Outcome is what followed a decision within the windows of an attribution rule.
type Outcome struct {
	Decision DecisionID         `json:"decision"`
	Subject  Subject            `json:"subject"`
	Exposed  time.Time          `json:"exposed,omitzero"` // when the person saw it; zero: not known to have
	Rewards  map[string]float64 `json:"rewards"`          // by metric: click, purchase, revenue, margin, satisfaction
	Rule     string             `json:"rule"`             // attribution rule and windows
	Matured  bool               `json:"matured"`          // the longest window has passed
	Events   []EventID          `json:"events,omitempty"` // what was credited
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
	return nil
}
