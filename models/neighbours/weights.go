package neighbours

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"bellwether/tensor"
	"bellwether/tensor/nn"
)

// Limits of a file that is read.
const (
	maxTables = 8
	maxRecent = 1 << 16
)

var families = []string{
	Popularity{}.Family(), Popularity7Days{}.Family(), Markov{}.Family(),
	ItemKNN{}.Family(), Rules{}.Family(), Blend{}.Family(),
	SeenBefore{}.Family(), LastItem{}.Family(), OwnFrequent{}.Family(),
}

// Families lists the kinds of model that Load restores.
func Families() []string { return slices.Clone(families) }

// card is what a file says beside its arrays (docs/formats/weights.md).
type card struct {
	Family string      `json:"family"`
	Tables []tableCard `json:"tables,omitempty"`
}

type tableCard struct {
	Recent int     `json:"recent"`
	Decay  float32 `json:"decay"`
}

// Save writes the model; Load restores it with equal scores.
func (m *Model) Save(w io.Writer) error {
	weights, err := m.Weights()
	if err == nil {
		err = nn.WriteWeights(w, weights.Card, weights.Arrays)
	}
	if err != nil {
		return fmt.Errorf("save %s: %w", m.family, err)
	}
	return nil
}

// Weights returns what Save writes. The arrays may be the model's own: they must not be changed.
func (m *Model) Weights() (*nn.Weights, error) {
	vocabulary, err := json.Marshal(m.items)
	if err != nil {
		return nil, err
	}
	arrays := []nn.Array{
		{Name: "vocabulary", Shape: []int{len(vocabulary)}, Bytes: vocabulary},
		floats("popularity", m.base),
	}
	c := card{Family: m.family}
	for i := range m.tables {
		t := &m.tables[i]
		c.Tables = append(c.Tables, tableCard{t.recent, t.decay})
		lengths := make([]int32, len(t.start)-1)
		for r := range lengths {
			lengths[r] = int32(t.start[r+1] - t.start[r])
		}
		name := fmt.Sprintf("tables.%d.", i)
		arrays = append(arrays, integers(name+"lengths", lengths), integers(name+"columns", t.columns), floats(name+"values", t.values))
	}
	text, err := json.Marshal(c)
	return &nn.Weights{Card: text, Arrays: arrays}, err
}

func floats(name string, v []float32) nn.Array {
	if v == nil {
		v = []float32{}
	}
	return nn.Array{Name: name, Shape: []int{len(v)}, Floats: v}
}

// integers is v as four bytes each, little-endian.
func integers(name string, v []int32) nn.Array {
	b := make([]byte, 0, 4*len(v))
	for _, n := range v {
		b = binary.LittleEndian.AppendUint32(b, uint32(n))
	}
	return nn.Array{Name: name, Shape: []int{len(v), 4}, Bytes: b}
}

// Load restores a model that Save wrote. Bytes that are truncated, altered or of another format
// are an error.
func Load(r io.Reader) (*Model, error) {
	w, err := nn.ReadWeights(r)
	if err != nil {
		return nil, fmt.Errorf("load a model of neighbours: %w", err)
	}
	return Restore(w)
}

// Restore makes a model of what Weights returned; it keeps the arrays.
func Restore(w *nn.Weights) (*Model, error) {
	m, err := restore(w)
	if err != nil {
		return nil, fmt.Errorf("load a model of neighbours: %w", err)
	}
	return m, nil
}

func restore(w *nn.Weights) (*Model, error) {
	var c card
	if err := json.Unmarshal(w.Card, &c); err != nil {
		return nil, fmt.Errorf("%w: its card: %w", nn.ErrFormat, err)
	}
	if !slices.Contains(families, c.Family) {
		return nil, fmt.Errorf("%w: the family %q is not one of %q", nn.ErrMismatch, c.Family, families)
	}
	if len(c.Tables) > maxTables {
		return nil, fmt.Errorf("%w: it has %d tables, more than %d", nn.ErrFormat, len(c.Tables), maxTables)
	}
	m := &Model{family: c.Family, own: owns[c.Family]}
	if a := w.Array("vocabulary"); a == nil || json.Unmarshal(a.Bytes, &m.items) != nil {
		return nil, fmt.Errorf("%w: it lacks a vocabulary", nn.ErrFormat)
	}
	var err error
	if m.base, err = readFloats(w, "popularity", len(m.items)); err != nil {
		return nil, err
	}
	for i, t := range c.Tables {
		if t.Recent < 0 || t.Recent > maxRecent {
			return nil, fmt.Errorf("%w: table %d looks at %d items, more than %d", nn.ErrFormat, i, t.Recent, maxRecent)
		}
		rows, err := readMatrix(w, fmt.Sprintf("tables.%d.", i), len(m.items))
		if err != nil {
			return nil, err
		}
		m.tables = append(m.tables, table{matrix: rows, recent: t.Recent, decay: t.Decay})
	}
	return m, nil
}

// readMatrix reads a matrix of items × items.
func readMatrix(w *nn.Weights, name string, items int) (matrix, error) {
	lengths, err := readIntegers(w, name+"lengths", items)
	if err != nil {
		return matrix{}, err
	}
	m := matrix{start: make([]int, 1, items+1)}
	for r, n := range lengths {
		if n < 0 || int(n) > items {
			return matrix{}, fmt.Errorf("%w: row %d of %s has %d columns of %d", nn.ErrFormat, r, name, n, items)
		}
		m.start = append(m.start, m.start[r]+int(n))
	}
	count := m.start[items]
	if m.columns, err = readIntegers(w, name+"columns", count); err != nil {
		return matrix{}, err
	}
	if m.values, err = readFloats(w, name+"values", count); err != nil {
		return matrix{}, err
	}
	for r := range items {
		last := int32(-1)
		columns, _ := m.row(r)
		for _, c := range columns {
			if c <= last || int(c) >= items {
				return matrix{}, fmt.Errorf("%w: row %d of %s has column %d after %d, of %d", nn.ErrFormat, r, name, c, last, items)
			}
			last = c
		}
	}
	return m, nil
}

func readFloats(w *nn.Weights, name string, n int) ([]float32, error) {
	a := w.Array(name)
	if a == nil || a.Floats == nil || len(a.Floats) != n {
		return nil, fmt.Errorf("%w: it does not have %d numbers in %s", nn.ErrFormat, n, name)
	}
	if i := tensor.CheckFinite(a.Floats); i >= 0 {
		return nil, fmt.Errorf("%w: number %d of %s is not finite", nn.ErrFormat, i, name)
	}
	return a.Floats, nil
}

func readIntegers(w *nn.Weights, name string, n int) ([]int32, error) {
	a := w.Array(name)
	if a == nil || a.Floats != nil || len(a.Bytes) != 4*n {
		return nil, fmt.Errorf("%w: it does not have %d integers in %s", nn.ErrFormat, n, name)
	}
	out := make([]int32, n)
	for i := range out {
		out[i] = int32(binary.LittleEndian.Uint32(a.Bytes[4*i:]))
	}
	return out, nil
}
