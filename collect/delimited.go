package collect

import (
	"bytes"
	"fmt"
	"strings"
)

// openQuote reports whether a line of delimited text ends inside a field in quotes; in says that
// it begins inside one.
func openQuote(line []byte, delimiter byte, in bool) bool {
	if delimiter == ' ' || bytes.IndexByte(line, '"') < 0 {
		return in && delimiter != ' '
	}
	start := true
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case in && c == '"' && i+1 < len(line) && line[i+1] == '"':
			i++
		case in && c == '"':
			in, start = false, false
		case !in && start && c == '"':
			in = true
		case !in:
			start = c == delimiter
		}
	}
	return in
}

// splitRow returns the fields of a record. A quote counts at the beginning of a field alone. ok
// is false where one is never closed.
func splitRow(text string, delimiter byte) (fields []string, ok bool) {
	if delimiter == ' ' {
		return strings.Fields(text), true
	}
	fields = make([]string, 0, 1+strings.Count(text, string(rune(delimiter))))
	for {
		var field string
		if strings.HasPrefix(text, `"`) {
			if field, text, ok = quotedField(text[1:], delimiter); !ok {
				return fields, false
			}
		} else {
			end := strings.IndexByte(text, delimiter)
			if end < 0 {
				end = len(text)
			}
			field, text = text[:end], text[end:]
		}
		fields = append(fields, field)
		if text == "" {
			return fields, true
		}
		text = text[1:]
	}
}

// quotedField reads a field after its opening quote. Text between the closing quote and the
// delimiter belongs to the field.
func quotedField(text string, delimiter byte) (field, rest string, ok bool) {
	var b strings.Builder
	for {
		end := strings.IndexByte(text, '"')
		if end < 0 {
			return "", "", false
		}
		b.WriteString(text[:end])
		text = text[end+1:]
		if !strings.HasPrefix(text, `"`) {
			break
		}
		b.WriteByte('"')
		text = text[1:]
	}
	end := strings.IndexByte(text, delimiter)
	if end < 0 {
		end = len(text)
	}
	b.WriteString(text[:end])
	return b.String(), text[end:], true
}

// joinRow writes fields so that splitRow reads them, with commas.
func joinRow(b []byte, fields []string) []byte {
	for i, f := range fields {
		if i > 0 {
			b = append(b, ',')
		}
		if strings.ContainsAny(f, ",\n\r") || strings.HasPrefix(f, `"`) {
			b = append(append(append(b, '"'), strings.ReplaceAll(f, `"`, `""`)...), '"')
		} else {
			b = append(b, f...)
		}
	}
	return b
}

// textTable is a table as delimited text.
type textTable struct {
	lines     lines
	names     []string
	delimiter byte
}

// newTextTable reads the header, unless the columns are known.
func newTextTable(s *source, sample []byte, m *Mapping) (*textTable, error) {
	t := &textTable{lines: lines{r: s.Reader, most: maxMessage}}
	if m != nil {
		var err error
		if t.delimiter, err = m.delimiter(); err != nil {
			return nil, err
		}
	}
	head := sampleLines(sample, 20)
	if t.delimiter == 0 {
		t.delimiter = findDelimiter(head)
	}
	if m != nil && len(m.Columns) > 0 {
		t.names = m.Columns
		return t, nil
	}
	if len(head) > 0 && !isHeader(head[0], t.delimiter) {
		if t.names = headless(head, t.delimiter); t.names != nil {
			return t, nil
		}
		if m == nil {
			return nil, fmt.Errorf("%w: the first line, %q, is no header; name the columns in a mapping for --map, as columns", ErrMapping, clip(head[0]))
		}
	}
	raw, _, err := t.lines.record(t.delimiter)
	for err == nil && blank(raw) {
		raw, _, err = t.lines.record(t.delimiter)
	}
	if err != nil {
		return t, err
	}
	t.names, _ = splitRow(string(raw), t.delimiter)
	return t, checkColumns(t.names)
}

// The most that a header may hold.
const (
	maxColumns = 2000
	maxHeader  = 32 << 10
)

// checkColumns makes names fit to be columns of a mapping.
func checkColumns(names []string) error {
	total := 0
	for i, n := range names {
		n = strings.TrimSpace(strings.ToValidUTF8(n, "\ufffd"))
		n, _, _ = strings.Cut(n, ":token")
		n, _, _ = strings.Cut(n, ":float")
		if n == "" {
			n = fmt.Sprintf("column%d", i+1)
		}
		names[i] = n
		total += len(n)
	}
	if len(names) > maxColumns || total > maxHeader {
		return fmt.Errorf("%w: the header has %d columns and %d bytes, more than %d columns or %d bytes", ErrMapping, len(names), total, maxColumns, maxHeader)
	}
	return nil
}

func (t *textTable) columns() []string { return t.names }

func (t *textTable) next() (row, error) {
	for {
		raw, line, err := t.lines.record(t.delimiter)
		if err != nil {
			return row{}, err
		}
		if !blank(raw) {
			return textRow(raw, line, t.delimiter), nil
		}
	}
}

// textRow reads one record.
func textRow(raw []byte, line int64, delimiter byte) row {
	w := row{line: line, raw: raw}
	if len(raw) > maxMessage {
		w.bad = fmt.Sprintf("row has more than %d bytes", maxMessage)
		return w
	}
	var ok bool
	if w.values, ok = splitRow(string(raw), delimiter); !ok {
		w.bad = "a quote is never closed"
	}
	return w
}
