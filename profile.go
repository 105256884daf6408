package bellwether

import (
	"crypto/sha256"
	"encoding/binary"
	"time"
)

// Profile is what is known of one person at one moment: folded from the log, never edited.
type Profile struct {
	Subject   Subject        `json:"subject" cbor:"1,keyasint,omitempty"`
	Links     []Link         `json:"links,omitempty" cbor:"2,keyasint,omitempty"` // identities merged into Subject
	Traits    map[string]any `json:"traits,omitempty" cbor:"3,keyasint,omitempty"`
	Snapshot  string         `json:"snapshot" cbor:"4,keyasint,omitempty"`        // version of the features that decisions read
	Consent   []Purpose      `json:"consent,omitzero" cbor:"5,keyasint,omitzero"` // purposes in force
	Bucket    int            `json:"bucket" cbor:"6,keyasint,omitempty"`          // global holdout bucket, 0–9999
	FirstSeen time.Time      `json:"first_seen,omitzero" cbor:"7,keyasint,omitzero"`
	LastSeen  time.Time      `json:"last_seen,omitzero" cbor:"8,keyasint,omitzero"`
	Recent    []Event        `json:"recent,omitempty" cbor:"9,keyasint,omitempty"` // the newest events, oldest first

	Unknown []byte `json:"-" cbor:"-"` // fields of a newer program, as they were stored
}

// Link joins an identity to a subject, from a moment on.
type Link struct {
	ID    string    `json:"id"`              // the anonymous id or the former subject
	Since time.Time `json:"since"`           // when sign-in joined them
	Event EventID   `json:"event,omitempty"` // the event that said so
}

// Buckets is the number of global holdout buckets.
const Buckets = 10_000

// HoldoutBucket returns s's global holdout bucket: SHA-256(salt‖s), read as a big-endian number,
// mod [Buckets]. The same salt always gives the same person the same bucket.
func HoldoutBucket(salt string, s Subject) int {
	sum := sha256.Sum256([]byte(salt + string(s)))
	bucket := uint64(0)
	for b := sum[:]; len(b) > 0; b = b[4:] {
		bucket = (bucket<<32 | uint64(binary.BigEndian.Uint32(b))) % Buckets
	}
	return int(bucket)
}

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
