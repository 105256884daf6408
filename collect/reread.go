package collect

import (
	"fmt"
	"strings"

	"bellwether"
)

// reread reads the raw form of a dead letter again. One that still cannot be read says why in
// its reject; an error is the store's.
func (c *Collector) reread(r *Rejected) (message, error) {
	m, err := c.rereadAs(r)
	if r.Line == 0 { // not history: it becomes known now, and not when it was refused
		for k := range m.events {
			m.events[k].Received = c.o.Clock()
		}
	}
	m.source, m.line, m.raw, m.format, m.mapping, m.skew = r.Source, r.Line, r.Raw, r.Format, r.Mapping, r.Skew
	return m, err
}

func (c *Collector) rereadAs(r *Rejected) (message, error) {
	kind, _ := strings.CutPrefix(r.Format, "segment/")
	switch {
	case strings.HasPrefix(r.Format, formatRow):
		return c.rereadRow(r)
	case r.Format == "segment" || kind != r.Format:
		s := segmentReader{currency: c.o.Currency, nobody: c.o.nobody, skew: r.Skew, kind: strings.TrimPrefix(kind, "segment")}
		if r.Line == 0 { // not from a file: it came in when it was refused
			s.received = r.Time
		}
		return lineMessage(r.Raw, s.message), nil
	case r.Format == FormatGA4:
		return lineMessage(r.Raw, func(raw []byte) message { return ga4Message(raw, &c.o) }), nil
	case r.Format == "event":
		return lineMessage(r.Raw, eventMessage), nil
	case r.Format == "item":
		return lineMessage(r.Raw, func(raw []byte) message { return itemMessage(raw, r.Source) }), nil
	}
	return message{events: make([]bellwether.Event, 1), reject: "its form is not known, so that it cannot be read again; repair it at its source and send it again"}, nil
}

func (c *Collector) rereadRow(r *Rejected) (message, error) {
	m, err := c.mapping(r.Mapping)
	if err != nil {
		return message{}, err
	}
	reader, err := m.bind(m.Columns, &c.o, r.Time)
	if err != nil {
		return message{}, fmt.Errorf("collect: dead letter %s: %w", r.ID, err)
	}
	reader.id, reader.format = r.Mapping, r.Format
	if r.Format == formatJSONRow {
		return reader.message(jsonRow(r.Raw, r.Line, m.Columns)), nil
	}
	delimiter, err := m.delimiter()
	if err != nil {
		return message{}, err
	}
	return reader.message(textRow(r.Raw, r.Line, delimiter, m.Quote)), nil
}
