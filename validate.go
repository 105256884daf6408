package bellwether

import (
	"fmt"
	"math"
	"time"
	"unicode/utf8"
)

// earliest and latest bound the times that a record may carry; outside them a
// timestamp is a unit error (milliseconds read as seconds) and not history.
var (
	earliest = time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC)
	latest   = time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)
)

func checkTime(field string, t time.Time) error {
	if t.IsZero() {
		return &FieldError{Field: field, Reason: "is missing"}
	}
	if t.Before(earliest) || t.After(latest) {
		return &FieldError{Field: field, Reason: fmt.Sprintf("is %s, outside 1970–2200", t.UTC().Format(time.RFC3339))}
	}
	return nil
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

func (e *Event) checkType() error {
	if e.Type == "" {
		return &FieldError{Field: "type", Reason: "is empty"}
	}
	if len(e.Type) > maxTypeLength || !utf8.ValidString(string(e.Type)) {
		return &FieldError{Field: "type", Reason: fmt.Sprintf("is longer than %d bytes or not UTF-8", maxTypeLength)}
	}
	return nil
}

func (e *Event) checkNumbers() error {
	switch {
	case e.Quantity < 0 || e.Quantity > MaxQuantity:
		return &FieldError{Field: "quantity", Reason: fmt.Sprintf("is %d, outside 0–%d", e.Quantity, int64(MaxQuantity))}
	case e.Price.Amount < 0 && e.Type != Refund, e.Price.Amount > MaxPriceAmount, e.Price.Amount < -MaxPriceAmount:
		return &FieldError{Field: "price", Reason: fmt.Sprintf("is %d minor units, outside the accepted range", e.Price.Amount)}
	case !finite(e.Value):
		return &FieldError{Field: "value", Reason: "is not a finite number"}
	case e.Position < 0:
		return &FieldError{Field: "position", Reason: "is negative"}
	}
	return nil
}

func (e *Event) checkTraits() error {
	if len(e.Traits) > MaxTraits {
		return &FieldError{Field: "traits", Reason: fmt.Sprintf("has %d entries, more than %d", len(e.Traits), MaxTraits)}
	}
	for k, v := range e.Traits {
		switch v := v.(type) {
		case string:
			if len(v) > maxStringLength {
				return &FieldError{Field: "traits." + k, Reason: fmt.Sprintf("has %d bytes, more than %d", len(v), maxStringLength)}
			}
		case float64:
			if !finite(v) {
				return &FieldError{Field: "traits." + k, Reason: "is not a finite number"}
			}
		case bool, nil, int64, int:
		default:
			return &FieldError{Field: "traits." + k, Reason: fmt.Sprintf("is a %T; strings, numbers and booleans are kept", v)}
		}
	}
	return nil
}
