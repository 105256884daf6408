package bellwether

import (
	"encoding/binary"
	"fmt"
)

// CodecVersion is the version of the binary form that this program writes, the first byte of
// every record. docs/formats/records.md describes it.
const CodecVersion = 1

// FormatError says where bytes stopped being a record.
type FormatError struct {
	Record string // such as "event"
	Offset int    // byte
	Reason string
}

func (e *FormatError) Error() string {
	return fmt.Sprintf("%s record, byte %d: %s", e.Record, e.Offset, e.Reason)
}

// record is a type with numbered fields. field codes field n (from 1) by the one description that
// serves both directions, and returns false when there is no such field.
type record interface {
	field(c *coder, n int) bool
}

// coder writes a record to buf, or reads it from there: the direction is reading.
type coder struct {
	buf     []byte
	at      int // reading: the next byte
	reading bool
	absent  bool   // writing: the field had its zero value and is left out
	reason  string // the first failure
}

// appendRecord appends the version, then number and value of each field that is not zero, in order.
func appendRecord(b []byte, name string, r record) ([]byte, error) {
	c := &coder{buf: append(b, CodecVersion)}
	for n := 1; ; n++ {
		mark := len(c.buf)
		c.buf = append(c.buf, byte(n))
		more := r.field(c, n)
		if c.absent || !more {
			c.buf, c.absent = c.buf[:mark], false
		}
		if c.reason != "" {
			return b, &FormatError{Record: name, Offset: mark, Reason: c.reason}
		}
		if !more {
			return c.buf, nil
		}
	}
}

// readRecord fills r, which must be zero, from all of b.
func readRecord(b []byte, name string, r record) error {
	c := &coder{buf: b, reading: true}
	c.readFields(r)
	if c.reason != "" {
		return &FormatError{Record: name, Offset: c.at, Reason: c.reason}
	}
	return nil
}

func (c *coder) readFields(r record) {
	if len(c.buf) == 0 {
		c.fail("is empty")
		return
	}
	c.at = 1
	if v := c.buf[0]; v != CodecVersion {
		c.fail("has format version %d; this program reads version %d: use a newer program", v, CodecVersion)
		return
	}
	for last := 0; c.at < len(c.buf) && c.reason == ""; {
		n := int(c.buf[c.at])
		c.at++
		if n <= last {
			c.fail("field %d after field %d", n, last)
			return
		}
		if !r.field(c, n) {
			c.fail("has field %d, which this program does not know", n)
		}
		last = n
	}
}

func (c *coder) fail(format string, args ...any) {
	if c.reason == "" {
		c.reason = fmt.Sprintf(format, args...)
	}
}

// take returns the next n bytes to read, nil after a failure.
func (c *coder) take(n int) []byte {
	if c.reason != "" {
		return nil
	}
	if n < 0 || n > len(c.buf)-c.at {
		c.fail("needs %d bytes, %d are left", n, len(c.buf)-c.at)
		return nil
	}
	c.at += n
	return c.buf[c.at-n : c.at]
}

// uvarint reads one.
func (c *coder) uvarint() uint64 {
	if c.reason != "" {
		return 0
	}
	v, n := binary.Uvarint(c.buf[c.at:])
	if n <= 0 {
		c.fail("has a broken number")
		return 0
	}
	c.at += n
	return v
}

// count codes the length n of a list whose elements take at least least bytes each, so that
// hostile bytes cannot ask for more memory than they paid for.
func (c *coder) count(n, least int) int {
	if !c.reading {
		c.buf = binary.AppendUvarint(c.buf, uint64(n))
		return n
	}
	v := c.uvarint()
	if v > uint64((len(c.buf)-c.at)/least) {
		c.fail("has a list of %d elements in %d bytes", v, len(c.buf)-c.at)
		return 0
	}
	return int(v)
}
