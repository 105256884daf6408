package sequence

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"sync"

	"bellwether"
	"bellwether/tensor"
	"bellwether/tensor/nn"
)

// Family is the name of this package's models.
const Family = "transformer"

// Model is a trained customer model.
type Model struct {
	settings   Settings
	items      []bellwether.ItemID
	types      []bellwether.EventType
	popularity []float32 // by item: ln of its share of the training events, the scores of a person without history

	params    nn.Params
	embedding nn.Embedding // its first table is the items'
	blocks    nn.Sequential
	norm      nn.Layer
	tasks     []*task
	packed    *tensor.Packed // the item table, transposed, for scoring
	scratch   sync.Pool      // of *scratch
}

var _ bellwether.Scorer = (*Model)(nil)

// newModel makes an untrained model.
func newModel(s Settings, items []bellwether.ItemID, types []bellwether.EventType, seed uint64) *Model {
	m := &Model{settings: s, items: items, types: types, popularity: make([]float32, len(items))}
	m.scratch.New = func() any { return new(scratch) }
	b := nn.NewBuilder(seed)
	first := nn.Normal(.02)
	m.embedding.Width = s.Dim
	m.embedding.Tables = []*nn.Param{itemTable(b, s, first, len(items)), b.Param("positions.weight", first, s.Length, s.Dim)}
	for _, f := range s.Fields {
		m.embedding.Tables = append(m.embedding.Tables, b.Param("fields."+f+".weight", first, fieldBuckets[f], s.Dim))
	}
	m.blocks = nn.Sequential{b.Dropout(s.Dropout)}
	for i := range s.Blocks {
		m.blocks = append(m.blocks, b.Block(fmt.Sprintf("blocks.%d", i), nn.BlockOptions{
			Width: s.Dim, Heads: s.Heads, Hidden: s.Hidden, Experts: s.Experts, Top: s.Top,
			Gated: s.Gated, SwiGLU: s.SwiGLU, RMSNorm: s.RMSNorm, Dropout: s.Dropout,
		}))
	}
	if s.RMSNorm {
		m.norm = b.RMSNorm("norm", s.Dim)
	} else {
		m.norm = b.LayerNorm("norm", s.Dim)
	}
	m.tasks = newTasks(b, s, len(types))
	m.params = b.Params()
	return m
}

// itemTable is sparse where the loss touches few items a step.
func itemTable(b *nn.Builder, s Settings, first nn.Init, items int) *nn.Param {
	if s.Loss == "full" {
		return b.Param("items.weight", first, items, s.Dim)
	}
	return b.Table("items.weight", first, items, s.Dim)
}

func (m *Model) itemTable() *nn.Param { return m.embedding.Tables[0] }

// pack lays out the weights for scoring.
func (m *Model) pack() {
	m.params.Pack()
	m.packed = tensor.PackT(m.packed, m.itemTable().Value, m.settings.Dim, len(m.items))
}

// Family implements bellwether.Model.
func (m *Model) Family() string { return Family }

// Items implements bellwether.Scorer.
func (m *Model) Items() []bellwether.ItemID { return m.items }

// Settings returns what the model is made of.
func (m *Model) Settings() Settings { return m.settings }

// Parameters returns the number of weights.
func (m *Model) Parameters() int64 { return m.params.Count() }

// card is what a file says beside the weights.
type card struct {
	Family   string                 `json:"family"`
	Settings Settings               `json:"settings"`
	Types    []bellwether.EventType `json:"types"`
}

// Save implements bellwether.Model.
func (m *Model) Save(w io.Writer) error {
	vocabulary, err := json.Marshal(m.items)
	if err != nil {
		return fmt.Errorf("sequence: saving: %w", err)
	}
	arrays := append(m.params.Arrays(),
		nn.Array{Name: "popularity", Shape: []int{len(m.popularity)}, Floats: m.popularity},
		nn.Array{Name: "vocabulary", Shape: []int{len(vocabulary)}, Bytes: vocabulary})
	if err := nn.WriteWeights(w, card{Family, m.settings, m.types}, arrays); err != nil {
		return fmt.Errorf("sequence: saving: %w", err)
	}
	return nil
}

// Load reads a model.
func Load(r io.Reader) (*Model, error) {
	w, err := nn.ReadWeights(r)
	if err != nil {
		return nil, fmt.Errorf("sequence: loading: %w", err)
	}
	m, err := restore(w)
	if err != nil {
		return nil, fmt.Errorf("sequence: loading: %w", err)
	}
	return m, nil
}

func restore(w *nn.Weights) (*Model, error) {
	var c card
	if err := json.Unmarshal(w.Card, &c); err != nil {
		return nil, fmt.Errorf("%w: its card: %w", nn.ErrFormat, err)
	}
	var items []bellwether.ItemID
	if a := w.Array("vocabulary"); a == nil || json.Unmarshal(a.Bytes, &items) != nil {
		return nil, fmt.Errorf("%w: it lacks a vocabulary", nn.ErrFormat)
	}
	if err := c.check(w, len(items)); err != nil {
		return nil, err
	}
	m := newModel(c.Settings, items, c.Types, 0)
	if err := m.params.Restore(w); err != nil {
		return nil, err
	}
	copy(m.popularity, w.Array("popularity").Floats)
	m.pack()
	return m, nil
}

// check holds the card against the arrays before anything of its size is made.
func (c *card) check(w *nn.Weights, items int) error {
	s := &c.Settings
	if c.Family != Family {
		return fmt.Errorf("%w: family %q", nn.ErrMismatch, c.Family)
	}
	if err := s.check(); err != nil {
		return fmt.Errorf("%w: %w", nn.ErrFormat, err)
	}
	hidden := s.Hidden
	if hidden == 0 {
		hidden = 4 * s.Dim
	}
	shapes := map[string][]int{
		"items.weight": {items, s.Dim}, "positions.weight": {s.Length, s.Dim}, "popularity": {items},
	}
	for i := range s.Blocks {
		shapes[fmt.Sprintf("blocks.%d.attention.qkv.weight", i)] = []int{3 * s.Dim, s.Dim}
		for _, name := range feedForwards(s) {
			shapes[fmt.Sprintf("blocks.%d.feedforward.%sin.weight", i, name)] = []int{hidden, s.Dim}
		}
	}
	for name, shape := range shapes {
		if a := w.Array(name); a == nil || !slices.Equal(a.Shape, shape) {
			return fmt.Errorf("%w: %s is not %v", nn.ErrFormat, name, shape)
		}
	}
	return nil
}

// feedForwards lists the prefixes of a block's feed-forwards.
func feedForwards(s *Settings) []string {
	if s.Experts < 2 {
		return []string{""}
	}
	var names []string
	for e := range s.Experts {
		names = append(names, fmt.Sprintf("experts.%d.", e))
	}
	return names
}
