package collect

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"bellwether/store"
)

// table is rows with named columns, however they are written.
type table interface {
	columns() []string
	next() (row, error) // io.EOF after the last
}

// guessRows is by how many rows a mapping is guessed.
const guessRows = 100

// table imports t by the mapping, or by a guessed one.
func (im *importer) table(ctx context.Context, t table) error {
	im.rows = true
	first, last := head(t, guessRows)
	if last != nil && last != io.EOF {
		return last
	}
	if t, ok := t.(*textTable); ok {
		for _, n := range t.notes {
			im.note("%s", n)
		}
	}
	if len(first) == 0 && last == io.EOF && im.o.Mapping == nil {
		if _, text := t.(*textTable); text && !slices.ContainsFunc(t.columns(), knownColumn) {
			return fmt.Errorf("%w: it is no table: it has one line, %q", ErrFormat, clip(strings.Join(t.columns(), ",")))
		}
		return nil // nothing to guess by and nothing to read
	}
	r, err := im.rowReader(ctx, t, first)
	if err != nil {
		return err
	}
	for _, w := range first {
		if err := im.row(ctx, r, w); err != nil {
			return err
		}
	}
	for last == nil {
		var w row
		if w, last = t.next(); last == nil {
			if err := im.row(ctx, r, w); err != nil {
				return err
			}
		}
	}
	if last != io.EOF {
		return last
	}
	return nil
}

func (im *importer) row(ctx context.Context, r *rowReader, w row) error {
	return im.add(ctx, r.message(w))
}

// head reads the first rows. Its error is that of the row after them, if it was asked for.
func head(t table, most int) (rows []row, err error) {
	for len(rows) < most {
		w, err := t.next()
		if err != nil {
			return rows, err
		}
		rows = append(rows, w)
	}
	return rows, nil
}

// rowReader binds the mapping to the table, and writes it where replays find it.
func (im *importer) rowReader(ctx context.Context, t table, first []row) (*rowReader, error) {
	columns, m := t.columns(), im.o.Mapping
	if m == nil {
		values := make([][]string, 0, len(first))
		for _, w := range first {
			values = append(values, w.values)
		}
		var err error
		var notes []string
		if m, notes, err = guess(columns, values, im.o.Format); err != nil {
			return nil, err
		}
		for _, n := range notes {
			im.note("%s", n)
		}
		im.out.Guessed = true
	}
	im.out.Mapping, im.out.Unused = m, m.unused(columns)
	im.out.Format = m.about(im.out.Format)
	bound := *m // with all that reads a row of it alone
	bound.Fields = maps.Clone(m.Fields)
	bound.findMarks(columns, first)
	bound.countedPeople(columns, first)
	bound.Columns = columns
	bound.Delimiter = ","
	if t, ok := t.(*textTable); ok {
		bound.Delimiter, bound.Quote = string(rune(t.delimiter)), t.quote
	}
	r, err := bound.bind(columns, &im.c.o, im.c.o.Clock())
	if err != nil {
		return nil, err
	}
	switch t.(type) {
	case *jsonTable:
		r.format = formatJSONRow
	case *sqlTable:
		r.format = formatSQLRow
	}
	r.id, err = im.c.keepMapping(ctx, &bound)
	return r, err
}

// numberFields are those whose columns hold numbers.
var numberFields = []string{"price", "total", "cost", "quantity", "value", "stock", "position"}

// findMarks notes which decimal mark the first rows of each column of numbers show, where the mapping does not say it.
func (m *Mapping) findMarks(columns []string, first []row) {
	shown := func(column string) string {
		i := slices.Index(columns, column)
		if i < 0 {
			return ""
		}
		values := make([]string, 0, len(first))
		for _, w := range first {
			if i < len(w.values) {
				values = append(values, w.values[i])
			}
		}
		if mark := columnMark(values); mark != 0 {
			return string(rune(mark))
		}
		return ""
	}
	for _, name := range numberFields {
		if f, ok := m.Fields[name]; ok && f.Column != "" && f.Decimal == "" && m.Decimal == "" {
			f.Decimal = shown(f.Column)
			m.Fields[name] = f
		}
	}
	for _, column := range slices.Sorted(maps.Keys(m.Wide)) {
		if m.Decimal == "" {
			m.Decimal = shown(column)
		}
	}
}

// countedPeople keeps person 0 of a table whose people are numbered from 0: elsewhere such an id names nobody.
func (m *Mapping) countedPeople(columns []string, first []row) {
	for _, name := range []string{"subject", "anonymous"} {
		f, ok := m.Fields[name]
		i := slices.Index(columns, f.Column)
		if !ok || i < 0 {
			continue
		}
		if slices.ContainsFunc(first, func(w row) bool { return i < len(w.values) && strings.TrimSpace(w.values[i]) == "1" }) {
			f.Values = maps.Clone(f.Values)
			if f.Values == nil {
				f.Values = map[string]string{}
			}
			if _, said := f.Values["0"]; !said {
				f.Values["0"] = "0"
			}
			m.Fields[name] = f
		}
	}
}

// about is the format of a source whose rows m reads.
func (m *Mapping) about(format string) string {
	switch {
	case m.Kind == KindItems:
		return FormatItems
	case m.Fields["event"].Value == "media_spend":
		return FormatSpend
	case m.Fields["event"].Value == "competitor_price":
		return FormatPrices
	}
	return format
}

// keepMapping writes a mapping into the log, once, and returns its id.
func (c *Collector) keepMapping(ctx context.Context, m *Mapping) (string, error) {
	text, err := json.Marshal(m)
	if err != nil {
		return "", fmt.Errorf("collect: write a mapping: %w", err)
	}
	sum := sha256.Sum256(text)
	id := hex.EncodeToString(sum[:8])
	if kept, err := c.view.Get(prefixed(mappingPrefix, []byte(id))); err != nil || kept != nil {
		return id, err
	}
	sequence, err := c.log.Append(ctx, store.Record{Kind: store.KindNote, ID: mappingNotePrefix + id, Data: text})
	if err == nil {
		err = c.view.Wait(ctx, sequence)
	}
	if err != nil {
		return "", fmt.Errorf("collect: keep the mapping: %w", err)
	}
	return id, nil
}

// mapping returns a mapping that was kept, or store.ErrNotFound.
func (c *Collector) mapping(id string) (*Mapping, error) {
	text, err := c.view.Get(prefixed(mappingPrefix, []byte(id)))
	if err == nil && text == nil {
		err = store.ErrNotFound
	}
	m := new(Mapping)
	if err == nil {
		err = json.Unmarshal(text, m)
	}
	if err != nil {
		return nil, fmt.Errorf("collect: mapping %q of a dead letter: %w", id, err)
	}
	return m, nil
}

// jsonTable is a table as JSON objects, a line each. Its columns are the keys of the first rows,
// those of an object within one joined by points.
type jsonTable struct {
	lines lines
	names []string
}

func newJSONTable(s *source, sample []byte) (*jsonTable, error) {
	t := &jsonTable{lines: lines{r: s.Reader, most: maxMessage}}
	for _, line := range sampleLines(sample, guessRows) {
		_ = flatten([]byte(line), func(name, _ string) {
			if len(t.names) <= maxColumns && slices.Index(t.names, name) < 0 {
				t.names = append(t.names, name)
			}
		})
	}
	_, err := checkColumns(t.names)
	return t, err
}

func (t *jsonTable) columns() []string { return t.names }

func (t *jsonTable) next() (row, error) {
	for {
		raw, err := t.lines.next()
		if err != nil {
			return row{}, err
		}
		if !blank(raw) {
			return jsonRow(raw, t.lines.n, t.names), nil
		}
	}
}

// jsonRow reads one object. A key that is no column is passed over, as is a column without one.
func jsonRow(raw []byte, line int64, columns []string) row {
	w := row{line: line, raw: raw, values: make([]string, len(columns))}
	if len(raw) > maxMessage {
		w.bad = fmt.Sprintf("row has more than %d bytes", maxMessage)
		return w
	}
	err := flatten(raw, func(name, text string) {
		if i := slices.Index(columns, name); i >= 0 {
			w.values[i] = text
		}
	})
	if err != nil {
		w.bad = err.Error()
	}
	return w
}

var errNoObject = errors.New("line is not a JSON object")

// flatten calls add with each value of an object that is no object, an array as its JSON.
func flatten(raw []byte, add func(name, text string)) error {
	r := jsonReader{b: raw}
	if r.peek() != '{' {
		if _, err := r.value(); err != nil {
			return err
		}
		return errNoObject
	}
	if err := flattenInto(&r, "", 0, add); err != nil {
		return err
	}
	return r.end()
}

func flattenInto(r *jsonReader, prefix string, depth int, add func(name, text string)) error {
	const deepest = 4
	return r.object(func(key []byte) error {
		name := prefix + string(key)
		if r.peek() == '{' && depth < deepest {
			return flattenInto(r, name+".", depth+1, add)
		}
		value, err := r.value()
		if err != nil {
			return err
		}
		text, ok := scalarText(value)
		if !ok {
			text = string(value)
		}
		add(name, text)
		return nil
	})
}
