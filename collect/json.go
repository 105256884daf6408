package collect

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"
)

// maxDepth is how deep JSON may nest, as in encoding/json.
const maxDepth = 10_000

// syntaxError says at which byte JSON breaks.
type syntaxError struct {
	Offset int
	Reason string
}

func (e *syntaxError) Error() string {
	return fmt.Sprintf("unreadable JSON at byte %d: %s", e.Offset, e.Reason)
}

// jsonReader walks over JSON text without building it: a value is a part of the text, checked
// and not copied. It accepts exactly what encoding/json accepts.
type jsonReader struct {
	b     []byte
	i     int
	depth int
}

func (r *jsonReader) fail(reason string) error { return &syntaxError{Offset: r.i, Reason: reason} }

// peek skips space and returns the next byte, 0 at the end.
func (r *jsonReader) peek() byte {
	for r.i < len(r.b) {
		switch c := r.b[r.i]; c {
		case ' ', '\t', '\n', '\r':
			r.i++
		default:
			return c
		}
	}
	return 0
}

// end reports text after the value.
func (r *jsonReader) end() error {
	if r.peek(); r.i < len(r.b) {
		return r.fail("more text after the value")
	}
	return nil
}

// value skips one value of any kind and returns its text.
func (r *jsonReader) value() ([]byte, error) {
	c := r.peek()
	start := r.i
	var err error
	switch c {
	case '{':
		err = r.object(func([]byte) error { _, err := r.value(); return err })
	case '[':
		err = r.array(func() error { _, err := r.value(); return err })
	case '"':
		err = r.skipString()
	case 't':
		err = r.word("true")
	case 'f':
		err = r.word("false")
	case 'n':
		err = r.word("null")
	default:
		err = r.number()
	}
	return r.b[start:r.i], err
}

// object calls fn at each value of an object, with its key as decoded text. fn must consume the value.
func (r *jsonReader) object(fn func(key []byte) error) error {
	return r.items('{', '}', func() error {
		if r.peek() != '"' {
			return r.fail("expected a key in quotes")
		}
		start := r.i
		if err := r.skipString(); err != nil {
			return err
		}
		key := textBytes(r.b[start:r.i])
		if r.peek() != ':' {
			return r.fail("expected ':' after a key")
		}
		r.i++
		return fn(key)
	})
}

// array calls fn at each element. fn must consume it.
func (r *jsonReader) array(fn func() error) error { return r.items('[', ']', fn) }

func (r *jsonReader) items(open, closing byte, fn func() error) error {
	if r.peek() != open {
		return r.fail(fmt.Sprintf("expected %q", open))
	}
	if r.depth++; r.depth > maxDepth {
		return r.fail("nested too deep")
	}
	r.i++
	if r.peek() == closing {
		r.i++
		r.depth--
		return nil
	}
	for {
		if err := fn(); err != nil {
			return err
		}
		switch r.peek() {
		case ',':
			r.i++
		case closing:
			r.i++
			r.depth--
			return nil
		default:
			return r.fail(fmt.Sprintf("expected ',' or %q", closing))
		}
	}
}

func (r *jsonReader) skipString() error {
	for i := r.i + 1; i < len(r.b); i++ {
		switch c := r.b[i]; {
		case c == '"':
			r.i = i + 1
			return nil
		case c == '\\':
			n := escapeLength(r.b[i:])
			if n == 0 {
				r.i = i
				return r.fail("bad escape in a string")
			}
			i += n - 1
		case c < 0x20:
			r.i = i
			return r.fail("control character in a string")
		}
	}
	r.i = len(r.b)
	return r.fail("the text ends inside a string")
}

// escapeLength returns the bytes of the escape that b begins with, 0 if it is none.
func escapeLength(b []byte) int {
	if len(b) < 2 {
		return 0
	}
	if b[1] != 'u' {
		if strings.IndexByte(`"\/bfnrt`, b[1]) < 0 {
			return 0
		}
		return 2
	}
	if len(b) < 6 {
		return 0
	}
	for _, c := range b[2:6] {
		if !('0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f') {
			return 0
		}
	}
	return 6
}

func (r *jsonReader) word(w string) error {
	for k := range len(w) {
		if r.i >= len(r.b) || r.b[r.i] != w[k] {
			return r.fail("expected " + w)
		}
		r.i++
	}
	return nil
}

func (r *jsonReader) number() error {
	if r.i < len(r.b) && r.b[r.i] == '-' {
		r.i++
	}
	if r.i < len(r.b) && r.b[r.i] == '0' {
		r.i++
	} else if r.digits() == 0 {
		return r.fail("expected a value")
	}
	if r.i < len(r.b) && r.b[r.i] == '.' {
		r.i++
		if r.digits() == 0 {
			return r.fail("expected a digit after '.'")
		}
	}
	if r.i < len(r.b) && r.b[r.i]|0x20 == 'e' {
		r.i++
		if r.i < len(r.b) && (r.b[r.i] == '+' || r.b[r.i] == '-') {
			r.i++
		}
		if r.digits() == 0 {
			return r.fail("expected a digit of an exponent")
		}
	}
	return nil
}

func (r *jsonReader) digits() int {
	start := r.i
	for r.i < len(r.b) && '0' <= r.b[r.i] && r.b[r.i] <= '9' {
		r.i++
	}
	return r.i - start
}

// textBytes decodes a string in quotes; without escapes it is a part of quoted.
func textBytes(quoted []byte) []byte {
	body := quoted[1 : len(quoted)-1]
	if bytes.IndexByte(body, '\\') < 0 && utf8.Valid(body) {
		return body
	}
	var s string
	if json.Unmarshal(quoted, &s) != nil {
		return body // not reached: the reader checked it
	}
	return []byte(s)
}

// scalarText is the text of a value: of a string what is in it, of null nothing.
// ok is false for an object or array.
func scalarText(value []byte) (text string, ok bool) {
	switch value[0] {
	case '"':
		return string(textBytes(value)), true
	case '{', '[':
		return "", false
	case 'n':
		return "", true
	}
	return string(value), true
}
