package trees

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"

	"bellwether/tensor/nn"
)

// Flags of a node in a file.
const (
	flagCategory = 1 << iota
	flagMissingLeft
)

// Save implements bellwether.Model.
func (m *Model) Save(w io.Writer) error {
	weights, err := m.weights()
	if err == nil {
		err = nn.WriteWeights(w, weights.Card, weights.Arrays)
	}
	if err != nil {
		return fmt.Errorf("trees: saving: %w", err)
	}
	return nil
}

// weights lists the trees' nodes and leaves one tree after another.
func (m *Model) weights() (*nn.Weights, error) {
	var leaves, features, left, right, rows []int32
	var bins, flags, sets []byte
	values := []float32{}
	for i := range m.trees {
		t := &m.trees[i]
		leaves = append(leaves, int32(len(t.values)))
		values, rows = append(values, t.values...), append(rows, t.rows...)
		for _, n := range t.nodes {
			features, left, right = append(features, n.feature), append(left, n.left), append(right, n.right)
			bins, flags = append(bins, n.bin), append(flags, byte(b2i(n.category)*flagCategory|b2i(n.missingLeft)*flagMissingLeft))
			if n.category {
				for _, word := range t.sets[n.set] {
					sets = binary.LittleEndian.AppendUint64(sets, word)
				}
			}
		}
	}
	text, err := json.Marshal(m.card)
	return &nn.Weights{Card: text, Arrays: []nn.Array{
		integers("leaves", leaves), integers("feature", features), integers("left", left), integers("right", right),
		octets("bin", bins), octets("flags", flags), octets("levels", sets),
		{Name: "value", Shape: []int{len(values)}, Floats: values},
		integers("rows", rows),
	}}, err
}

func octets(name string, b []byte) nn.Array {
	return nn.Array{Name: name, Shape: []int{len(b)}, Bytes: b}
}

// integers is v as four bytes each, little-endian.
func integers(name string, v []int32) nn.Array {
	b := make([]byte, 0, 4*len(v))
	for _, n := range v {
		b = binary.LittleEndian.AppendUint32(b, uint32(n))
	}
	return nn.Array{Name: name, Shape: []int{len(v), 4}, Bytes: b}
}

// Load reads a model that Save wrote. Bytes that are truncated, altered or of another format are an error.
func Load(r io.Reader) (*Model, error) {
	w, err := nn.ReadWeights(r)
	if err == nil {
		var m *Model
		if m, err = restore(w); err == nil {
			return m, nil
		}
	}
	return nil, fmt.Errorf("trees: loading: %w", err)
}

// restore makes a model of what weights returned.
func restore(w *nn.Weights) (*Model, error) {
	var c card
	if err := json.Unmarshal(w.Card, &c); err != nil {
		return nil, fmt.Errorf("%w: its card: %w", nn.ErrFormat, err)
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	m := newModel(c)
	f := reader{w: w}
	leaves := f.integers("leaves")
	a := arrays{
		f.integers("feature"), f.integers("left"), f.integers("right"), f.integers("rows"), f.octets("bin"), f.octets("flags"), f.octets("levels"), f.floats("value"),
	}
	if f.err != nil {
		return nil, f.err
	}
	for i, n := range leaves {
		t, err := a.tree(int(n), c.Columns)
		if err != nil {
			return nil, fmt.Errorf("%w: tree %d: %w", nn.ErrFormat, i, err)
		}
		m.trees = append(m.trees, t)
	}
	if len(a.values)+len(a.features)+len(a.sets) > 0 || len(m.trees)%m.Outputs() != 0 {
		return nil, fmt.Errorf("%w: its arrays are of more trees than it has", nn.ErrFormat)
	}
	return m, nil
}

// check holds the card to what training writes.
func (c *card) check() error {
	o, ok := objectives[c.Objective]
	if c.Family != Family || !ok {
		return fmt.Errorf("%w: family %q, objective %q", nn.ErrMismatch, c.Family, c.Objective)
	}
	if len(c.Start) == 0 || o != Softmax && len(c.Start) != 1 {
		return fmt.Errorf("%w: %d outputs", nn.ErrFormat, len(c.Start))
	}
	for i := range c.Columns {
		col := &c.Columns[i]
		if len(col.Levels) > maxBins || len(col.Bounds) >= maxBins {
			return fmt.Errorf("%w: column %q has too many bins", nn.ErrFormat, col.Name)
		}
	}
	return nil
}

// reader takes arrays of a file; err keeps the first failure.
type reader struct {
	w   *nn.Weights
	err error
}

func (f *reader) octets(name string) []byte {
	a := f.w.Array(name)
	if a == nil || a.Floats != nil {
		if f.err == nil {
			f.err = fmt.Errorf("%w: it lacks %s", nn.ErrFormat, name)
		}
		return nil
	}
	return a.Bytes
}

func (f *reader) integers(name string) []int32 {
	b := f.octets(name)
	out := make([]int32, len(b)/4)
	for i := range out {
		out[i] = int32(binary.LittleEndian.Uint32(b[4*i:]))
	}
	return out
}

func (f *reader) floats(name string) []float32 {
	a := f.w.Array(name)
	if a == nil || a.Floats == nil {
		if f.err == nil {
			f.err = fmt.Errorf("%w: it lacks %s", nn.ErrFormat, name)
		}
		return nil
	}
	for _, v := range a.Floats {
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			f.err = fmt.Errorf("%w: %s is not finite", nn.ErrFormat, name)
		}
	}
	return a.Floats
}
