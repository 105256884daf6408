package collect

import (
	"bufio"
	"database/sql"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// csv reads a table with a header, or with the columns that its mapping names.
func (i *importer) csv(in *bufio.Reader) error {
	l := &lines{r: in}
	var columns []string
	var delimiter byte
	if m := i.o.Mapping; m != nil {
		columns = m.Columns
		var err error
		if delimiter, err = m.delimiter(); err != nil {
			return err
		}
	}
	if columns == nil {
		header, err := l.next()
		if err != nil {
			return fmt.Errorf("%w: it is empty", ErrFormat)
		}
		if delimiter == 0 {
			delimiter = delimiterOf(header)
		}
		if columns, err = splitRow(header, delimiter); err != nil {
			return fmt.Errorf("%w: its header: %w", ErrFormat, err)
		}
	} else if delimiter == 0 {
		delimiter = ','
	}
	for k := range columns {
		columns[k] = strings.TrimSpace(columns[k])
	}
	return i.table(l, columns, delimiter)
}

// delimiterOf is the likeliest delimiter of a header.
func delimiterOf(header string) byte {
	best := byte(',')
	for _, d := range []byte(",;\t|") {
		if strings.Count(header, string(d)) > strings.Count(header, string(best)) {
			best = d
		}
	}
	return best
}

// splitRow returns the fields of a row.
func splitRow(text string, delimiter byte) ([]string, error) {
	if delimiter == ' ' {
		return strings.Fields(text), nil
	}
	if !strings.Contains(text, `"`) {
		return strings.Split(text, string(delimiter)), nil
	}
	r := csv.NewReader(strings.NewReader(text))
	r.Comma, r.FieldsPerRecord = rune(delimiter), -1
	return r.Read()
}

// table reads the rows of a text. A quoted field may go over lines; one that never ends costs its first line only.
func (i *importer) table(l *lines, columns []string, delimiter byte) error {
	samples, err := l.peekRows(20, delimiter)
	if err != nil {
		return err
	}
	reader, err := i.bind(columns, samples, delimiter)
	if err != nil {
		return err
	}
	return i.eachLine(l, func(text string) error {
		line := l.n
		text, err := l.wholeRow(text)
		if err != nil {
			return err
		}
		w := row{line: line, raw: []byte(text)}
		if w.values, err = splitRow(text, delimiter); err != nil {
			w.bad = fmt.Sprintf("is no row of a table: %v", err)
		}
		return i.add(reader.message(w))
	})
}

// wholeRow joins the lines of a row whose quotes are open at the end of the first.
func (l *lines) wholeRow(first string) (string, error) {
	if strings.Count(first, `"`)%2 == 0 {
		return first, nil
	}
	text, more := first, []string{}
	for strings.Count(text, `"`)%2 == 1 {
		next, err := l.next()
		if err != nil && !errors.Is(err, io.EOF) {
			return "", err
		}
		if err != nil || len(text)+len(next) > maxMessage {
			if err == nil {
				more = append(more, next)
			}
			l.unread(more)
			return first, nil
		}
		more = append(more, next)
		text += "\n" + next
	}
	return text, nil
}

// peekRows returns the next rows, which are read again afterwards.
func (l *lines) peekRows(n int, delimiter byte) ([][]string, error) {
	var texts []string
	var rows [][]string
	for len(texts) < n {
		text, err := l.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		texts = append(texts, text)
		if values, err := splitRow(text, delimiter); err == nil {
			rows = append(rows, values)
		}
	}
	l.unread(texts)
	return rows, nil
}

// bind makes the reader of the table's rows, with a mapping that is guessed if none was given.
func (i *importer) bind(columns []string, samples [][]string, delimiter byte) (*rowReader, error) {
	m := i.o.Mapping
	if m == nil {
		guess, err := Guess(columns, samples, i.report.Format)
		if err != nil {
			return nil, err
		}
		m, i.report.Guessed = guess, true
	}
	reader, err := m.bind(columns, i.c.o.Currency, i.c.o.Clock().UTC())
	if err != nil {
		return nil, err
	}
	i.report.Mapping, i.report.Unused = m, m.unused(columns)
	return reader, i.remember(m, columns, delimiter)
}

// remember prepares the mapping to be kept beside dead letters: with all that reads a row alone.
func (i *importer) remember(m *Mapping, columns []string, delimiter byte) error {
	whole := *m
	whole.Columns, whole.Delimiter = columns, string(delimiter)
	switch delimiter {
	case '\t':
		whole.Delimiter = "tab"
	case ' ':
		whole.Delimiter = "space"
	}
	text, err := whole.YAML()
	if err != nil {
		return err
	}
	i.mapping, i.mapTexts = string(contentID(text)), text
	return nil
}

// query reads the rows of a database query; values become text as they are printed.
func (i *importer) query(rows *sql.Rows) error {
	columns, err := rows.Columns()
	if err != nil {
		return err
	}
	values, targets := make([]any, len(columns)), make([]any, len(columns))
	for k := range values {
		targets[k] = &values[k]
	}
	var reader *rowReader
	var first [][]string
	n := int64(0)
	take := func(texts []string) error {
		n++
		return i.add(reader.message(row{line: n, raw: []byte(joinRow(texts)), values: texts}))
	}
	start := func() error {
		if reader, err = i.bind(columns, first, ','); err != nil {
			return err
		}
		for _, texts := range first {
			if err := take(texts); err != nil {
				return err
			}
		}
		return nil
	}
	for rows.Next() {
		if err := rows.Scan(targets...); err != nil {
			return fmt.Errorf("row %d: %w", n+1, err)
		}
		texts := make([]string, len(values))
		for k, v := range values {
			texts[k] = sqlText(v)
		}
		if reader == nil {
			if first = append(first, texts); len(first) == 20 {
				if err := start(); err != nil {
					return err
				}
			}
			continue
		}
		if err := take(texts); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	if reader == nil {
		return start()
	}
	return nil
}

func sqlText(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case []byte:
		return string(v)
	case time.Time:
		return v.UTC().Format(time.RFC3339Nano)
	}
	return fmt.Sprint(v)
}

// joinRow writes fields as a line of CSV.
func joinRow(values []string) string {
	var b strings.Builder
	w := csv.NewWriter(&b)
	_ = w.Write(values) // a strings.Builder does not fail
	w.Flush()
	return strings.TrimRight(b.String(), "\n")
}
