package bellwether

import "fmt"

// Currency is an ISO 4217 code in capitals, such as "EUR".
type Currency string

// Money is an amount in the minor unit of its currency: 1999 EUR is 19.99 €.
// The zero value means that no amount is known.
type Money struct {
	Amount   int64    `json:"amount"`   // minor units
	Currency Currency `json:"currency"` // ISO 4217
}

// IsZero reports whether m is the zero value: no amount is known.
func (m Money) IsZero() bool { return m == Money{} }

// Exponent returns how many decimal digits the minor unit of c has: 2 for most
// currencies, 0 for JPY and its like, 3 for BHD and its like (ISO 4217).
func (c Currency) Exponent() int {
	switch c {
	case "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF":
		return 0
	case "BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND":
		return 3
	}
	return 2
}

// Major returns the amount in major units, for models and displays; never for bookkeeping.
func (m Money) Major() float64 {
	v := float64(m.Amount)
	for range m.Currency.Exponent() {
		v /= 10
	}
	return v
}

// String formats m in major units, such as "19.99 EUR".
func (m Money) String() string {
	return fmt.Sprintf("%.*f %s", m.Currency.Exponent(), m.Major(), m.Currency)
}

// validate checks the currency's form.
func (m Money) validate(field string) error {
	if m.IsZero() {
		return nil
	}
	if len(m.Currency) != 3 {
		return &FieldError{Field: field, Reason: fmt.Sprintf("has the currency %q, not an ISO 4217 code", string(m.Currency))}
	}
	for _, r := range m.Currency {
		if r < 'A' || r > 'Z' {
			return &FieldError{Field: field, Reason: fmt.Sprintf("has the currency %q, not an ISO 4217 code", string(m.Currency))}
		}
	}
	return nil
}
