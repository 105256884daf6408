package collect

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"

	"bellwether"
)

// source imports s in the format that was named or that its beginning tells.
func (im *importer) source(ctx context.Context, s *source) error {
	sample, err := im.readable(s)
	if err != nil || len(sample) == 0 {
		return err
	}
	format := im.o.Format
	switch format {
	case "", FormatItems, FormatSpend, FormatPrices:
		format = detect(sample)
		if format == FormatSequence && im.o.Format != "" || im.o.Mapping != nil && format != FormatParquet && sample[0] != '{' {
			format = FormatCSV
		}
		if im.o.Mapping != nil && sample[0] == '{' {
			format = FormatJSON
		}
	}
	if im.out.Format == "" {
		im.out.Format = format
	}
	switch format {
	case FormatSegment:
		r := segmentReader{currency: im.c.o.Currency, nobody: im.c.o.nobody}
		return im.lines(ctx, s, r.message)
	case FormatEvents:
		return im.lines(ctx, s, eventMessage)
	case FormatItems: // this program's own form
		return im.lines(ctx, s, func(raw []byte) message { return itemMessage(raw, "") })
	case FormatGA4:
		return im.lines(ctx, s, func(raw []byte) message { return ga4Message(raw, &im.c.o) })
	case FormatSequence:
		return im.sequences(ctx, s)
	}
	t, err := openTable(s, sample, format, im.o.Mapping)
	if err == io.EOF {
		return nil // no header and so no rows
	}
	if err != nil {
		return err
	}
	return im.table(ctx, t)
}

// readable makes s text in UTF-8 with a value a line, and returns its beginning. What is something else is refused as a whole.
func (im *importer) readable(s *source) ([]byte, error) {
	sample, err := s.sample()
	if err == nil {
		err = recognise(sample)
	}
	if err == nil {
		im.out.Encoding, err = s.decode(im.o.Encoding)
	}
	if err != nil {
		return nil, err
	}
	if im.out.Encoding != "" && im.o.Encoding == "" {
		im.note("the text was read as %s, which is a guess by its bytes: --encoding names another", im.out.Encoding)
	}
	if sample, err = s.sample(); err != nil {
		return nil, err
	}
	if len(bytes.TrimSpace(sample)) == 0 {
		im.note("the file is empty")
	}
	if s.crOnly(sample) {
		im.note("its lines end in CR alone")
	}
	if im.o.Format != FormatSequence && im.o.Format != FormatCSV {
		s.asLines(sample)
	}
	return s.sample()
}

func openTable(s *source, sample []byte, format string, m *Mapping) (table, error) {
	switch format {
	case FormatParquet:
		return newParquetTable(s)
	case FormatJSON:
		return newJSONTable(s, sample)
	}
	if first, _, _ := bytes.Cut(sample, []byte("\n")); bytes.IndexByte(first, 0) >= 0 || bytes.Count(sample, []byte{0}) > len(sample)/16 {
		return nil, fmt.Errorf("%w: it is neither text nor gzip, Zstandard or Parquet", ErrFormat)
	}
	return newTextTable(s, sample, m)
}

// lines imports a message a line.
func (im *importer) lines(ctx context.Context, s *source, read func(raw []byte) message) error {
	l := lines{r: s.Reader, most: maxMessage}
	for {
		raw, err := l.next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if blank(raw) {
			continue
		}
		m := lineMessage(raw, read)
		m.line = l.n
		if err := im.add(ctx, m); err != nil {
			return err
		}
	}
}

// lineMessage reads a line that should be one JSON value.
func lineMessage(raw []byte, read func(raw []byte) message) message {
	raw = bytes.TrimSpace(raw)
	if len(raw) > maxMessage {
		return message{raw: raw[:maxMessage], reject: fmt.Sprintf("line has more than %d bytes", maxMessage)}
	}
	r := jsonReader{b: raw}
	_, err := r.value()
	if err == nil {
		err = r.end()
	}
	if err == nil {
		err = checkText(raw)
	}
	if err != nil {
		return message{raw: raw, format: read([]byte("{}")).format, reject: err.Error()}
	}
	return read(raw)
}

// eventMessage reads one event in this program's own JSON form.
func eventMessage(raw []byte) message {
	m := message{raw: raw, format: "event", events: make([]bellwether.Event, 1)}
	e := &m.events[0]
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber() // whole numbers keep their digits
	err := d.Decode(e)
	for name, v := range e.Traits {
		if n, ok := v.(json.Number); ok && err == nil {
			e.Traits[name], err = numberTrait(n.String())
		}
	}
	if err != nil {
		m.reject = fmt.Sprintf("is no event: %v", err)
		return m
	}
	e.Received = firstTime(e.Received, e.Occurred)
	e.Occurred = firstTime(e.Occurred, e.Received)
	if e.ID == "" {
		if err := deriveID(e); err != nil {
			m.reject = err.Error()
		}
	}
	if reserved(e.Type) {
		m.reject = fmt.Sprintf("type %s is kept for the program's own records", e.Type)
	}
	return m
}
