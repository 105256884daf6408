package bellwether

import (
	"encoding/binary"
	"maps"
	"math"
	"slices"
	"time"
)

// Each function below codes one value in the coder's direction; those named field… leave a zero
// value out of a record.

// field codes a comparable value that is left out when zero.
func field[T comparable](c *coder, p *T, code func(*coder, *T)) {
	var zero T
	if !c.reading && *p == zero {
		c.absent = true
		return
	}
	code(c, p)
}

// fieldPointer codes an optional value.
func fieldPointer[T any](c *coder, p **T, code func(*coder, *T)) {
	if c.reading {
		*p = new(T)
	} else if *p == nil {
		c.absent = true
		return
	}
	code(c, *p)
}

// fieldFloat codes a number, keeping −0 and NaN as they are.
func fieldFloat(c *coder, p *float64) {
	if !c.reading && math.Float64bits(*p) == 0 {
		c.absent = true
		return
	}
	float(c, p)
}

// fieldBool codes a flag: the field's presence is its value.
func fieldBool(c *coder, p *bool) {
	c.absent = !c.reading && !*p
	*p = *p || c.reading
}

// fieldList codes a list that is left out when empty.
func fieldList[T any](c *coder, p *[]T, least int, code func(*coder, *T)) {
	if !c.reading && len(*p) == 0 {
		c.absent = true
		return
	}
	list(c, p, least, code)
}

// list codes a list whose elements take at least least bytes; an empty one reads as nil.
func list[T any](c *coder, p *[]T, least int, code func(*coder, *T)) {
	n := c.count(len(*p), least)
	if c.reading && n > 0 {
		*p = make([]T, n)
	}
	for i := 0; i < n && c.reason == ""; i++ {
		code(c, &(*p)[i])
	}
}

// fieldMap codes a map in the order of its keys, left out when empty.
func fieldMap[V any](c *coder, p *map[string]V, code func(*coder, *V)) {
	if c.reading {
		*p = readMap(c, code)
		return
	}
	if len(*p) == 0 {
		c.absent = true
		return
	}
	c.count(len(*p), 1)
	for _, k := range slices.Sorted(maps.Keys(*p)) {
		v := (*p)[k]
		text(c, &k)
		code(c, &v)
	}
}

func readMap[V any](c *coder, code func(*coder, *V)) map[string]V {
	n := c.count(0, 2)
	m := make(map[string]V)
	for last := ""; n > 0 && c.reason == ""; n-- {
		var k string
		var v V
		text(c, &k)
		if len(m) > 0 && k <= last {
			c.fail("has the key %q after %q", k, last)
		}
		code(c, &v)
		m[k], last = v, k
	}
	return m
}

// text codes a string: its length and its bytes.
func text[T ~string](c *coder, p *T) {
	if n := c.count(len(*p), 1); c.reading {
		*p = T(c.take(n))
	} else {
		c.buf = append(c.buf, *p...)
	}
}

// integer codes a signed number, zigzag.
func integer[T ~int | ~uint16 | ~int32 | ~int64](c *coder, p *T) {
	if !c.reading {
		c.buf = binary.AppendVarint(c.buf, int64(*p))
		return
	}
	u := c.uvarint()
	v := int64(u>>1) ^ -int64(u&1)
	if *p = T(v); int64(*p) != v {
		c.fail("has the number %d, too large for its field", v)
	}
}

func unsigned(c *coder, p *uint64) {
	if c.reading {
		*p = c.uvarint()
	} else {
		c.buf = binary.AppendUvarint(c.buf, *p)
	}
}

func octet[T ~uint8](c *coder, p *T) {
	if !c.reading {
		c.buf = append(c.buf, byte(*p))
	} else if b := c.take(1); b != nil {
		*p = T(b[0])
	}
}

// float codes 8 bytes, little-endian.
func float(c *coder, p *float64) {
	if !c.reading {
		c.buf = binary.LittleEndian.AppendUint64(c.buf, math.Float64bits(*p))
	} else if b := c.take(8); b != nil {
		*p = math.Float64frombits(binary.LittleEndian.Uint64(b))
	}
}

// float32Bits codes 4 bytes, little-endian.
func float32Bits(c *coder, p *float32) {
	if !c.reading {
		c.buf = binary.LittleEndian.AppendUint32(c.buf, math.Float32bits(*p))
	} else if b := c.take(4); b != nil {
		*p = math.Float32frombits(binary.LittleEndian.Uint32(b))
	}
}

// moment codes seconds since 1970 and nanoseconds; it reads as UTC.
func moment(c *coder, p *time.Time) {
	seconds, nanos := p.Unix(), uint64(p.Nanosecond())
	integer(c, &seconds)
	unsigned(c, &nanos)
	if !c.reading {
		return
	}
	if nanos > 999_999_999 {
		c.fail("has %d nanoseconds", nanos)
		return
	}
	*p = time.Unix(seconds, int64(nanos)).UTC()
}

func fieldTime(c *coder, p *time.Time) {
	if !c.reading && p.IsZero() {
		c.absent = true
		return
	}
	moment(c, p)
}

func money(c *coder, p *Money) {
	integer(c, &p.Amount)
	text(c, &p.Currency)
}

// Tags of a trait's value.
const (
	traitNil = iota
	traitFalse
	traitTrue
	traitString
	traitFloat
	traitInteger
)

// trait codes a string, number, boolean or nil; an int reads as int64.
func trait(c *coder, p *any) {
	if c.reading {
		readTrait(c, p)
		return
	}
	switch v := (*p).(type) {
	case nil:
		c.buf = append(c.buf, traitNil)
	case bool:
		tag := byte(traitFalse)
		if v {
			tag = traitTrue
		}
		c.buf = append(c.buf, tag)
	case string:
		c.buf = append(c.buf, traitString)
		text(c, &v)
	case float64:
		c.buf = append(c.buf, traitFloat)
		float(c, &v)
	case int64:
		c.buf = append(c.buf, traitInteger)
		integer(c, &v)
	case int:
		c.buf = append(c.buf, traitInteger)
		integer(c, &v)
	default:
		c.fail("has a trait of type %T; strings, numbers and booleans are kept", v)
	}
}

func readTrait(c *coder, p *any) {
	var tag uint8
	octet(c, &tag)
	switch tag {
	case traitNil:
		*p = nil
	case traitFalse, traitTrue:
		*p = tag == traitTrue
	case traitString:
		var v string
		text(c, &v)
		*p = v
	case traitFloat:
		var v float64
		float(c, &v)
		*p = v
	case traitInteger:
		var v int64
		integer(c, &v)
		*p = v
	default:
		c.fail("has a trait with the tag %d", tag)
	}
}
