package collect

import (
	"context"
	"database/sql"
	"io"

	"bellwether"
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

// Import reads src to its end and writes what it holds.
func (c *Collector) Import(ctx context.Context, src io.Reader, o ImportOptions, report func(bellwether.Progress)) (ImportReport, error) {
	return ImportReport{}, io.ErrUnexpectedEOF
}

// ImportRows is Import for the rows of a database query.
func (c *Collector) ImportRows(ctx context.Context, rows *sql.Rows, o ImportOptions, report func(bellwether.Progress)) (ImportReport, error) {
	return ImportReport{}, io.ErrUnexpectedEOF
}
