package collect

import (
	"fmt"
	"slices"
	"strings"
)

// textTable is a table as delimited text.
type textTable struct {
	lines     lines
	names     []string
	delimiter byte
	quote     string   // around fields, where it is not "
	notes     []string // on what stands before the header
}

// newTextTable reads the header, unless the columns are known.
func newTextTable(s *source, sample []byte, m *Mapping) (*textTable, error) {
	t := &textTable{lines: lines{r: s.Reader, most: maxMessage}}
	if m != nil {
		var err error
		if t.delimiter, err = m.delimiter(); err != nil {
			return nil, err
		}
		t.quote = m.Quote
	}
	head := sampleLines(sample, 30)
	if err := t.passOver(&head); err != nil {
		return nil, err
	}
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
	if err := checkUTF8(raw); err != nil {
		return nil, fmt.Errorf("%w: the header %w", ErrFormat, err)
	}
	t.names, _ = splitRow(string(raw), t.delimiter)
	if t.quote == "" && len(t.names) > 1 && !slices.ContainsFunc(t.names, func(n string) bool { return len(n) < 2 || n[0] != '\'' || n[len(n)-1] != '\'' }) {
		t.quote = "'"
	}
	if t.quote != "" {
		unquote(t.names, t.quote)
	}
	if wide := strings.IndexAny(string(raw), "\uff0c\uff1b\u3001"); len(t.names) == 1 && wide >= 0 {
		return nil, fmt.Errorf("%w: the header %q has commas of full width (U+FF0C and their like): write plain ones", ErrFormat, clip(string(raw)))
	}
	doubles, err := checkColumns(t.names)
	t.notes = append(t.notes, doubles...)
	return t, err
}

// passOver skips what stands before the header: a line that names the delimiter, and lines of a report's title.
func (t *textTable) passOver(head *[]string) error {
	if len(*head) > 0 {
		if rest, ok := strings.CutPrefix(strings.ToLower((*head)[0]), "sep="); ok && len(rest) == 1 {
			t.delimiter = rest[0]
			t.notes = append(t.notes, fmt.Sprintf("the line %q names the delimiter", (*head)[0]))
			if err := t.skip(1); err != nil {
				return err
			}
			*head = (*head)[1:]
		}
	}
	n := preamble(*head, t.delimiter)
	if n == 0 {
		return nil
	}
	for _, line := range (*head)[:n] {
		t.notes = append(t.notes, fmt.Sprintf("the line %q before the header was passed over", clip(line)))
	}
	*head = (*head)[n:]
	return t.skip(n)
}

// skip reads lines that are not blank.
func (t *textTable) skip(n int) error {
	for n > 0 {
		raw, err := t.lines.next()
		if err != nil {
			return err
		}
		if !blank(raw) {
			n--
		}
	}
	return nil
}

// preamble counts the lines before the header of a table: one or more of fewer columns than all that follow, where the first of
// those is a header with a name that is known.
func preamble(head []string, delimiter byte) int {
	const most = 10
	for n := 1; n <= most && n+1 < len(head); n++ {
		d := delimiter
		if d == 0 {
			d = findDelimiter(head[n:])
		}
		width := widthOf(head[n:], d)
		if width < 2 || d == ' ' || !isHeader(head[n], d) || !knownHeader(head[n], d) {
			continue
		}
		for k, line := range head[:n] {
			if fields, _ := splitRow(line, d); len(fields) >= width && strings.Trim(strings.Join(fields[1:], ""), " ") != "" {
				return 0
			} else if k == n-1 {
				return n
			}
		}
	}
	return 0
}

func knownHeader(line string, delimiter byte) bool {
	names, _ := splitRow(line, delimiter)
	return slices.ContainsFunc(names, func(n string) bool { return knownColumn(strings.TrimSpace(n)) })
}

// unquote takes a quote away that stands around a field.
func unquote(fields []string, quote string) {
	for i, f := range fields {
		if f = strings.TrimSpace(f); len(f) >= 2 && strings.HasPrefix(f, quote) && strings.HasSuffix(f, quote) {
			fields[i] = strings.ReplaceAll(f[1:len(f)-1], quote+quote, quote)
		}
	}
}

// The most that a header may hold.
const (
	maxColumns = 2000
	maxHeader  = 32 << 10
)

// checkColumns makes names fit to be columns of a mapping; notes are on those that stand twice.
func checkColumns(names []string) (notes []string, err error) {
	total := 0
	seen := make(map[string]int, len(names))
	for i, n := range names {
		n = strings.TrimSpace(strings.ToValidUTF8(n, "\ufffd"))
		n, _, _ = strings.Cut(n, ":token")
		n, _, _ = strings.Cut(n, ":float")
		if n == "" {
			n = fmt.Sprintf("column%d", i+1)
		}
		if _, double := seen[n]; double {
			again := n
			for k := 2; ; k++ {
				if _, taken := seen[fmt.Sprintf("%s_%d", n, k)]; !taken {
					again = fmt.Sprintf("%s_%d", n, k)
					break
				}
			}
			if len(notes) < 20 {
				notes = append(notes, fmt.Sprintf("the column %q stands more than once: the one at place %d is called %q", clip(n), i+1, clip(again)))
			}
			n = again
		}
		seen[n] = i
		names[i] = n
		total += len(n)
	}
	if len(names) > maxColumns || total > maxHeader {
		return nil, fmt.Errorf("%w: the header has %d columns and %d bytes, more than %d columns or %d bytes", ErrMapping, len(names), total, maxColumns, maxHeader)
	}
	return notes, nil
}

func (t *textTable) columns() []string { return t.names }

func (t *textTable) next() (row, error) {
	for {
		raw, line, err := t.lines.record(t.delimiter)
		if err != nil {
			return row{}, err
		}
		if !blank(raw) {
			return textRow(raw, line, t.delimiter, t.quote), nil
		}
	}
}

// textRow reads one record.
func textRow(raw []byte, line int64, delimiter byte, quote string) row {
	w := row{line: line, raw: raw}
	if len(raw) > maxMessage {
		w.bad = fmt.Sprintf("row has more than %d bytes", maxMessage)
		return w
	}
	var ok bool
	if w.values, ok = splitRow(string(raw), delimiter); !ok {
		w.bad = "a quote is never closed"
	}
	if quote != "" {
		unquote(w.values, quote)
	}
	return w
}
