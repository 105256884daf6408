package lake

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"bellwether"
	"bellwether/store"
)

// manifestName begins, as states do, with what readers of Parquet folders pass over.
const manifestName = "_manifest.json"

// ManifestVersion is the version of the layout and the columns that this program writes.
const ManifestVersion = 1

// Manifest says what a lake holds since its last whole turn.
type Manifest struct {
	Version  int                 `json:"version"`
	Turn     int64               `json:"turn"`   // how many have written here
	Cursor   uint64              `json:"cursor"` // of the log
	AsOf     time.Time           `json:"as_of"`
	Buckets  int                 `json:"buckets"`
	Currency bellwether.Currency `json:"currency,omitempty"` // of amounts in outcomes
	Tables   map[string]*Table   `json:"tables"`
	Waiting  int64               `json:"waiting,omitempty"` // at most so many rows are as they were, see [Report]
	Changed  []string            `json:"changed"`           // files that this turn wrote or deleted; null: any
}

// Table counts the rows of a table.
type Table struct {
	Rows int64              `json:"rows"`
	Days map[string][]int64 `json:"days"` // by bucket
}

// ReadManifest returns the lake's manifest; an empty one before the first turn.
func ReadManifest(ctx context.Context, t Target) (*Manifest, error) {
	m := &Manifest{Version: ManifestVersion, Buckets: Buckets, Tables: map[string]*Table{}}
	b, err := content(ctx, t, manifestName)
	if errors.Is(err, store.ErrNotFound) {
		return m, nil
	}
	if err == nil {
		err = json.Unmarshal(b, m)
	}
	if err != nil {
		return nil, fmt.Errorf("lake: reading the manifest: %w", err)
	}
	if m.Version > ManifestVersion || m.Buckets != Buckets {
		return nil, fmt.Errorf("lake: it has version %d and %d buckets, this program writes version %d and %d: use a newer program, or another folder",
			m.Version, m.Buckets, ManifestVersion, Buckets)
	}
	return m, nil
}

// Written reports whether a turn has ended that wrote the lake.
func Written(ctx context.Context, t Target) bool {
	m, err := ReadManifest(ctx, t)
	return err == nil && m.Turn > 0
}

func (m *Manifest) write(ctx context.Context, t Target) error {
	b, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("lake: writing the manifest: %w", err)
	}
	return t.Put(ctx, manifestName, bytes.NewReader(b))
}

// manifest is m after what became of the buckets.
func (w *Writer) manifest(m *Manifest, results []result) *Manifest {
	m.Version, m.Turn, m.Cursor, m.AsOf, m.Currency, m.Changed = ManifestVersion, m.Turn+1, w.o.Cursor, w.o.AsOf.UTC(), w.o.Currency, []string{}
	for bucket := range results {
		if results[bucket].anew {
			for _, table := range m.Tables {
				for _, counts := range table.Days {
					counts[bucket] = 0
				}
			}
		}
	}
	for bucket := range results {
		for d, n := range results[bucket].rows {
			m.count(d, bucket, n)
		}
	}
	w.report.Rows = make(map[string]int64)
	for name, table := range m.Tables {
		table.Rows = 0
		for date, counts := range table.Days {
			sum := int64(0)
			for _, n := range counts {
				sum += n
			}
			if table.Rows += sum; sum == 0 {
				delete(table.Days, date)
			}
		}
		w.report.Rows[name] = table.Rows
	}
	m.Waiting = w.report.Waiting
	m.changed(results)
	return m
}

func (m *Manifest) count(d day, bucket int, rows int64) {
	name := tables[d.table]
	if m.Tables[name] == nil {
		m.Tables[name] = &Table{Days: map[string][]int64{}}
	}
	date := dateOf(d)
	table := m.Tables[name]
	if table.Days[date] == nil {
		table.Days[date] = make([]int64, Buckets)
	}
	table.Days[date][bucket] = rows
}

// changed lists the files that were written or deleted, in order; none where a bucket was written anew: then all are to be read.
func (m *Manifest) changed(results []result) {
	for bucket := range results {
		if results[bucket].anew && results[bucket].files > 0 {
			m.Changed = nil
			return
		}
		for d := range results[bucket].rows {
			m.Changed = append(m.Changed, fileName(d, bucket))
		}
	}
	slices.Sort(m.Changed)
}
