package bellwether

import (
	"fmt"
	"unicode/utf8"
)

// MaxIDLength is the longest identifier, in bytes, that Validate accepts.
const MaxIDLength = 255

// Identifiers. Each has its own type, so that the compiler tells an item from a person.
type (
	// ProjectID names a tenant. It comes from the key of a request, never from its body.
	ProjectID string
	// EventID is the messageId of the sender: the same one within seven days counts once.
	EventID string
	// Subject is the person an event is about, as known after sign-in.
	Subject string
	// AnonymousID is a device or browser before sign-in.
	AnonymousID string
	// ItemID names a product, article, friend or group: whatever can be recommended.
	ItemID string
	// DecisionID names one decision; later events carry it.
	DecisionID string
	// CampaignID names a campaign.
	CampaignID string
	// CreativeID names one advertisement or message text.
	CreativeID string
	// Channel is a way of reaching people: search, social, email, push, …
	Channel string
	// Surface is a place where a decision is taken: home, product, email, …
	Surface string
	// PolicyID names a policy with its version, such as "softmax/1".
	PolicyID string
	// ModelVersion names one trained model, such as "recommend-000003".
	ModelVersion string
	// Purpose is a purpose of consent, such as "personalisation" or "analytics".
	Purpose string
)

// ID is any identifier type.
type ID interface{ ~string }

// checkID reports an identifier that is empty, too long, not UTF-8 or has control characters.
func checkID[T ID](field string, id T) error {
	if id == "" {
		return &FieldError{Field: field, Reason: "is empty"}
	}
	return checkOptionalID(field, id)
}

// checkOptionalID is checkID for a field that may be empty.
func checkOptionalID[T ID](field string, id T) error {
	if len(id) > MaxIDLength {
		return &FieldError{Field: field, Reason: fmt.Sprintf("has %d bytes, more than %d", len(id), MaxIDLength)}
	}
	if !utf8.ValidString(string(id)) {
		return &FieldError{Field: field, Reason: "is not valid UTF-8"}
	}
	for _, r := range string(id) {
		if r < 0x20 || r == 0x7f {
			return &FieldError{Field: field, Reason: fmt.Sprintf("has the control character %U", r)}
		}
	}
	return nil
}

// FieldError says which field of a record is invalid and why.
type FieldError struct {
	Field  string // name as in JSON
	Reason string // continues the sentence "FIELD …"
}

func (e *FieldError) Error() string { return e.Field + " " + e.Reason }
