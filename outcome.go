package bellwether

import "time"

// Outcome is what followed a decision within the windows of an attribution rule.
type Outcome struct {
	Decision DecisionID         `json:"decision" cbor:"1,keyasint,omitempty"`
	Subject  Subject            `json:"subject" cbor:"2,keyasint,omitempty"`
	Exposed  time.Time          `json:"exposed,omitzero" cbor:"3,keyasint,omitzero"`  // when the person saw it; zero: not known to have
	Rewards  map[string]float64 `json:"rewards" cbor:"4,keyasint,omitempty"`          // by metric: click, purchase, revenue, margin, satisfaction
	Rule     string             `json:"rule" cbor:"5,keyasint,omitempty"`             // attribution rule and windows
	Matured  bool               `json:"matured" cbor:"6,keyasint,omitempty"`          // the longest window has passed
	Events   []EventID          `json:"events,omitempty" cbor:"7,keyasint,omitempty"` // what was credited

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
	return nil
}
