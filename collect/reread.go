package collect

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"bellwether"
)

// reread reads a dead letter's raw form again, as it was read at first.
func (c *Collector) reread(r *Rejected) (message, error) {
	m := message{raw: r.Raw, source: r.Source, line: r.Line, format: r.Format, mapping: r.Mapping, skew: r.Skew}
	kind, isSegment := strings.CutPrefix(r.Format, "segment")
	switch {
	case isSegment:
		s := segmentReader{currency: c.o.Currency, kind: strings.TrimPrefix(kind, "/"), skew: r.Skew}
		if r.Line == 0 {
			s.received = r.Time
		}
		j := jsonReader{b: r.Raw}
		raw, err := j.value()
		if err == nil {
			err = j.end()
		}
		if err != nil {
			m.reject = fmt.Sprintf("is not JSON: %v", err)
			return m, nil
		}
		return keepPlace(s.message(raw), r), nil
	case r.Format == "item":
		return keepPlace(itemMessage(r.Raw, r.Source), r), nil
	case r.Format == "event":
		m.events = make([]bellwether.Event, 1)
		if err := json.Unmarshal(r.Raw, &m.events[0]); err != nil {
			m.reject = fmt.Sprintf("is no event: %v", err)
		}
		return m, nil
	case r.Format == "row":
		return c.rereadRow(r)
	}
	m.reject = "cannot be read again on its own: repair the file and import it anew"
	return m, nil
}

func keepPlace(m message, r *Rejected) message {
	m.source, m.line, m.format, m.mapping = r.Source, r.Line, r.Format, r.Mapping
	return m
}

func (c *Collector) rereadRow(r *Rejected) (message, error) {
	text, err := c.view.Get(prefixed(mappingPrefix, []byte(r.Mapping)))
	if err != nil {
		return message{}, fmt.Errorf("collect: read the mapping of dead letter %s: %w", r.ID, err)
	}
	mapping, err := ParseMapping(text)
	if err != nil {
		return message{}, fmt.Errorf("collect: the mapping of dead letter %s: %w", r.ID, err)
	}
	reader, err := mapping.bind(mapping.Columns, c.o.Currency, r.Time.UTC().Truncate(time.Nanosecond))
	if err != nil {
		return message{}, fmt.Errorf("collect: the mapping of dead letter %s: %w", r.ID, err)
	}
	delimiter, err := mapping.delimiter()
	if err != nil {
		return message{}, err
	}
	w := row{line: r.Line, raw: r.Raw}
	if w.values, err = splitRow(string(r.Raw), delimiter); err != nil {
		w.bad = fmt.Sprintf("is no row of a table: %v", err)
	}
	return keepPlace(reader.message(w), r), nil
}
