package collect

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"bellwether"
)

// formats are the formats of files and what reads them.
var formats = map[string]func(*importer, *bufio.Reader) error{
	"segment": (*importer).segment, "csv": (*importer).csv, "parquet": (*importer).parquet, "sequence": (*importer).sequence,
	"movielens": (*importer).movielens, "items": (*importer).items, "spend": (*importer).csv, "prices": (*importer).csv,
}

// file reads a source of one of the formats.
func (i *importer) file(in *bufio.Reader) error {
	if i.report.Format == "" {
		i.report.Format = sniff(in)
	}
	read := formats[i.report.Format]
	if read == nil {
		return fmt.Errorf("%w: format %q is none of segment, csv, parquet, sequence, movielens, items, spend, prices", ErrFormat, i.o.Format)
	}
	return read(i, in)
}

// sniff finds the format out from the first bytes.
func sniff(in *bufio.Reader) string {
	head, _ := in.Peek(sniffed) // what is there is enough
	if bytes.HasPrefix(head, []byte("PAR1")) {
		return "parquet"
	}
	text := strings.TrimPrefix(string(head), "\ufeff")
	first, _, _ := strings.Cut(text, "\n")
	first = strings.TrimRight(first, "\r")
	switch fields := strings.Fields(first); {
	case strings.HasPrefix(strings.TrimSpace(first), "{"):
		var keys map[string]json.RawMessage
		if json.Unmarshal([]byte(first), &keys) == nil && keys["id"] != nil && keys["userId"] == nil && keys["anonymousId"] == nil && keys["type"] == nil && keys["event"] == nil {
			return "items"
		}
		return "segment"
	case strings.Contains(first, "\t") && strings.Contains(first, ":token"):
		return "movielens"
	case len(fields) >= 2 && !strings.ContainsAny(first, ",;\t|\"") && allNumbers(fields):
		return "sequence"
	}
	return "csv"
}

func allNumbers(fields []string) bool {
	return !slices.ContainsFunc(fields, func(s string) bool { return !allDigits(s) })
}

// segment reads lines of Segment's messages, as history: each came in when it happened.
func (i *importer) segment(in *bufio.Reader) error {
	l := &lines{r: in}
	s := segmentReader{currency: i.c.o.Currency}
	return i.eachLine(l, func(text string) error {
		r := jsonReader{b: []byte(text)}
		raw, err := r.value()
		if err == nil {
			err = r.end()
		}
		m := message{raw: []byte(text), format: "segment", line: l.n}
		if err != nil {
			m.reject = fmt.Sprintf("is not JSON: %v", err)
			return i.add(m)
		}
		m = s.message(bytes.TrimSpace(raw))
		m.line = l.n
		return i.add(m)
	})
}

// eachLine calls fn with every line that is not blank.
func (i *importer) eachLine(l *lines, fn func(string) error) error {
	for {
		text, err := l.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("line %d: %w", l.n+1, err)
		}
		if strings.TrimSpace(text) == "" {
			continue
		}
		if err := fn(text); err != nil {
			return err
		}
	}
}

// sequenceBegin is when every sequence without times begins; its steps are an hour apart.
var sequenceBegin = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// maxSteps keeps made-up times in the past.
const maxSteps = 200_000

// sequence reads lines "user item item …" or "user item". The file has an order and no times: step k
// of a person is taken to have happened k hours after the year 2000 began.
func (i *importer) sequence(in *bufio.Reader) error {
	l := &lines{r: in}
	steps := make(map[string]int)
	return i.eachLine(l, func(text string) error {
		fields := strings.Fields(text)
		if len(fields) < 2 {
			return i.add(message{raw: []byte(text), line: l.n, reject: "has no item after the person"})
		}
		user := fields[0]
		for _, item := range fields[1:] {
			k := steps[user]
			steps[user]++
			m := message{raw: []byte(text), line: l.n}
			if k >= maxSteps {
				m.reject = fmt.Sprintf("is step %d of a person, more than %d", k+1, maxSteps)
			} else {
				at := sequenceBegin.Add(time.Duration(k) * time.Hour)
				m.events = []bellwether.Event{{
					ID: contentID([]byte("sequence"), []byte(user), []byte(item), strconv.AppendInt(nil, int64(k), 10)), Type: bellwether.ViewItem,
					Occurred: at, Received: at, Subject: bellwether.Subject(user), Item: bellwether.ItemID(item),
				}}
			}
			if err := i.add(m); err != nil {
				return err
			}
		}
		return nil
	})
}

// movielens reads RecBole's form of MovieLens: tab-separated, with types in the header.
func (i *importer) movielens(in *bufio.Reader) error {
	l := &lines{r: in}
	header, err := l.next()
	if err != nil {
		return fmt.Errorf("%w: it has no header: %w", ErrFormat, err)
	}
	columns := strings.Split(header, "\t")
	for k := range columns {
		columns[k], _, _ = strings.Cut(columns[k], ":")
	}
	if i.o.Mapping == nil {
		i.o.Mapping = &Mapping{Delimiter: "tab", Fields: map[string]Field{
			"event": {Value: "rating"}, "subject": {Column: "user_id"}, "item": {Column: "item_id"}, "value": {Column: "rating"}, "time": {Column: "timestamp"},
		}}
	}
	return i.table(l, columns, '\t')
}

// items reads a catalogue: lines of JSON, or a table.
func (i *importer) items(in *bufio.Reader) error {
	head, _ := in.Peek(1)
	if len(head) == 0 || head[0] != '{' {
		return i.csv(in)
	}
	l := &lines{r: in}
	return i.eachLine(l, func(text string) error {
		m := itemMessage([]byte(text), "")
		m.line = l.n
		return i.add(m)
	})
}
