package collect

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"bellwether"
)

// Formats of a source. Items, spend and prices say what the rows are about; how the rows are
// written (text, JSON lines, Parquet) is found out from the content even then.
const (
	FormatSegment   = "segment"   // Segment's messages, a line each
	FormatEvents    = "events"    // this program's own events as JSON, a line each
	FormatCSV       = "csv"       // a table as text with any delimiter
	FormatJSON      = "jsonl"     // a table as JSON objects, a line each
	FormatParquet   = "parquet"   // a table as Parquet
	FormatGA4       = "ga4"       // Google Analytics' export to BigQuery as JSON, an event a line
	FormatSequence  = "sequence"  // person item item …, or person item a line, in the order of time
	FormatMovieLens = "movielens" // a table with a header of names and types, user_id:token
	FormatItems     = "items"     // a catalogue
	FormatSpend     = "spend"     // spend on media
	FormatPrices    = "prices"    // prices of competitors
)

var formats = []string{
	FormatSegment, FormatEvents, FormatCSV, FormatJSON, FormatParquet, FormatGA4, FormatSequence, FormatMovieLens, FormatItems, FormatSpend, FormatPrices,
}

// ErrFormat says that a source is not in the format that was named, or in none that is known.
var ErrFormat = errors.New("format cannot be read")

// ImportOptions say what is imported and how it is read; the zero value guesses.
type ImportOptions struct {
	Format  string   // one of the Format constants; "": found out from the content
	Name    string   // of the file, for messages and dead letters
	Size    int64    // bytes that the source holds, for progress; 0: not known
	Mapping *Mapping // how rows become events; nil: guessed
	DryRun  bool     // read, check and count, but write nothing
	Replace bool     // take earlier imports of the same name back: what this one holds counts in their place

	Encoding string // of the text, as the web names it; "": found out
}

// ImportReport is what an import did, or would do.
type ImportReport struct {
	Result
	ID       string     `json:"id,omitempty"`       // of the import, by which it can be taken back
	Replaced []string   `json:"replaced,omitempty"` // ids of the imports that it took the place of
	Format   string     `json:"format"`
	Rows     int64      `json:"rows"`               // read, without a header; each item of a sequence is one
	Mapping  *Mapping   `json:"mapping,omitempty"`  // that was used
	Guessed  bool       `json:"guessed"`            // Mapping was guessed
	Unused   []string   `json:"unused,omitempty"`   // columns that the mapping leaves out
	Encoding string     `json:"encoding,omitempty"` // of the text, where it is not UTF-8
	Ahead    int64      `json:"ahead,omitempty"`    // events that lie in the future: they are written, and held back until then
	Notes    []string   `json:"notes,omitempty"`    // what a person should know of how it was read
	Examples []Rejected `json:"examples,omitempty"` // the first rows that were refused, at most ten
}

// Import reads src to its end and writes what it holds; gzip and Zstandard are unpacked. Rows
// that cannot be read are refused, not an error. It may be repeated after an error or an
// interruption: ids follow from the content, and what was written counts as duplicates.
// An error is ErrMapping or ErrFormat where the caller can change something, store.ErrUnavailable
// where the disk is full; the report says what was written until then.
func (c *Collector) Import(ctx context.Context, src io.Reader, o ImportOptions, report func(bellwether.Progress)) (ImportReport, error) {
	if o.Format != "" && !slices.Contains(formats, o.Format) {
		return ImportReport{}, fmt.Errorf("%w: there is no format %q; the formats are %s", ErrFormat, clip(o.Format), strings.Join(formats, ", "))
	}
	im := c.importer(o, report)
	s, err := openSource(src)
	if err == nil {
		defer s.close()
		im.read = func() int64 { return s.packed.n }
		err = im.source(ctx, s)
	}
	return im.finish(ctx, err)
}

// ImportRows is Import for the rows of a database query. It does not close rows.
func (c *Collector) ImportRows(ctx context.Context, rows *sql.Rows, o ImportOptions, report func(bellwether.Progress)) (ImportReport, error) {
	im := c.importer(o, report)
	im.out.Format = "sql"
	t, err := newSQLTable(rows)
	if err == nil {
		err = im.table(ctx, t)
	}
	return im.finish(ctx, err)
}

const (
	importBatch = 2000    // messages of one append
	importBytes = 4 << 20 // of their text
	maxExamples = 10
)

// importer writes the messages of one source in batches.
type importer struct {
	c       *Collector // in a dry run one that writes to memory
	o       ImportOptions
	report  func(bellwether.Progress)
	read    func() int64 // bytes of the source so far
	start   time.Time
	out     ImportReport
	batch   []message
	rows    bool  // of a table
	batchOf Batch // the import as a whole; without an id before the first message
	begun   bool  // the log says that it began
	bytes   int
	noted   map[string]bool
	floats  bool                          // the note on ids that end in .0 was made
	foreign map[bellwether.Currency]int64 // events with an amount that nobody can convert
}

// note tells the person who imports something, once.
func (im *importer) note(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if im.noted[text] {
		return
	}
	if im.noted == nil {
		im.noted = map[string]bool{}
	}
	im.noted[text] = true
	im.out.Notes = append(im.out.Notes, text)
}

func (c *Collector) importer(o ImportOptions, report func(bellwether.Progress)) *importer {
	if report == nil {
		report = func(bellwether.Progress) {}
	}
	if o.DryRun {
		c = c.dryOver(c.view)
	}
	return &importer{c: c, o: o, report: report, start: c.o.Clock(), out: ImportReport{Format: o.Format}}
}

// dryOver returns a collector that knows what base knows (nil: nothing) and writes to memory.
func (c *Collector) dryOver(base view) *Collector {
	m := &memory{folder: folder{window: c.o.DedupWindow}, base: base, clock: c.o.Clock, values: map[string][]byte{}}
	return &Collector{o: c.o, log: m, view: m, close: func() error { return nil }}
}

// add takes one message.
func (im *importer) add(ctx context.Context, m message) error {
	m.source = im.o.Name
	im.out.Rows++
	im.batch = append(im.batch, m)
	im.bytes += len(m.raw)
	if len(im.batch) < importBatch && im.bytes < importBytes {
		return nil
	}
	return im.flush(ctx)
}

// flush writes the messages that were taken.
func (im *importer) flush(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("collect: import %s: stopped after %d rows: %w", im.o.Name, im.out.Rows, err)
	}
	if err := im.tag(ctx); err != nil {
		return err
	}
	batch := im.batch
	im.batch, im.bytes = im.batch[:0], 0
	defer clear(batch) // the rows' texts can go
	r, err := im.c.accept(ctx, batch)
	if err != nil {
		return fmt.Errorf("collect: import %s: stopped after %d rows: %w", im.o.Name, im.out.Rows, err)
	}
	im.out.add(r)
	now := im.c.o.Clock()
	for i := range batch {
		im.look(&batch[i], now)
		if m := &batch[i]; m.reject != "" && len(im.out.Examples) < maxExamples {
			raw := append([]byte(nil), m.raw[:min(len(m.raw), maxMessage)]...)
			im.out.Examples = append(im.out.Examples, Rejected{
				Source: m.source, Line: m.line, Reason: m.reject, Time: im.c.o.Clock().UTC(), Raw: raw, Format: m.format, Mapping: m.mapping, Skew: m.skew,
			})
		}
	}
	im.progress()
	return nil
}

// tag says of every message which import brought it, and first of all that there is one. Where it takes the place of earlier ones,
// those are taken back before its first event.
func (im *importer) tag(ctx context.Context) error {
	if err := im.beginBatch(im.rows); err != nil {
		return err
	}
	if !im.begun {
		im.begun = true
		if !im.o.DryRun {
			im.out.ID = im.batchOf.ID
		}
		if err := im.writeBatch(ctx, false); err != nil {
			return err
		}
		if im.o.Replace {
			var err error
			if im.out.Replaced, err = im.c.replaced(im.o.Name, im.batchOf.ID); err != nil {
				return err
			}
			for _, id := range im.out.Replaced {
				if _, err := im.c.undo(ctx, id, im.batchOf.ID); err != nil {
					return err
				}
			}
		}
	}
	for i := range im.batch {
		m := &im.batch[i]
		for k := range m.events {
			m.events[k].Import = im.batchOf.ID
		}
		if m.item != nil {
			m.item.Import = im.batchOf.ID
		}
	}
	return nil
}

func (im *importer) progress() {
	p := bellwether.Progress{Step: "import " + im.o.Name, Done: im.out.Rows, Elapsed: im.c.o.Clock().Sub(im.start)}
	if im.o.Size > 0 && im.read != nil {
		p.Done, p.Total, p.Note = min(im.read(), im.o.Size), im.o.Size, fmt.Sprintf("%d rows", im.out.Rows)
	}
	im.report(p)
}

// finish writes what is left, also before an error in the source.
func (im *importer) finish(ctx context.Context, err error) (ImportReport, error) {
	if len(im.batch) > 0 {
		err = errors.Join(err, im.flush(ctx))
	}
	im.progress()
	if im.begun && err == nil {
		im.batchOf.Format = im.out.Format
		err = im.writeBatch(ctx, true)
	}
	if im.out.Ahead > 0 {
		im.note("%d held back: their time lies in the future, and nothing counts before it", im.out.Ahead)
	}
	for _, in := range slices.Sorted(maps.Keys(im.foreign)) {
		im.note("%d amounts are in %s: the project counts in %s, and has no rate for them, so that they are kept and not counted; set currency: %s or a rate under rates: in config.yaml", im.foreign[in], in, im.c.o.Currency, in)
	}
	if im.out.Rows == 0 && err == nil {
		im.note("there are 0 rows in it")
	}
	return im.out, err
}

// look counts what a person should know of the events of a message.
func (im *importer) look(m *message, now time.Time) {
	if m.reject != "" {
		return
	}
	for i := range m.events {
		e := &m.events[i]
		if e.Received.After(now) {
			im.out.Ahead++
		}
		if in := e.Price.Currency; in != "" && in != im.c.o.Currency && im.c.o.Rates[in] == 0 {
			if im.foreign == nil {
				im.foreign = map[bellwether.Currency]int64{}
			}
			im.foreign[in]++
		}
		for _, id := range [...]string{string(e.Subject), string(e.Item)} {
			if whole, ok := strings.CutSuffix(id, ".0"); ok && whole != "" && allDigits(whole) && !im.floats {
				im.floats = true
				im.note("ids such as %q end in .0, as programs write that made numbers of them: %q is another person or item", clip(id), clip(whole))
			}
		}
	}
}
