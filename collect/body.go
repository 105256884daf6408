package collect

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"bellwether"

	"github.com/klauspost/compress/gzip"
)

// bodies holds buffers that requests were read into. What is written to the log is a copy.
var bodies = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// readBody returns the body, unpacked if it begins as gzip does (whatever the header says), and
// a function that gives its memory back.
func readBody(r *http.Request) (body []byte, release func(), err error) {
	if r.ContentLength > MaxBody {
		return nil, nil, errTooLarge
	}
	buf := newBody()
	if _, err := buf.ReadFrom(io.LimitReader(r.Body, MaxBody+1)); err != nil {
		bodies.Put(buf)
		return nil, nil, &syntaxError{Offset: buf.Len(), Reason: "the body ended early"}
	}
	if buf.Len() > MaxBody {
		bodies.Put(buf)
		return nil, nil, errTooLarge
	}
	if b := buf.Bytes(); len(b) > 1 && b[0] == 0x1f && b[1] == 0x8b {
		packed := buf
		buf = newBody()
		err := unpack(buf, b)
		bodies.Put(packed)
		if err != nil {
			bodies.Put(buf)
			return nil, nil, err
		}
	}
	return buf.Bytes(), func() { bodies.Put(buf) }, nil
}

func newBody() *bytes.Buffer {
	buf := bodies.Get().(*bytes.Buffer)
	buf.Reset()
	return buf
}

// unpackers holds gzip readers, whose tables are costly to make.
var unpackers sync.Pool

func unpack(to *bytes.Buffer, packed []byte) error {
	z, _ := unpackers.Get().(*gzip.Reader)
	if z == nil {
		z = new(gzip.Reader)
	}
	defer unpackers.Put(z)
	err := z.Reset(bytes.NewReader(packed))
	if err == nil {
		_, err = to.ReadFrom(io.LimitReader(z, MaxBody+1))
	}
	switch {
	case err != nil:
		return &syntaxError{Offset: to.Len(), Reason: "the gzip stream is broken: " + err.Error()}
	case to.Len() > MaxBody:
		return errTooLarge
	}
	return nil
}

// bodyKey is the write key that a browser puts into its body, "" if there is none or the body
// cannot be read.
func bodyKey(body []byte) string {
	var key string
	r := jsonReader{b: body}
	_ = r.object(func(name []byte) error {
		value, err := r.value()
		if err == nil && string(name) == "writeKey" {
			key, _ = scalarText(value)
		}
		return err
	})
	return key
}

// single reads a body that is one message of a kind.
func single(kind string) reader {
	return func(c *Collector, body []byte) ([]message, error) {
		r := jsonReader{b: body}
		raw, err := r.value()
		if err == nil {
			err = r.end()
		}
		if err != nil {
			return nil, err
		}
		s := c.newSegmentReader(kind, c.o.Clock(), time.Time{})
		m := s.message(raw)
		m.source, m.format = "http/"+kind, "segment/"+kind
		return []message{m}, nil
	}
}

// message reads one message; one that is refused says why.
func (s *segmentReader) message(raw []byte) message {
	m := message{raw: raw, format: "segment", skew: s.skew}
	var err error
	if m.events, err = s.read(raw); err != nil {
		m.reject = err.Error()
	}
	return m
}

// batch reads a body with many messages. One without a list of them is a single bad message.
func batch(c *Collector, body []byte) ([]message, error) {
	b, err := parseBatch(body)
	if err != nil {
		return nil, err
	}
	if len(b.raws) > MaxBatch {
		return nil, errTooMany
	}
	if !b.list {
		return []message{{raw: body, source: "http/batch", reject: `body has no "batch" list of messages`}}, nil
	}
	s := c.newSegmentReader("", c.o.Clock(), b.sent)
	messages := make([]message, len(b.raws))
	for i, raw := range b.raws {
		messages[i] = s.message(raw)
		messages[i].source = "http/batch"
	}
	return messages, nil
}

// batchBody is the body of a batch: the texts of its messages, which share its memory.
type batchBody struct {
	raws [][]byte
	list bool // there is a list of messages
	sent time.Time
}

func parseBatch(body []byte) (b batchBody, err error) {
	r := jsonReader{b: body}
	if r.peek() != '{' {
		if _, err := r.value(); err != nil {
			return b, err
		}
		return b, r.end()
	}
	err = r.object(func(key []byte) error {
		c := r.peek()
		switch {
		case string(key) == "batch" && c == '[':
			b.list = true
			return r.array(func() error {
				raw, err := r.value()
				b.raws = append(b.raws, raw)
				return err
			})
		case string(key) == "sentAt":
			value, err := r.value()
			if err == nil {
				_ = setTime(&b.sent, "sentAt", value) // an unreadable one corrects nothing
			}
			return err
		}
		_, err := r.value()
		return err
	})
	if err != nil {
		return b, err
	}
	return b, r.end()
}

// items reads a body with items of the catalogue.
func items(_ *Collector, body []byte) ([]message, error) {
	r := jsonReader{b: body}
	var messages []message
	err := r.object(func(key []byte) error {
		if string(key) != "items" {
			_, err := r.value()
			return err
		}
		return r.array(func() error {
			raw, err := r.value()
			if err != nil {
				return err
			}
			if len(messages) == MaxBatch {
				return errTooMany
			}
			messages = append(messages, itemMessage(raw, "http/items"))
			return nil
		})
	})
	if err == nil {
		err = r.end()
	}
	return messages, err
}

// itemMessage reads one item in this program's own JSON form.
func itemMessage(raw []byte, source string) message {
	m := message{raw: raw, source: source, format: "item", item: new(bellwether.Item)}
	if err := json.Unmarshal(raw, m.item); err != nil {
		m.reject = fmt.Sprintf("is no item: %v", err)
	}
	return m
}
