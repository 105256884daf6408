package dataset

import (
	"fmt"
	"io"
	"math"
	"time"

	"github.com/parquet-go/parquet-go"

	"bellwether"
)

// said returns p, nil where it points to a zero: the Parquet library writes the zero of a value that is tagged optional
// as null or as zero, by its neighbours (its issue 154).
func said[T comparable](p *T) *T {
	var zero T
	if *p == zero {
		return nil
	}
	return p
}

// parquetStep is a step of a sequence, in its place, with the part of the split that it is for.
type parquetStep struct {
	Subject  string    `parquet:"subject,dict"`
	Position int32     `parquet:"position"`
	Item     *string   `parquet:"item,optional,dict"`
	Type     string    `parquet:"type,dict"`
	Quantity *int32    `parquet:"quantity,optional"`
	Price    *int64    `parquet:"price,optional"`
	Time     time.Time `parquet:"time,timestamp(microsecond)"`
	Part     string    `parquet:"part,dict"` // train, validation, test; later: history alone
}

// WriteSequences writes sequences as Parquet, a row for each step in the order of people and positions.
// The column part says whether a step may be fitted (train), is a target (validation, test) or is
// neither (later).
func WriteSequences(w io.Writer, s *bellwether.Sequences) error {
	parts := make(map[bellwether.Target]string, len(s.Validation)+len(s.Test))
	for _, t := range s.Validation {
		parts[t] = "validation"
	}
	for _, t := range s.Test {
		parts[t] = "test"
	}
	return writeRows(w, func(yield func(parquetStep) error) error {
		for p, steps := range s.Steps {
			for at := range steps {
				step := &steps[at]
				row := parquetStep{
					Subject: string(s.People[p]), Position: int32(at), Type: string(s.Types[step.Type]), Quantity: said(&step.Quantity),
					Price: said(&step.Price), Time: time.Unix(step.Time, 0).UTC(), Part: parts[bellwether.Target{Person: int32(p), At: int32(at)}],
				}
				if step.Item >= 0 {
					row.Item = (*string)(&s.Items[step.Item])
				}
				if row.Part == "" {
					row.Part = "later"
					if at < s.TrainEnd[p] {
						row.Part = "train"
					}
				}
				if err := yield(row); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// rowsAtOnce is how many rows are handed to the Parquet writer together.
const rowsAtOnce = 1024

// writeRows writes the rows that each yields.
func writeRows[T any](w io.Writer, each func(yield func(T) error) error) error {
	out := parquet.NewGenericWriter[T](w, parquet.Compression(&parquet.Zstd))
	batch := make([]T, 0, rowsAtOnce)
	flush := func() error {
		_, err := out.Write(batch)
		batch = batch[:0]
		return err
	}
	err := each(func(row T) error {
		if batch = append(batch, row); len(batch) < rowsAtOnce {
			return nil
		}
		return flush()
	})
	if err == nil {
		err = flush()
	}
	if err == nil {
		err = out.Close()
	}
	if err != nil {
		return fmt.Errorf("prepare: writing Parquet: %w", err)
	}
	return nil
}

// Columns that WriteTable adds to a table's own.
const (
	subjectColumn = "subject"
	targetColumn  = "target"
	splitColumn   = "split"
)

// WriteTable writes a table as Parquet, a row each: the table's columns by name (numbers as doubles,
// categories as strings, null where missing), subject, target, and split (train, validation or test).
// A column of the table with one of those three names is an error. Parquet keeps columns by name.
func WriteTable(w io.Writer, t *bellwether.Table) error {
	group := parquet.Group{
		subjectColumn: parquet.String(), targetColumn: parquet.Leaf(parquet.DoubleType),
		splitColumn: parquet.Encoded(parquet.String(), &parquet.RLEDictionary),
	}
	for i := range t.Columns {
		c := &t.Columns[i]
		if _, ok := group[c.Name]; ok {
			return fmt.Errorf("prepare: writing Parquet: two columns are called %q: rename the table's", c.Name)
		}
		if c.Categorical() {
			group[c.Name] = parquet.Optional(parquet.Encoded(parquet.String(), &parquet.RLEDictionary))
		} else {
			group[c.Name] = parquet.Optional(parquet.Leaf(parquet.DoubleType))
		}
	}
	schema := parquet.NewSchema("table", group)
	out := parquet.NewGenericWriter[any](w, schema, parquet.Compression(&parquet.Zstd))
	for start := 0; start < t.Rows(); start += rowsAtOnce {
		if _, err := out.WriteRows(tableRows(t, schema, start, min(start+rowsAtOnce, t.Rows()))); err != nil {
			return fmt.Errorf("prepare: writing Parquet: %w", err)
		}
	}
	if err := out.Close(); err != nil {
		return fmt.Errorf("prepare: writing Parquet: %w", err)
	}
	return nil
}

// tableRows returns rows start to end in the schema's order of columns.
func tableRows(t *bellwether.Table, schema *parquet.Schema, start, end int) []parquet.Row {
	rows := make([]parquet.Row, end-start)
	columns := make(map[string]*bellwether.Column, len(t.Columns))
	for i := range t.Columns {
		columns[t.Columns[i].Name] = &t.Columns[i]
	}
	for place, path := range schema.Columns() {
		for i := range rows {
			var v parquet.Value
			switch row := start + i; path[0] {
			case subjectColumn:
				v = parquet.ByteArrayValue([]byte(t.Subjects[row])).Level(0, 0, place)
			case targetColumn:
				v = parquet.DoubleValue(t.Target[row]).Level(0, 0, place)
			case splitColumn:
				v = parquet.ByteArrayValue([]byte(splitNames[t.Split[row]])).Level(0, 0, place)
			default:
				v = cell(columns[path[0]], row, place)
			}
			rows[i] = append(rows[i], v)
		}
	}
	return rows
}

var splitNames = map[bellwether.Split]string{bellwether.Train: "train", bellwether.Validation: "validation", bellwether.Test: "test"}

// cell is an optional value: null when missing.
func cell(c *bellwether.Column, row, place int) parquet.Value {
	switch {
	case c.Categorical() && c.Codes[row] >= 0:
		return parquet.ByteArrayValue([]byte(c.Levels[c.Codes[row]])).Level(0, 1, place)
	case !c.Categorical() && !math.IsNaN(c.Numbers[row]):
		return parquet.DoubleValue(c.Numbers[row]).Level(0, 1, place)
	}
	return parquet.NullValue().Level(0, 0, place)
}
