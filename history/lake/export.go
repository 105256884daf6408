package lake

import (
	"bufio"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/parquet-go/parquet-go"
)

// Formats of an export.
const (
	Parquet   = "parquet"
	CSV       = "csv"
	JSONLines = "jsonl"
)

// Export writes a table's rows to w as one Parquet file, as CSV with a header, or as JSON lines. It holds one of the lake's files and a
// part of the output in memory.
func Export(ctx context.Context, t Target, table, format string, f Filter, w io.Writer) error {
	switch table {
	case Events:
		return export[EventRow](ctx, t, format, f, w)
	case Decisions:
		return export[DecisionRow](ctx, t, format, f, w)
	case Outcomes:
		return export[OutcomeRow](ctx, t, format, f, w)
	}
	return fmt.Errorf("lake: there is no table %q; the tables are %s", table, strings.Join(tables, ", "))
}

func export[R Row](ctx context.Context, t Target, format string, f Filter, w io.Writer) error {
	switch format {
	case Parquet:
		return exportParquet[R](ctx, t, f, w)
	case CSV:
		return exportCSV[R](ctx, t, f, w)
	case JSONLines:
		b := bufio.NewWriter(w)
		e := json.NewEncoder(b)
		e.SetEscapeHTML(false)
		if err := Each(ctx, t, f, func(r *R) error { return e.Encode(r) }); err != nil {
			return err
		}
		return b.Flush()
	}
	return fmt.Errorf("lake: there is no format %q; the formats are %s, %s and %s", format, Parquet, CSV, JSONLines)
}

// rowsOfGroup is how many rows a group of an exported Parquet file has: they are held in memory.
const rowsOfGroup = 128 << 10

func exportParquet[R Row](ctx context.Context, t Target, f Filter, w io.Writer) error {
	out := parquet.NewGenericWriter[R](w, parquet.Compression(&parquet.Zstd), parquet.MaxRowsPerRowGroup(rowsOfGroup))
	batch := make([]R, 0, rowsAtOnce)
	flush := func() error {
		_, err := out.Write(batch)
		batch = batch[:0]
		return err
	}
	err := Each(ctx, t, f, func(r *R) error {
		if batch = append(batch, *r); len(batch) < rowsAtOnce {
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
		return fmt.Errorf("lake: writing Parquet: %w", err)
	}
	return nil
}

func exportCSV[R Row](ctx context.Context, t Target, f Filter, w io.Writer) error {
	kind := reflect.TypeFor[R]()
	cells := make([]string, kind.NumField())
	for i := range cells {
		cells[i], _, _ = strings.Cut(kind.Field(i).Tag.Get("parquet"), ",")
	}
	out := csv.NewWriter(w)
	if err := out.Write(cells); err != nil {
		return fmt.Errorf("lake: writing CSV: %w", err)
	}
	err := Each(ctx, t, f, func(r *R) error {
		row := reflect.ValueOf(r).Elem()
		for i := range cells {
			var err error
			if cells[i], err = cell(row.Field(i)); err != nil {
				return err
			}
		}
		return out.Write(cells)
	})
	if out.Flush(); err == nil {
		err = out.Error()
	}
	if err != nil {
		return fmt.Errorf("lake: writing CSV: %w", err)
	}
	return nil
}

// timeText is RFC 3339 to the microsecond, always of one length.
const timeText = "2006-01-02T15:04:05.000000Z"

// cell is a value as text: "" for null, JSON for what has parts.
func cell(v reflect.Value) (string, error) {
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return "", nil
		}
		v = v.Elem()
	}
	switch x := v.Interface().(type) {
	case string:
		return x, nil
	case time.Time:
		return x.UTC().Format(timeText), nil
	case Decimal:
		return x.String(), nil
	case []string:
		return strings.Join(x, ","), nil
	}
	switch v.Kind() {
	case reflect.Int32, reflect.Int64:
		return strconv.FormatInt(v.Int(), 10), nil
	case reflect.Uint64:
		return strconv.FormatUint(v.Uint(), 10), nil
	case reflect.Bool:
		return strconv.FormatBool(v.Bool()), nil
	case reflect.Float64:
		return strconv.FormatFloat(v.Float(), 'g', -1, 64), nil
	}
	b, err := json.Marshal(v.Interface())
	return string(b), err
}
