package collect

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"sync"
	"time"

	"bellwether"

	"github.com/klauspost/compress/gzip"
)

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
		return ErrTooLarge
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

// newSegmentReader reads messages that come in now.
func (c *Collector) newSegmentReader(kind string, now, sent time.Time) segmentReader {
	s := segmentReader{currency: c.o.Currency, nobody: c.o.nobody, received: now, kind: kind}
	if !sent.IsZero() {
		s.skew = now.Sub(sent)
	}
	return s
}

// message reads one message; one that is refused says why.
func (s *segmentReader) message(raw []byte) message {
	m := message{raw: raw, format: "segment", skew: s.skew}
	err := checkText(raw)
	if err == nil {
		m.events, err = s.read(raw)
	}
	if err != nil {
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
		return nil, ErrTooMany
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

// itemMessage reads one item in this program's own JSON form.
func itemMessage(raw []byte, source string) message {
	m := message{raw: raw, source: source, format: "item", item: new(bellwether.Item)}
	if err := json.Unmarshal(raw, m.item); err != nil {
		m.reject = fmt.Sprintf("is no item: %v", err)
	}
	return m
}
