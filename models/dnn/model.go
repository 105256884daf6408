package dnn

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"sync"

	"bellwether"
	"bellwether/internal/tabular"
	"bellwether/tensor"
	"bellwether/tensor/nn"
)

// The families of this package.
const (
	Network  = "dnn"
	Logistic = "logistic"
	Majority = "majority"
)

// Model is a trained classifier.
type Model struct {
	card    card
	params  nn.Params
	network nn.Sequential
	passes  sync.Pool // of *nn.Pass
}

// card is what a file says beside the weights.
type card struct {
	Family   string  `json:"family"`
	Hidden   []int   `json:"hidden,omitempty"`
	Dropout  float32 `json:"dropout,omitempty"`
	Encoder  Encoder `json:"encoder"`
	Positive string  `json:"positive,omitempty"` // the level of the target that counts as 1
}

var _ bellwether.Classifier = (*Model)(nil)

func newModel(c card, seed uint64) *Model {
	m := &Model{card: c}
	m.passes.New = func() any { return new(nn.Pass) }
	b := nn.NewBuilder(seed)
	width := c.Encoder.Width
	for i, hidden := range c.Hidden {
		m.network = append(m.network, b.Dense(fmt.Sprintf("hidden.%d", i), width, hidden, tensor.ActReLU), b.Dropout(c.Dropout))
		width = hidden
	}
	m.network = append(m.network, b.Dense("out", width, 1, tensor.Identity))
	m.network[0].(*nn.Dense).First = true
	m.params = b.Params()
	m.params.Pack()
	return m
}

// Family implements bellwether.Model.
func (m *Model) Family() string { return m.card.Family }

// Parameters returns the number of weights.
func (m *Model) Parameters() int64 { return m.params.Count() }

// Save implements bellwether.Model.
func (m *Model) Save(w io.Writer) error {
	if err := nn.WriteWeights(w, m.card, m.params.Arrays()); err != nil {
		return fmt.Errorf("dnn: saving %s: %w", m.card.Family, err)
	}
	return nil
}

// Load reads a model of one of this package's families.
func Load(r io.Reader) (*Model, error) {
	w, err := nn.ReadWeights(r)
	if err != nil {
		return nil, fmt.Errorf("dnn: loading: %w", err)
	}
	var c card
	if err := json.Unmarshal(w.Card, &c); err != nil {
		return nil, fmt.Errorf("dnn: loading: %w: its card: %w", nn.ErrFormat, err)
	}
	if err := c.check(w); err != nil {
		return nil, fmt.Errorf("dnn: loading: %w", err)
	}
	m := newModel(c, 0)
	if err := m.params.Restore(w); err != nil {
		return nil, fmt.Errorf("dnn: loading: %w", err)
	}
	m.params.Pack()
	return m, nil
}

// check holds the card against the arrays before anything of its size is made.
func (c *card) check(w *nn.Weights) error {
	if !slices.Contains([]string{Network, Logistic, Majority}, c.Family) {
		return fmt.Errorf("%w: family %q", nn.ErrMismatch, c.Family)
	}
	width := 0
	for i := range c.Encoder.Columns {
		if c.Encoder.Columns[i].First != width {
			return fmt.Errorf("%w: column %q", nn.ErrFormat, c.Encoder.Columns[i].Name)
		}
		width += c.Encoder.Columns[i].width()
	}
	if width != c.Encoder.Width {
		return fmt.Errorf("%w: %d inputs of columns, not %d", nn.ErrFormat, width, c.Encoder.Width)
	}
	for i, hidden := range c.Hidden {
		a := w.Array(fmt.Sprintf("hidden.%d.weight", i))
		if a == nil || !slices.Equal(a.Shape, []int{hidden, width}) {
			return fmt.Errorf("%w: hidden layer %d", nn.ErrFormat, i)
		}
		width = hidden
	}
	return nil
}

// chunk is the number of rows that Predict encodes at a time.
const chunk = 1024

// Predict implements bellwether.Classifier.
func (m *Model) Predict(ctx context.Context, t *bellwether.Table) ([]float64, error) {
	rows, err := tabular.Rows(t)
	if err != nil {
		return nil, fmt.Errorf("dnn: predicting: %w", err)
	}
	out := make([]float64, 0, rows)
	index := make([]int, 0, chunk)
	for first := 0; first < rows; first += chunk {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		index = index[:0]
		for r := first; r < min(rows, first+chunk); r++ {
			index = append(index, r)
		}
		x, err := m.card.Encoder.encode(t, index)
		if err != nil {
			return nil, err
		}
		out = m.appendProbabilities(out, x, len(index))
	}
	return out, nil
}

func (m *Model) appendProbabilities(out []float64, x []float32, rows int) []float64 {
	p := m.passes.Get().(*nn.Pass)
	defer m.passes.Put(p)
	p.Begin(rows, nil)
	for _, logit := range m.network.Forward(p, x)[:rows] {
		out = append(out, 1/(1+math.Exp(-float64(logit))))
	}
	return out
}
