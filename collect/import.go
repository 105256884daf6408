package collect

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"time"

	"bellwether"
	"bellwether/store"
)

// ImportOptions say what is imported and how it is read; the zero value guesses.
type ImportOptions struct {
	Format  string   // segment, csv, parquet, sequence, movielens, items, spend, prices; "": found out from the content
	Name    string   // of the file, for messages and dead letters
	Size    int64    // bytes that the source holds, for progress; 0: not known
	Mapping *Mapping // how rows become events; nil: guessed
	DryRun  bool     // read, check and count, but write nothing
}

// ImportReport is what an import did, or would do.
type ImportReport struct {
	Result
	Format   string     `json:"format"`
	Rows     int64      `json:"rows"`               // read: lines or rows
	Mapping  *Mapping   `json:"mapping,omitempty"`  // that was used
	Guessed  bool       `json:"guessed"`            // Mapping was guessed
	Unused   []string   `json:"unused,omitempty"`   // columns that the mapping leaves out
	Examples []Rejected `json:"examples,omitempty"` // the first rows that were refused, at most ten
}

// ErrFormat says that a file is of no format that can be read; the text says what to change.
var ErrFormat = errors.New("format cannot be read")

// Sizes of an import.
const (
	importChunk  = 1000 // messages an append
	maxExamples  = 10
	sniffed      = 64 << 10 // bytes that the format is found out from
	reportPeriod = 200 * time.Millisecond
)

// Import reads src to its end and writes what it holds. Rows that cannot be read are kept in the
// dead letters with their line and reason, and counted; an error means that the import stopped. The
// ids of events without one follow from the rows, so that the same file twice counts once.
func (c *Collector) Import(ctx context.Context, src io.Reader, o ImportOptions, report func(bellwether.Progress)) (ImportReport, error) {
	counted := &countingReader{r: src}
	in, err := unpacked(counted)
	if err != nil {
		return ImportReport{}, fmt.Errorf("collect: import %s: %w", o.Name, err)
	}
	i := c.newImporter(ctx, o, report)
	i.read = func() int64 { return counted.n }
	err = i.file(in)
	return i.finish(err)
}

// ImportRows is Import for the rows of a database query.
func (c *Collector) ImportRows(ctx context.Context, rows *sql.Rows, o ImportOptions, report func(bellwether.Progress)) (ImportReport, error) {
	i := c.newImporter(ctx, o, report)
	i.report.Format = "sql"
	return i.finish(i.query(rows))
}

// importer gathers messages into appends.
type importer struct {
	ctx      context.Context
	c        *Collector
	o        ImportOptions
	report   ImportReport
	pending  []message
	tell     func(bellwether.Progress)
	read     func() int64 // bytes of the source; nil: not known
	start    time.Time
	told     time.Time
	noted    bool   // the mapping is in the log, for dead letters to be read again
	mapping  string // its id
	mapTexts []byte
}

func (c *Collector) newImporter(ctx context.Context, o ImportOptions, report func(bellwether.Progress)) *importer {
	if report == nil {
		report = func(bellwether.Progress) {}
	}
	if o.DryRun {
		c = c.dry()
	}
	return &importer{ctx: ctx, c: c, o: o, tell: report, start: time.Now(), report: ImportReport{Format: o.Format}}
}

// dry returns a collector that writes to memory, over the view of what was seen.
func (c *Collector) dry() *Collector { return c.dryOver(c.view) }

func (c *Collector) dryOver(base view) *Collector {
	m := &memory{folder: folder{window: c.o.DedupWindow}, base: base, clock: c.o.Clock, values: map[string][]byte{}}
	return &Collector{o: c.o, log: m, view: m, close: func() error { return nil }}
}

// add takes the next message, and writes when there are enough.
func (i *importer) add(m message) error {
	m.source = i.o.Name
	i.report.Rows++
	if m.reject != "" && m.format == "row" {
		m.mapping = i.mapping
	}
	i.pending = append(i.pending, m)
	if len(i.pending) < importChunk {
		return nil
	}
	return i.flush()
}

func (i *importer) flush() error {
	if len(i.pending) == 0 {
		return nil
	}
	if err := i.ctx.Err(); err != nil {
		return err
	}
	if err := i.noteMapping(); err != nil {
		return err
	}
	r, err := i.c.accept(i.ctx, i.pending)
	if err != nil {
		return err
	}
	i.report.add(r)
	i.examples()
	clear(i.pending) // the rows' texts can go
	i.pending = i.pending[:0]
	if now := time.Now(); now.Sub(i.told) >= reportPeriod {
		i.told = now
		i.progress()
	}
	return nil
}

// noteMapping logs the mapping before the first dead letter that needs it to be read again.
func (i *importer) noteMapping() error {
	if i.noted || i.mapping == "" {
		return nil
	}
	i.noted = true
	_, err := i.c.log.Append(i.ctx, store.Record{Kind: store.KindNote, ID: mappingNotePrefix + i.mapping, Data: i.mapTexts})
	return err
}

// examples keeps the first messages that were refused; accept wrote the reasons.
func (i *importer) examples() {
	for k := range i.pending {
		if m := &i.pending[k]; m.reject != "" && len(i.report.Examples) < maxExamples {
			i.report.Examples = append(i.report.Examples, Rejected{
				Source: m.source, Line: m.line, Reason: m.reject, Time: i.c.o.Clock().UTC(), Raw: bytes.Clone(m.raw), Format: m.format,
			})
		}
	}
}

func (i *importer) progress() {
	p := bellwether.Progress{Step: "import " + i.o.Name, Done: i.report.Rows, Elapsed: time.Since(i.start)}
	if i.read != nil && i.o.Size > 0 {
		p.Done, p.Total, p.Note = i.read(), i.o.Size, fmt.Sprintf("bytes, %d rows", i.report.Rows)
	}
	i.tell(p)
}

func (i *importer) finish(err error) (ImportReport, error) {
	if err == nil {
		err = i.flush()
	}
	i.progress()
	if err != nil {
		err = fmt.Errorf("collect: import %s after %d rows: %w", i.o.Name, i.report.Rows, err)
	}
	return i.report, err
}
