package store

import (
	"encoding/binary"
	"errors"
	"math"
	"time"

	"github.com/fxamacker/cbor/v2"
)

// instant is a time in a record: nanoseconds since 1970 where 64 bits hold them (1678 to 2262),
// else a list of seconds and nanoseconds. It reads as UTC.
type instant time.Time

// IsZero reports whether it is left out of a record.
func (t *instant) IsZero() bool { return (*time.Time)(t).IsZero() }

var (
	earliestNano = time.Unix(0, -1<<63)
	latestNano   = time.Unix(0, 1<<63-1)
)

// MarshalCBOR implements cbor.Marshaler.
func (t *instant) MarshalCBOR() ([]byte, error) {
	at := *(*time.Time)(t)
	if !at.Before(earliestNano) && !at.After(latestNano) {
		return appendInteger(make([]byte, 0, 9), at.UnixNano()), nil
	}
	b := appendInteger([]byte{cborList | 2}, at.Unix())
	return appendInteger(b, int64(at.Nanosecond())), nil
}

// UnmarshalCBOR implements cbor.Unmarshaler.
func (t *instant) UnmarshalCBOR(b []byte) error {
	if nanos, ok := integer(b); ok {
		*t = instant(time.Unix(0, nanos).UTC())
		return nil
	}
	var parts []int64
	if err := cbor.Unmarshal(b, &parts); err != nil || len(parts) != 2 || parts[1] < 0 || parts[1] > 999_999_999 {
		return errors.New("a time is neither nanoseconds nor seconds and nanoseconds")
	}
	*t = instant(time.Unix(parts[0], parts[1]).UTC())
	return nil
}

// The types below are stored as the list of their fields, which is closed for ever: what more
// there will be to say gets a key of the record that they are part of.

// link is a bellwether.Link.
type link struct {
	_     struct{} `cbor:",toarray"`
	ID    string
	Since instant
	Event string
}

// amount is a bellwether.Money.
type amount struct {
	_        struct{} `cbor:",toarray"`
	Amount   int64
	Currency string
}

// MarshalCBOR implements cbor.Marshaler, so that an amount that is zero can be left out: the library
// leaves out no list of fields.
func (m *amount) MarshalCBOR() ([]byte, error) {
	b := appendInteger(append(make([]byte, 0, 16), cborList|2), m.Amount)
	return append(appendHead(b, cborText, uint64(len(m.Currency))), m.Currency...), nil
}

// UnmarshalCBOR implements cbor.Unmarshaler: what amount's fields would do, in a third of the time.
func (m *amount) UnmarshalCBOR(b []byte) error {
	type plain amount
	if len(b) > 0 && b[0] == cborList|2 {
		if n, rest, ok := cutInteger(b[1:]); ok {
			if currency, rest, ok := cutText(rest); ok && len(rest) == 0 {
				m.Amount, m.Currency = n, string(currency)
				return nil
			}
		}
	}
	return cbor.Unmarshal(b, (*plain)(m)) // it says what is wrong
}

// candidate is a bellwether.Candidate.
type candidate struct {
	_          struct{} `cbor:",toarray"`
	Action     string
	Score      float64
	Propensity float64
}

// candidates are those of a decision, hundreds at times.
type candidates []candidate

// UnmarshalCBOR implements cbor.Unmarshaler: what candidate's fields would do, in a third of the time.
func (c *candidates) UnmarshalCBOR(b []byte) error {
	if c.read(b) {
		return nil
	}
	return cbor.Unmarshal(b, (*[]candidate)(c)) // it says what is wrong
}

func (c *candidates) read(b []byte) bool {
	kind, n, b, ok := cutHead(b)
	if !ok || kind != cborList || n > uint64(len(b)) {
		return false
	}
	list := make([]candidate, n)
	for i := range list {
		if len(b) == 0 || b[0] != cborList|3 {
			return false
		}
		text, rest, ok := cutText(b[1:])
		score, rest, ok2 := cutFloat(rest)
		propensity, rest, ok3 := cutFloat(rest)
		if !ok || !ok2 || !ok3 {
			return false
		}
		list[i] = candidate{Action: string(text), Score: score, Propensity: propensity}
		b = rest
	}
	*c = list
	return len(b) == 0
}

func cutInteger(b []byte) (n int64, rest []byte, ok bool) {
	kind, u, rest, ok := cutHead(b)
	if !ok || u > math.MaxInt64 {
		return 0, nil, false
	}
	switch kind {
	case cborPositive:
		return int64(u), rest, true
	case cborNegative:
		return ^int64(u), rest, true
	}
	return 0, nil, false
}

func cutText(b []byte) (text, rest []byte, ok bool) {
	kind, n, rest, ok := cutHead(b)
	if !ok || kind != cborText || n > uint64(len(rest)) {
		return nil, nil, false
	}
	return rest[:n], rest[n:], true
}

func cutFloat(b []byte) (v float64, rest []byte, ok bool) {
	switch {
	case len(b) >= 3 && b[0] == cborFloat16:
		return float16(binary.BigEndian.Uint16(b[1:])), b[3:], true
	case len(b) >= 5 && b[0] == cborFloat32:
		return float64(math.Float32frombits(binary.BigEndian.Uint32(b[1:]))), b[5:], true
	case len(b) >= 9 && b[0] == cborFloat64:
		return math.Float64frombits(binary.BigEndian.Uint64(b[1:])), b[9:], true
	}
	return 0, nil, false
}

// float16 returns the number of an IEEE 754 half (RFC 8949, appendix D).
func float16(half uint16) float64 {
	exponent, fraction := int(half>>10&31), float64(half&1023)
	var v float64
	switch {
	case exponent == 0:
		v = math.Ldexp(fraction, -24)
	case exponent < 31:
		v = math.Ldexp(fraction+1024, exponent-25)
	case fraction == 0:
		v = math.Inf(1)
	default:
		v = math.NaN()
	}
	if half>>15 == 1 {
		return -v
	}
	return v
}
