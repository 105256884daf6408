package bellwether

import "time"

// Profile is what is known of one person at one moment: folded from the log, never edited.
type Profile struct {
	Subject   Subject        `json:"subject"`
	Links     []Link         `json:"links,omitempty"` // identities merged into Subject
	Traits    map[string]any `json:"traits,omitempty"`
	Snapshot  string         `json:"snapshot"`          // version of the features that decisions read
	Consent   []Purpose      `json:"consent,omitempty"` // purposes in force
	Bucket    int            `json:"bucket"`            // global holdout bucket, 0–9999
	FirstSeen time.Time      `json:"first_seen,omitzero"`
	LastSeen  time.Time      `json:"last_seen,omitzero"`
	Recent    []Event        `json:"recent,omitempty"` // the newest events, oldest first
}

// Link joins an identity to a subject, from a moment on.
type Link struct {
	ID    string    `json:"id"`              // the anonymous id or the former subject
	Since time.Time `json:"since"`           // when sign-in joined them
	Event EventID   `json:"event,omitempty"` // the event that said so
}

// Buckets is the number of global holdout buckets.
const Buckets = 10_000

// Validate reports the first invalid field as a *FieldError.
func (p *Profile) Validate() error {
	if err := checkID("subject", p.Subject); err != nil {
		return err
	}
	if p.Bucket < 0 || p.Bucket >= Buckets {
		return &FieldError{Field: "bucket", Reason: "is outside 0–9999"}
	}
	for _, l := range p.Links {
		if err := checkID("links.id", Subject(l.ID)); err != nil {
			return err
		}
	}
	return nil
}
