package collect

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/parquet-go/parquet-go"
)

// maxParquet is how large a Parquet file may be: its footer lies at the end, so it is read whole.
const maxParquet = 1 << 30

// parquet reads a Parquet file of flat columns.
func (i *importer) parquet(in *bufio.Reader) (err error) {
	data, err := io.ReadAll(io.LimitReader(in, maxParquet+1))
	if err != nil {
		return err
	}
	if len(data) > maxParquet {
		return fmt.Errorf("%w: a Parquet file of more than %d bytes; split it", ErrFormat, maxParquet)
	}
	defer func() {
		if p := recover(); p != nil { // the reader of damaged files is not ours
			err = fmt.Errorf("%w: the Parquet file is damaged: %v", ErrFormat, p)
		}
	}()
	f, err := parquet.OpenFile(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrFormat, err)
	}
	var columns []string
	for _, path := range f.Schema().Columns() {
		columns = append(columns, strings.Join(path, "."))
	}
	return i.parquetRows(f, columns)
}

func (i *importer) parquetRows(f *parquet.File, columns []string) error {
	var reader *rowReader
	line := int64(0)
	buffer := make([]parquet.Row, 100)
	for _, group := range f.RowGroups() {
		rows := group.Rows()
		for {
			n, err := rows.ReadRows(buffer)
			var texts [][]string
			for _, r := range buffer[:n] {
				texts = append(texts, parquetTexts(r, len(columns)))
			}
			if reader == nil && n > 0 {
				var bound error
				if reader, bound = i.bind(columns, texts, ','); bound != nil {
					return errors.Join(bound, rows.Close())
				}
			}
			for _, values := range texts {
				line++
				if err := i.add(reader.message(row{line: line, raw: []byte(joinRow(values)), values: values})); err != nil {
					return errors.Join(err, rows.Close())
				}
			}
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return errors.Join(fmt.Errorf("%w: row %d: %w", ErrFormat, line+1, err), rows.Close())
			}
		}
		if err := rows.Close(); err != nil {
			return err
		}
	}
	return nil
}

// parquetTexts are the values of a row by column; of a repeated column the last.
func parquetTexts(r parquet.Row, columns int) []string {
	out := make([]string, columns)
	for _, v := range r {
		if at := v.Column(); at >= 0 && at < columns && !v.IsNull() {
			out[at] = v.String()
		}
	}
	return out
}
