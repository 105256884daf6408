package collect

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"
)

// maxParquet is how large a Parquet file may be that has to be held in memory, because it was
// packed or comes through a pipe.
const maxParquet = 1 << 30

// parquetTable is a Parquet file as a table: a column a leaf, its path joined by points, values
// of a list by commas.
type parquetTable struct {
	names  []string
	column []int // of a leaf: its place in names
	text   []func(parquet.Value) string
	groups []parquet.RowGroup
	rows   parquet.Rows // of the group that is read; nil: none is open
	buffer []parquet.Row
	ready  []parquet.Row
	n      int64
}

func newParquetTable(s *source) (t *parquetTable, err error) {
	defer parquetPanic(&err)
	at, size, err := randomAccess(s)
	if err != nil {
		return nil, err
	}
	if err := checkFooter(at, size); err != nil {
		return nil, fmt.Errorf("%w: it begins as Parquet does, but %w", ErrFormat, err)
	}
	f, err := parquet.OpenFile(at, size, parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err != nil {
		return nil, fmt.Errorf("%w: it begins as Parquet does, but: %w", ErrFormat, err)
	}
	if err := checkPages(at, size, f.Metadata()); err != nil {
		return nil, fmt.Errorf("%w: broken Parquet: %w", ErrFormat, err)
	}
	t = &parquetTable{buffer: make([]parquet.Row, 256)}
	for _, g := range f.RowGroups() {
		if g.NumRows() > 0 { // an empty group has no pages to look for
			t.groups = append(t.groups, g)
		}
	}
	for _, path := range f.Schema().Columns() {
		leaf, _ := f.Schema().Lookup(path...)
		name := strings.TrimSuffix(strings.Join(path, "."), ".list.element")
		i := slices.Index(t.names, name)
		if i < 0 {
			i = len(t.names)
			t.names = append(t.names, name)
		}
		t.column = append(t.column, i)
		t.text = append(t.text, parquetText(leaf.Node))
	}
	_, err = checkColumns(t.names)
	return t, err
}

// randomAccess is s for reading anywhere: the file itself, or a copy in memory.
func randomAccess(s *source) (io.ReaderAt, int64, error) {
	type file interface {
		io.ReaderAt
		io.Seeker
	}
	if f, ok := s.plain.(file); ok {
		if size, err := f.Seek(0, io.SeekEnd); err == nil {
			return f, size, nil
		}
	}
	b, err := io.ReadAll(io.LimitReader(s, maxParquet+1))
	if err != nil {
		return nil, 0, broken(err)
	}
	if len(b) > maxParquet {
		return nil, 0, fmt.Errorf("%w: Parquet of more than %d bytes is read from a file that is not packed", ErrFormat, maxParquet)
	}
	return bytes.NewReader(b), int64(len(b)), nil
}

// parquetPanic turns a panic of the Parquet reader, which does not expect hostile files, into an error.
func parquetPanic(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("%w: broken Parquet: %v", ErrFormat, p)
	}
}

func (t *parquetTable) columns() []string { return t.names }

func (t *parquetTable) next() (w row, err error) {
	defer parquetPanic(&err)
	for len(t.ready) == 0 {
		if err := t.fill(); err != nil {
			return row{}, err
		}
	}
	r := t.ready[0]
	t.ready = t.ready[1:]
	t.n++
	values := make([]string, len(t.names))
	for _, v := range r {
		c := v.Column()
		if c < 0 || c >= len(t.column) {
			continue
		}
		text := ""
		if !v.IsNull() {
			text = t.text[c](v)
		}
		if to := &values[t.column[c]]; v.RepetitionLevel() > 0 {
			*to += "," + text // a null keeps its place in a list
		} else if text != "" {
			*to = text
		} else if !v.IsNull() && t.names[t.column[c]] == "consent" {
			*to = noPurpose // said, and empty: of this program's own export
		}
	}
	return row{line: t.n, raw: joinRow(nil, values), values: values}, nil
}

// fill reads the next rows, of the next group where one ended.
func (t *parquetTable) fill() error {
	if t.rows == nil {
		if len(t.groups) == 0 {
			return io.EOF
		}
		t.rows, t.groups = t.groups[0].Rows(), t.groups[1:]
	}
	n, err := t.rows.ReadRows(t.buffer)
	t.ready = t.buffer[:n]
	switch {
	case errors.Is(err, io.EOF):
		err = t.rows.Close()
		t.rows = nil
	case err == nil && n == 0:
		err = io.ErrNoProgress
	}
	if err != nil {
		return fmt.Errorf("%w: broken Parquet after %d rows: %w", ErrFormat, t.n, err)
	}
	return nil
}

// parquetText returns what turns the values of a column into text.
func parquetText(node parquet.Node) func(parquet.Value) string {
	if logical := node.Type().LogicalType(); logical != nil {
		switch l := logical.Value.(type) {
		case *format.TimestampType:
			unit := unitOf(l.Unit)
			return func(v parquet.Value) string { return unixText(v.Int64(), unit) }
		case *format.DateType:
			return func(v parquet.Value) string { return time.Unix(int64(v.Int32())*86400, 0).UTC().Format(time.DateOnly) }
		case *format.IntType:
			if !l.IsSigned && node.Type().Kind() == parquet.Int32 {
				return func(v parquet.Value) string { return strconv.FormatUint(uint64(uint32(v.Int32())), 10) }
			}
			if !l.IsSigned && node.Type().Kind() == parquet.Int64 {
				return func(v parquet.Value) string { return strconv.FormatUint(uint64(v.Int64()), 10) }
			}
		case *format.UUIDType:
			return func(v parquet.Value) string { return uuidText(v.ByteArray()) }
		case *format.TimeType:
			unit := unitOf(l.Unit)
			return func(v parquet.Value) string {
				n := v.Int64()
				if node.Type().Kind() == parquet.Int32 {
					n = int64(v.Int32())
				}
				return time.Unix(0, 0).UTC().Add(time.Duration(n) * unit).Format("15:04:05.999999999")
			}
		case *format.Float16Type:
			return func(v parquet.Value) string { return float16Text(v.ByteArray()) }
		case *format.DecimalType:
			return func(v parquet.Value) string { return decimalText(v, int(l.Scale)) }
		}
	}
	switch node.Type().Kind() {
	case parquet.Int96:
		return int96Text
	case parquet.Double:
		return func(v parquet.Value) string { return strconv.FormatFloat(v.Double(), 'f', -1, 64) }
	case parquet.Float:
		return func(v parquet.Value) string { return strconv.FormatFloat(float64(v.Float()), 'f', -1, 32) }
	}
	return parquet.Value.String
}

// uuidText writes the sixteen bytes of a UUID.
func uuidText(b []byte) string {
	if len(b) != 16 {
		return hex.EncodeToString(b)
	}
	h := hex.EncodeToString(b)
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// float16Text writes a number of IEEE 754's half precision.
func float16Text(b []byte) string {
	if len(b) != 2 {
		return ""
	}
	n := uint32(b[0]) | uint32(b[1])<<8
	sign, exponent, fraction := 1.0, int(n>>10&31), float64(n&1023)
	if n&0x8000 != 0 {
		sign = -1
	}
	switch exponent {
	case 31:
		return "" // no number
	case 0:
		return strconv.FormatFloat(sign*math.Ldexp(fraction, -24), 'f', -1, 32)
	}
	return strconv.FormatFloat(sign*math.Ldexp(1024+fraction, exponent-25), 'f', -1, 32)
}

func unitOf(u format.TimeUnit) time.Duration {
	switch u.Value.(type) {
	case *format.MilliSeconds:
		return time.Millisecond
	case *format.MicroSeconds:
		return time.Microsecond
	}
	return time.Nanosecond
}

func unixText(n int64, unit time.Duration) string {
	per := int64(time.Second / unit)
	return time.Unix(n/per, n%per*int64(unit)).UTC().Format(time.RFC3339Nano)
}

// int96Text is the time of Impala and old Spark: nanoseconds of the day and the Julian day.
func int96Text(v parquet.Value) string {
	n := v.Int96()
	const julian = 2440588 // of 1970-01-01
	nanos := int64(n[1])<<32 | int64(n[0])
	return time.Unix((int64(n[2])-julian)*86400, nanos).UTC().Format(time.RFC3339Nano)
}

// decimalText writes an unscaled number with its point.
func decimalText(v parquet.Value, scale int) string {
	n := new(big.Int)
	switch v.Kind() {
	case parquet.Int32:
		n.SetInt64(int64(v.Int32()))
	case parquet.Int64:
		n.SetInt64(v.Int64())
	default: // big-endian two's complement
		b := v.ByteArray()
		n.SetBytes(b)
		if len(b) > 0 && b[0]&0x80 != 0 {
			n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
		}
	}
	if scale < 0 || scale > 38 {
		return n.String()
	}
	return new(big.Rat).SetFrac(n, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil)).FloatString(scale)
}
