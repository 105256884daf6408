package collect

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// maxEnvelope is how large an object may be whose list is meant, such as {"batch": […]}, in bytes.
const maxEnvelope = 64 << 20

// documents reads JSON that is not a value a line: an array of objects, objects over several lines, or one after the other. Each
// object becomes a line of its own, without line ends, so that whatever reads JSON lines reads them.
type documents struct {
	r    *bufio.Reader
	list bool // in the elements of an array
	done bool
	left bytes.Buffer
}

// asLines rewrites s as JSON lines where its beginning is JSON that is not a value a line.
func (s *source) asLines(sample []byte) {
	text := bytes.TrimLeft(sample, " \t\r\n")
	if len(text) == 0 || text[0] != '[' && text[0] != '{' {
		return
	}
	first := text
	if end := bytes.IndexByte(text, '\n'); end >= 0 {
		first = trimEnd(text[:end])
	}
	r := jsonReader{b: first}
	_, err := r.value()
	var broken *syntaxError
	switch {
	case text[0] == '[':
		if !startsObject(text[1:]) {
			return
		}
	case err == nil && r.end() == nil && !envelope(first):
		return // an object a line
	case err == nil && r.peek() == '{': // {…}{…}
	case err == nil && !envelope(first):
		return
	case errors.As(err, &broken) && broken.Offset < len(first):
		return // a broken line: it is refused alone
	}
	s.Reader, s.plain = bufio.NewReaderSize(&documents{r: s.Reader}, sampleSize), nil
}

// startsObject reports an array of objects, or an empty one.
func startsObject(rest []byte) bool {
	rest = bytes.TrimLeft(rest, " \t\r\n")
	return len(rest) > 0 && (rest[0] == '{' || rest[0] == ']')
}

// envelopeKeys name the list that is meant in an object around it.
var envelopeKeys = []string{"batch", "events", "data", "items", "results", "rows", "records"}

// envelope reports an object that is nothing but what is around a list of objects.
func envelope(raw []byte) bool {
	_, ok := opened(raw)
	return ok
}

// opened are the objects of the list that an object is around.
func opened(raw []byte) (inner [][]byte, ok bool) {
	scalars := true
	r := jsonReader{b: raw}
	err := r.object(func(key []byte) error {
		for _, name := range envelopeKeys {
			if string(key) == name && r.peek() == '[' && inner == nil {
				return r.array(func() error {
					v, err := r.value()
					inner = append(inner, v)
					return err
				})
			}
		}
		v, err := r.value()
		if err == nil && string(key) != "context" && string(key) != "metadata" && string(key) != "integrations" && (v[0] == '{' || v[0] == '[') {
			scalars = false
		}
		switch string(key) { // of a message or an event, which has a list of items too
		case "type", "event", "event_name", "userId", "user_id", "messageId", "anonymousId", "order_id", "timestamp", "event_timestamp", "user_pseudo_id":
			scalars = false
		}
		return err
	})
	if err != nil || r.end() != nil || !scalars {
		return nil, false
	}
	for _, v := range inner {
		if v[0] != '{' {
			return nil, false
		}
	}
	return inner, len(inner) > 0
}

// next is the text of the next object; io.EOF after the last.
func (d *documents) next() ([]byte, error) {
	for {
		c, err := d.skipSpace()
		switch {
		case err != nil:
			return nil, err
		case c == '[' && !d.list:
			d.list = true
		case c == ']' && d.list:
			d.list = false
		case c == ',':
		default:
			return d.value(c)
		}
	}
}

func (d *documents) skipSpace() (byte, error) {
	for {
		c, err := d.r.ReadByte()
		switch {
		case err != nil:
			return 0, err
		case c != ' ' && c != '\t' && c != '\r' && c != '\n':
			return c, nil
		}
	}
}

// value reads on from the first byte of a value to its end: the bracket that closes it, or for what is no object the end of the line.
func (d *documents) value(first byte) ([]byte, error) {
	b := []byte{first}
	depth, quoted, escaped := 0, first == '"', false
	if first == '{' || first == '[' {
		depth = 1
	}
	for depth > 0 || first != '{' && first != '[' {
		c, err := d.r.ReadByte()
		if err == io.EOF {
			return b, nil // what is not whole is refused by who reads it
		}
		if err != nil {
			return nil, broken(err)
		}
		if c == '\n' || c == '\r' {
			if depth == 0 {
				return b, nil
			}
			c = ' '
		}
		if len(b) < maxEnvelope {
			b = append(b, c)
		}
		switch {
		case escaped:
			escaped = false
		case quoted && c == '\\':
			escaped = true
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			depth--
		}
	}
	return b, nil
}

// Read implements io.Reader: an object a line.
func (d *documents) Read(p []byte) (int, error) {
	for d.left.Len() == 0 {
		if d.done {
			return 0, io.EOF
		}
		raw, err := d.next()
		if err == io.EOF {
			d.done = true
			continue
		}
		if err != nil {
			return 0, err
		}
		if len(raw) >= maxEnvelope {
			return 0, fmt.Errorf("%w: an object of more than %d bytes", ErrFormat, maxEnvelope)
		}
		inner, ok := opened(raw)
		if !ok {
			inner = [][]byte{raw}
		}
		for _, v := range inner {
			d.left.Write(bytes.ReplaceAll(v, []byte("\n"), []byte(" ")))
			d.left.WriteByte('\n')
		}
	}
	return d.left.Read(p)
}
