// Package v1 reads the records of format 1, for the migration to the format of today. Nothing
// writes them any more.
//
//	record = 0x01 field*
//	field  = number value    numbers are one byte and ascend; a zero value is left out
//
// Numbers are varints (signed ones zigzag), floats 8 bytes little-endian, text a length and bytes,
// a flag nothing at all, a time seconds and nanoseconds, money an amount and a text, lists and
// maps a count and their elements, a trait a tag byte and its value.
package v1

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"time"

	"bellwether"
)

// reader reads values off b until the first failure.
type reader struct {
	b   []byte
	err error
}

// record calls field with the number of each field of b.
func record(b []byte, field func(r *reader, n byte) bool) error {
	if len(b) == 0 || b[0] != 1 {
		return fmt.Errorf("no record of format 1")
	}
	r := &reader{b: b[1:]}
	for last := byte(0); len(r.b) > 0 && r.err == nil; {
		n := r.b[0]
		r.b = r.b[1:]
		if n <= last || !field(r, n) {
			r.fail("field %d after field %d", n, last)
		}
		last = n
	}
	return r.err
}

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf(format, args...)
	}
	r.b = nil
}

func (r *reader) take(n uint64) []byte {
	if n > uint64(len(r.b)) {
		r.fail("it needs %d bytes, %d are left", n, len(r.b))
		return nil
	}
	taken := r.b[:n]
	r.b = r.b[n:]
	return taken
}

func (r *reader) unsigned() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.fail("a broken number")
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) integer() int64 {
	u := r.unsigned()
	return int64(u>>1) ^ -int64(u&1)
}

func (r *reader) float() float64 {
	if b := r.take(8); b != nil {
		return math.Float64frombits(binary.LittleEndian.Uint64(b))
	}
	return 0
}

func (r *reader) bytes() []byte { return r.take(r.unsigned()) }

func text[T ~string](r *reader) T { return T(r.bytes()) }

// list reads elements that take at least least bytes each.
func list[T any](r *reader, least int, element func(*reader) T) []T {
	n := r.unsigned()
	if n > uint64(len(r.b)/least) {
		r.fail("a list of %d elements in %d bytes", n, len(r.b))
		return nil
	}
	out := make([]T, 0, n)
	for ; n > 0 && r.err == nil; n-- {
		out = append(out, element(r))
	}
	return out
}

func mapping[V any](r *reader, value func(*reader) V) map[string]V {
	n := r.unsigned()
	out := make(map[string]V)
	for ; n > 0 && r.err == nil; n-- {
		key := text[string](r)
		out[key] = value(r)
	}
	return out
}

func (r *reader) time() time.Time {
	seconds, nanos := r.integer(), r.unsigned()
	if nanos > 999_999_999 {
		r.fail("%d nanoseconds", nanos)
		return time.Time{}
	}
	return time.Unix(seconds, int64(nanos)).UTC()
}

func (r *reader) money() bellwether.Money {
	amount := r.integer()
	return bellwether.Money{Amount: amount, Currency: text[bellwether.Currency](r)}
}

func (r *reader) trait() any {
	tag := r.take(1)
	if tag == nil {
		return nil
	}
	switch tag[0] {
	case 0:
		return nil
	case 1, 2:
		return tag[0] == 2
	case 3:
		return text[string](r)
	case 4:
		return r.float()
	case 5:
		return r.integer()
	}
	r.fail("a trait with the tag %d", tag[0])
	return nil
}

func (r *reader) raw() []byte { return slices.Clone(r.bytes()) }
