package store

import (
	"encoding/binary"
	"errors"
	"math"

	"github.com/fxamacker/cbor/v2"
)

// The first three bits of a CBOR item (RFC 8949, section 3) say what it is, the others its number or length.
const (
	cborPositive = 0 << 5
	cborNegative = 1 << 5
	cborText     = 3 << 5
	cborList     = 4 << 5
	cborMap      = 5 << 5

	cborFloat16 = 7<<5 | 25
	cborFloat32 = 7<<5 | 26
	cborFloat64 = 7<<5 | 27
)

// appendHead appends the beginning of an item.
func appendHead(b []byte, kind byte, n uint64) []byte {
	switch {
	case n < 24:
		return append(b, kind|byte(n))
	case n <= math.MaxUint8:
		return append(b, kind|24, byte(n))
	case n <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(b, kind|25), uint16(n))
	case n <= math.MaxUint32:
		return binary.BigEndian.AppendUint32(append(b, kind|26), uint32(n))
	}
	return binary.BigEndian.AppendUint64(append(b, kind|27), n)
}

// cutHead takes the beginning of an item off b.
func cutHead(b []byte) (kind byte, n uint64, rest []byte, ok bool) {
	if len(b) == 0 {
		return 0, 0, nil, false
	}
	kind, short, rest := b[0]&^31, b[0]&31, b[1:]
	if short < 24 {
		return kind, uint64(short), rest, true
	}
	size := 1 << (short - 24)
	if short > 27 || len(rest) < size {
		return 0, 0, nil, false
	}
	for _, c := range rest[:size] {
		n = n<<8 | uint64(c)
	}
	return kind, n, rest[size:], true
}

func appendInteger(b []byte, n int64) []byte {
	if n < 0 {
		return appendHead(b, cborNegative, uint64(^n))
	}
	return appendHead(b, cborPositive, uint64(n))
}

// integer returns the number that is all of b.
func integer(b []byte) (int64, bool) {
	n, rest, ok := cutInteger(b)
	return n, ok && len(rest) == 0
}

var errUnknown = errors.New("its unknown fields are no map")

// unknownFields returns a map of the fields of the map b, which is well formed, that have none of the shape's keys.
func (s *shape) unknownFields(b []byte) ([]byte, error) {
	_, pairs, rest, _ := cutHead(b)
	var fields []byte
	count := uint64(0)
	for range pairs {
		var key, value cbor.RawMessage
		after, err := s.lenient.UnmarshalFirst(rest, &key)
		if err == nil {
			after, err = s.lenient.UnmarshalFirst(after, &value)
		}
		if err != nil {
			return nil, err
		}
		if n, ok := integer(key); !ok || !s.keys[n] {
			fields, count = append(fields, rest[:len(rest)-len(after)]...), count+1
		}
		rest = after
	}
	return append(appendHead(nil, cborMap, count), fields...), nil
}

// joinMaps returns one map of the pairs of two.
func joinMaps(a, b []byte) ([]byte, error) {
	_, n, pairs, ok := cutHead(a)
	kind, m, more, valid := cutHead(b)
	if !ok || !valid || kind != cborMap || cbor.Wellformed(b) != nil {
		return nil, errUnknown
	}
	joined := appendHead(make([]byte, 0, len(a)+len(b)), cborMap, n+m)
	return append(append(joined, pairs...), more...), nil
}
