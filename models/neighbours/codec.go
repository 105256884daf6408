package neighbours

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"slices"

	"bellwether"
)

// The file: magic, family, vocabulary, base, tables, CRC-32C of all that comes before it. Numbers
// are uvarint or little-endian float32; columns of a row are stored as gaps.
const (
	magic       = "BWNB\x01"
	maxTables   = 8
	maxRecent   = 1 << 16
	reservation = 1 << 16 // most values that are reserved before their bytes were seen
)

var families = []string{
	Popularity{}.Family(), Popularity7Days{}.Family(), Markov{}.Family(),
	ItemKNN{}.Family(), Rules{}.Family(), Blend{}.Family(),
}

// Families lists the kinds of model that Load restores.
func Families() []string { return slices.Clone(families) }

// Save writes the model; Load restores it with equal scores.
func (m *Model) Save(w io.Writer) error {
	e := &encoder{w: bufio.NewWriter(w)}
	e.bytes([]byte(magic))
	e.text(m.family)
	e.number(len(m.items))
	for _, id := range m.items {
		if len(id) > bellwether.MaxIDLength {
			return fmt.Errorf("save %s: item %.40q… has %d bytes, more than %d", m.family, id, len(id), bellwether.MaxIDLength)
		}
		e.text(string(id))
	}
	for _, v := range m.base {
		e.float(v)
	}
	e.number(len(m.tables))
	for i := range m.tables {
		e.table(&m.tables[i])
	}
	e.bytes(binary.LittleEndian.AppendUint32(nil, e.sum))
	if e.err == nil {
		e.err = e.w.Flush()
	}
	if e.err != nil {
		return fmt.Errorf("save %s: %w", m.family, e.err)
	}
	return nil
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

type encoder struct {
	w       *bufio.Writer
	sum     uint32
	scratch []byte
	err     error
}

func (e *encoder) bytes(b []byte) {
	e.sum = crc32.Update(e.sum, castagnoli, b)
	if e.err == nil {
		_, e.err = e.w.Write(b)
	}
}

func (e *encoder) number(v int) {
	e.scratch = binary.AppendUvarint(e.scratch[:0], uint64(v))
	e.bytes(e.scratch)
}

func (e *encoder) float(v float32) {
	e.scratch = binary.LittleEndian.AppendUint32(e.scratch[:0], math.Float32bits(v))
	e.bytes(e.scratch)
}

func (e *encoder) text(s string) {
	e.number(len(s))
	e.bytes([]byte(s))
}

func (e *encoder) table(t *table) {
	e.number(t.recent)
	e.float(t.decay)
	for r := range len(t.start) - 1 {
		columns, values := t.row(r)
		e.number(len(columns))
		last := int32(-1)
		for k, c := range columns {
			e.number(int(c - last - 1))
			e.float(values[k])
			last = c
		}
	}
}

// Load restores a model that Save wrote. Bytes that are truncated, altered or of another format
// are an error.
func Load(r io.Reader) (*Model, error) {
	d := &decoder{r: bufio.NewReader(r)}
	m := d.model()
	sum := d.sum
	tail := d.bytes(4)
	if d.err == nil && binary.LittleEndian.Uint32(tail) != sum {
		d.fail("the checksum does not match: the file is damaged, train again or restore it")
	}
	if d.err != nil {
		return nil, fmt.Errorf("load a model of neighbours: %w", d.err)
	}
	return m, nil
}

type decoder struct {
	r       *bufio.Reader
	sum     uint32
	scratch [bellwether.MaxIDLength + 1]byte
	err     error
}

func (d *decoder) fail(format string, args ...any) {
	if d.err == nil {
		d.err = fmt.Errorf(format, args...)
	}
}

// bytes returns the next n ≤ len(scratch) bytes, zeros after an error. The next call overwrites them.
func (d *decoder) bytes(n int) []byte {
	b := d.scratch[:n]
	if d.err == nil {
		_, d.err = io.ReadFull(d.r, b)
		if errors.Is(d.err, io.EOF) {
			d.err = io.ErrUnexpectedEOF
		}
	}
	if d.err != nil {
		clear(b)
	}
	d.sum = crc32.Update(d.sum, castagnoli, b)
	return b
}

// ReadByte makes the decoder an io.ByteReader, for uvarints.
func (d *decoder) ReadByte() (byte, error) { return d.bytes(1)[0], d.err }

// number returns the next uvarint if it is at most most.
func (d *decoder) number(what string, most int) int {
	v, err := binary.ReadUvarint(d)
	if err != nil {
		d.fail("%w", err)
	}
	if d.err == nil && v > uint64(most) {
		d.fail("%s is %d, more than %d", what, v, most)
	}
	if d.err != nil {
		return 0
	}
	return int(v)
}

func (d *decoder) float(what string) float32 {
	v := math.Float32frombits(binary.LittleEndian.Uint32(d.bytes(4)))
	if v != v || v > math.MaxFloat32 || v < -math.MaxFloat32 {
		d.fail("%s is not a finite number", what)
	}
	return v
}

func (d *decoder) text(what string) string {
	return string(d.bytes(d.number("the length of "+what, bellwether.MaxIDLength)))
}

func (d *decoder) model() *Model {
	if got := string(d.bytes(len(magic))); d.err == nil && got != magic {
		d.fail("the file begins with %q, not with %q", got, magic)
	}
	m := &Model{family: d.text("the family")}
	if d.err == nil && !slices.Contains(families, m.family) {
		d.fail("the family %q is not one of %q", m.family, families)
	}
	n := d.number("the count of items", math.MaxInt32-1)
	m.items = make([]bellwether.ItemID, 0, min(n, reservation))
	for i := 0; i < n && d.err == nil; i++ {
		m.items = append(m.items, bellwether.ItemID(d.text("an item's id")))
	}
	m.base = make([]float32, 0, min(n, reservation))
	for i := 0; i < n && d.err == nil; i++ {
		m.base = append(m.base, d.float("a base score"))
	}
	for i := d.number("the count of tables", maxTables); i > 0 && d.err == nil; i-- {
		m.tables = append(m.tables, d.table(n))
	}
	return m
}

func (d *decoder) table(n int) table {
	t := table{recent: d.number("the count of recent items", maxRecent), decay: d.float("a decay")}
	t.start = make([]int, 1, min(n, reservation)+1)
	for r := 0; r < n && d.err == nil; r++ {
		last := -1
		for k := d.number("the length of a row", n); k > 0 && d.err == nil; k-- {
			last += 1 + d.number("a column's gap", n)
			if last >= n {
				d.fail("row %d has column %d of %d", r, last, n)
				break
			}
			t.columns, t.values = append(t.columns, int32(last)), append(t.values, d.float("a value"))
		}
		t.start = append(t.start, len(t.columns))
	}
	return t
}
