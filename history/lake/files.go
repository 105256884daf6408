package lake

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"bellwether"
	"bellwether/store"

	"github.com/parquet-go/parquet-go"
)

// Names of the tables.
const (
	Events    = "events"
	Decisions = "decisions"
	Outcomes  = "outcomes"
)

// tables are their names by place.
var tables = []string{eventTable: Events, decisionTable: Decisions, outcomeTable: Outcomes}

const (
	eventTable = iota
	decisionTable
	outcomeTable
)

// fileName is where the rows of a table on a day in a bucket are.
func fileName(d day, bucket int) string {
	return fmt.Sprintf("%s/day=%s/bucket-%02d.parquet", tables[d.table], dateOf(d), bucket)
}

// parseName reads a file's name; ok is false for what is no file of a table.
func parseName(name string) (d day, bucket int, ok bool) {
	table, rest, _ := strings.Cut(name, "/day=")
	date, file, _ := strings.Cut(rest, "/bucket-")
	number, found := strings.CutSuffix(file, ".parquet")
	place := slices.Index(tables, table)
	at, err := time.Parse(time.DateOnly, date)
	bucket, failed := strconv.Atoi(number)
	if !found || place < 0 || err != nil || failed != nil || bucket < 0 || bucket >= Buckets {
		return d, 0, false
	}
	return day{table: byte(place), day: dayOf(at)}, bucket, true
}

// Row is a row of one of the tables.
type Row interface {
	EventRow | DecisionRow | OutcomeRow
}

// files writes the files of buckets, one at a time.
type files struct {
	target    Target
	events    table[EventRow]
	decisions table[DecisionRow]
	outcomes  table[OutcomeRow]
}

func newFiles(t Target) *files {
	return &files{
		target: t,
		events: table[EventRow]{
			subject: func(r *EventRow) string { return r.Subject },
			build: func(e *entry) (*EventRow, error) {
				var v bellwether.Event
				if err := store.Decode(e.record, &v); err != nil {
					return nil, err
				}
				return newEventRow(&v, e.subject, e.identity)
			},
		},
		decisions: table[DecisionRow]{
			subject: func(r *DecisionRow) string { return r.Subject },
			build: func(e *entry) (*DecisionRow, error) {
				var v bellwether.Decision
				if err := store.Decode(e.record, &v); err != nil {
					return nil, err
				}
				return newDecisionRow(&v, e.subject)
			},
		},
		outcomes: table[OutcomeRow]{
			subject: func(r *OutcomeRow) string { return r.Subject },
			build: func(e *entry) (*OutcomeRow, error) {
				var v bellwether.Outcome
				if err := store.Decode(e.record, &v); err != nil {
					return nil, err
				}
				return newOutcomeRow(&v, e.about, e.subject)
			},
		},
	}
}

// clear deletes the files of a bucket that is written anew and has nothing for them.
func (f *files) clear(ctx context.Context, bucket int, dirty map[day]bool, out *result) error {
	for _, name := range tables {
		list, err := f.target.List(ctx, name+"/")
		if err != nil {
			return err
		}
		for _, file := range list {
			d, of, ok := parseName(file.Name)
			if !ok || of != bucket || dirty[d] {
				continue
			}
			if err := f.target.Delete(ctx, file.Name); err != nil {
				return err
			}
			out.files++
		}
	}
	return nil
}

// replace writes the file of a day: entries, and the rows that it has of others than those who are replaced (anew: none).
// A file without rows is deleted.
func (f *files) replace(ctx context.Context, bucket int, d day, entries []entry, replaced func(string) bool, anew bool) (rows int64, err error) {
	name := fileName(d, bucket)
	if anew {
		replaced = nil
	}
	switch d.table {
	case eventTable:
		rows, err = f.events.replace(ctx, f.target, name, entries, replaced)
	case decisionTable:
		rows, err = f.decisions.replace(ctx, f.target, name, entries, replaced)
	case outcomeTable:
		rows, err = f.outcomes.replace(ctx, f.target, name, entries, replaced)
	}
	if err != nil {
		return 0, fmt.Errorf("%s: %w", name, err)
	}
	return rows, nil
}

// table writes files of one kind of row.
type table[R Row] struct {
	subject func(*R) string
	build   func(*entry) (*R, error)
	out     bytes.Buffer
	kept    []R // of the file that is being replaced
	batch   []R // handed to or taken from the Parquet library together
}

// rowsOf returns the table's batch, empty.
func (t *table[R]) rowsOf() []R {
	if t.batch == nil {
		t.batch = make([]R, rowsAtOnce)
	}
	return t.batch[:0]
}

// rowsAtOnce is how many rows are handed to or taken from the Parquet library together.
const rowsAtOnce = 512

func (t *table[R]) replace(ctx context.Context, target Target, name string, entries []entry, replaced func(string) bool) (int64, error) {
	kept := t.kept[:0]
	defer func() {
		clear(kept) // of texts
		t.kept = kept
	}()
	if replaced != nil {
		err := each(ctx, target, name, t.rowsOf()[:rowsAtOnce], func(r *R) error {
			if !replaced(t.subject(r)) {
				kept = append(kept, *r)
			}
			return nil
		})
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return 0, err
		}
	}
	n := int64(len(kept) + len(entries))
	if n == 0 {
		return 0, target.Delete(ctx, name)
	}
	if err := t.encode(kept, entries); err != nil {
		return 0, err
	}
	return n, target.Put(ctx, name, bytes.NewReader(t.out.Bytes()))
}

// encode makes a file of kept rows and entries, both in the order of subjects and of no subject in common.
func (t *table[R]) encode(kept []R, entries []entry) error {
	t.out.Reset()
	// A writer that is reset and used again writes other bytes for the same rows.
	w := parquet.NewGenericWriter[R](&t.out, parquet.Compression(&parquet.Zstd))
	batch := t.rowsOf()
	for len(kept)+len(entries) > 0 {
		if len(entries) == 0 || len(kept) > 0 && t.subject(&kept[0]) < entries[0].subject {
			batch, kept = append(batch, kept[0]), kept[1:]
		} else {
			row, err := t.build(&entries[0])
			if err != nil {
				return err
			}
			batch, entries = append(batch, *row), entries[1:]
		}
		if len(batch) == rowsAtOnce || len(kept)+len(entries) == 0 {
			if _, err := w.Write(batch); err != nil {
				return err
			}
			batch = batch[:0]
		}
	}
	return w.Close()
}

// each calls do with the rows of one file, which it reads into rows.
func each[R Row](ctx context.Context, t Target, name string, rows []R, do func(*R) error) error {
	b, err := content(ctx, t, name)
	if err != nil {
		return err
	}
	file, err := parquet.OpenFile(bytes.NewReader(b), int64(len(b)), parquet.SkipBloomFilters(true))
	if err != nil {
		return fmt.Errorf("lake: %s is no Parquet that can be read: %w", name, err)
	}
	r := parquet.NewGenericReader[R](file)
	defer r.Close()
	for {
		clear(rows)
		n, err := r.Read(rows)
		for i := range rows[:n] {
			if err := do(&rows[i]); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("lake: reading %s: %w", name, err)
		}
	}
}
