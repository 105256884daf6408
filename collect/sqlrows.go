package collect

import (
	"database/sql"
	"fmt"
	"hash/fnv"
	"io"
	"strconv"
	"time"
)

// sqlTable is the rows of a query as a table.
type sqlTable struct {
	rows  *sql.Rows
	names []string
	n     int64
	into  []any
	seen  map[uint64]int64 // how often there was a row of a hash: rows come in any order
}

func newSQLTable(rows *sql.Rows) (*sqlTable, error) {
	names, err := rows.Columns()
	if err != nil {
		return nil, fmt.Errorf("collect: columns of the query: %w", err)
	}
	t := &sqlTable{rows: rows, names: names, into: make([]any, len(names)), seen: map[uint64]int64{}}
	for i := range t.into {
		t.into[i] = new(any)
	}
	_, err = checkColumns(t.names)
	return t, err
}

func (t *sqlTable) columns() []string { return t.names }

func (t *sqlTable) next() (row, error) {
	if !t.rows.Next() {
		if err := t.rows.Err(); err != nil {
			return row{}, fmt.Errorf("collect: read the query: %w", err)
		}
		return row{}, io.EOF
	}
	if err := t.rows.Scan(t.into...); err != nil {
		return row{}, fmt.Errorf("collect: read row %d of the query: %w", t.n+1, err)
	}
	t.n++
	values := make([]string, len(t.into))
	for i := range t.into {
		values[i] = sqlText(*t.into[i].(*any))
	}
	w := row{line: t.n, raw: joinRow(nil, values), values: values}
	h := fnv.New64a()
	h.Write(w.raw)
	w.equal = t.seen[h.Sum64()]
	t.seen[h.Sum64()]++
	return w, nil
}

// sqlText is a value of a database as text; null is empty.
func sqlText(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case []byte:
		return string(v)
	case time.Time:
		return v.UTC().Format(time.RFC3339Nano)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return fmt.Sprint(v)
}
