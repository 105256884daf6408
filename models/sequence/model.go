package sequence

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"runtime"
	"sync"

	"bellwether"
	"bellwether/tensor"
	"bellwether/tensor/nn"
)

// Family is the name of this package's models.
const Family = "transformer"

// Model is a trained customer model.
type Model struct {
	settings Settings
	vocabulary
	popularity []float32 // by item: ln of its share of the training events, the scores of a person without history

	own   []byte    // by item: not 0 where it has a row of its own beside hashed ones; nil for none
	table *nn.Param // [items, dim]: the vectors that scores are products with

	memory      *nn.Memory // of the weights; empty unless the model is large
	training    *nn.Memory // of their gradients and optimisers
	params      nn.Params
	embedding   embedding
	blocks      nn.Sequential
	norm        nn.Layer
	tasks       []*task
	calibration map[string]*Calibration // by task
	packed      *tensor.Packed          // the item table, transposed, for scoring
	scratch     sync.Pool               // of *scratch
}

var _ bellwether.Scorer = (*Model)(nil)

// newModel makes an untrained model. A large one, with hashed rows, lies outside the collected heap.
func newModel(s Settings, v vocabulary, seed uint64) *Model {
	b, values, training := nn.NewBuilder(seed), &nn.Memory{}, &nn.Memory{}
	if s.Hash != nil {
		b.In(values, training)
	}
	m := build(b, s, v)
	m.keep(values)
	m.training = training
	runtime.AddCleanup(m, (*nn.Memory).Release, training) // where training never begins
	return m
}

// keep makes m the owner of memory, which goes with it.
func (m *Model) keep(memory *nn.Memory) {
	m.memory = memory
	runtime.AddCleanup(m, (*nn.Memory).Release, memory)
}

// Close gives the memory of a large model back at once; the collector would do
// it later. Nobody may use m afterwards, or still be using it.
func (m *Model) Close() { m.memory.Release() }

// build makes the layers.
func build(b *nn.Builder, s Settings, v vocabulary) *Model {
	m := &Model{settings: s, vocabulary: v, popularity: make([]float32, len(v.items)), calibration: map[string]*Calibration{}}
	m.scratch.New = func() any { return new(scratch) }
	first := nn.Normal(.02)
	m.embedding.Width = s.Dim
	if s.Hash != nil {
		m.embedding.hashed = newHashed(b, s, v.items)
	} else {
		m.table = itemTable(b, s, first, len(v.items))
		m.embedding.Tables = append(m.embedding.Tables, m.table)
	}
	m.embedding.Tables = append(m.embedding.Tables, b.Param("positions.weight", first, s.Length, s.Dim))
	for _, f := range s.Fields {
		m.embedding.Tables = append(m.embedding.Tables, b.Param("fields."+f+".weight", first, fieldRows[f](&v), s.Dim))
	}
	if s.Content {
		m.embedding.content = newContent(b, s.Dim, &v)
	}
	m.blocks = nn.Sequential{b.Dropout(s.Dropout)}
	for i := 0; i < s.Blocks && b.Err() == nil; i++ {
		m.blocks = append(m.blocks, b.Block(fmt.Sprintf("blocks.%d", i), s.block(i)))
	}
	if s.RMSNorm {
		m.norm = b.RMSNorm("norm", s.Dim)
	} else {
		m.norm = b.LayerNorm("norm", s.Dim)
	}
	m.tasks = newTasks(b, s, len(v.types))
	m.params = b.Params()
	return m
}

// block returns what block i is made of.
func (s *Settings) block(i int) nn.BlockOptions {
	o := nn.BlockOptions{
		Width: s.Dim, Heads: s.Heads, Hidden: s.Hidden, Experts: s.Experts, Top: s.Top,
		Gated: s.Gated, SwiGLU: s.SwiGLU, RMSNorm: s.RMSNorm, Dropout: s.Dropout,
	}
	if i < s.DenseBlocks {
		o.Experts = 0
	}
	return o
}

// itemTable is sparse where the loss touches few items a step.
func itemTable(b *nn.Builder, s Settings, first nn.Init, items int) *nn.Param {
	if s.Loss == "full" {
		return b.Param("items.weight", first, items, s.Dim)
	}
	return b.Table("items.weight", first, items, s.Dim)
}

// itemTable returns the items' vectors, [items, dim]; those of hashed items are as of the last pack.
func (m *Model) itemTable() *nn.Param { return m.table }

// pack lays out the weights for scoring.
func (m *Model) pack() {
	m.params.Pack()
	if h := m.embedding.hashed; h != nil {
		if m.table == nil {
			shape := []int{len(m.items), m.settings.Dim}
			m.table = &nn.Param{Name: "items", Shape: shape, Value: make([]float32, shape[0]*shape[1])}
		}
		h.fill(m.table.Value)
	}
	m.packed = tensor.PackT(m.packed, m.itemTable().Value, m.settings.Dim, len(m.items))
}

// Family implements bellwether.Model.
func (m *Model) Family() string { return Family }

// Items implements bellwether.Scorer.
func (m *Model) Items() []bellwether.ItemID { return m.items }

// Settings returns what the model is made of.
func (m *Model) Settings() Settings { return m.settings }

// OutOfTime says that the minutes ended its training: with more of them, or on a faster machine, it would be another model.
func (m *Model) OutOfTime() bool { return m.settings.OutOfTime }

// Parameters returns the number of weights.
func (m *Model) Parameters() int64 { return m.params.Count() }

// card is what a file says beside the weights.
type card struct {
	Family    string                  `json:"family"`
	Settings  Settings                `json:"settings"`
	Types     []bellwether.EventType  `json:"types"`
	Channels  []bellwether.Channel    `json:"channels,omitempty"`
	Campaigns []bellwether.CampaignID `json:"campaigns,omitempty"`

	Calibration map[string]*Calibration `json:"calibration,omitempty"` // by task
}

func (m *Model) card() card {
	return card{Family, m.settings, m.types, m.channels, m.campaigns, m.calibration}
}

// Save implements bellwether.Model.
func (m *Model) Save(w io.Writer) error {
	defer runtime.KeepAlive(m) // of its memory
	weights, err := m.Weights()
	if err == nil {
		err = nn.WriteWeights(w, weights.Card, weights.Arrays)
	}
	if err != nil {
		return fmt.Errorf("sequence: saving: %w", err)
	}
	return nil
}

// Weights returns what Save writes. The arrays are the model's own: they must not be changed, and
// m must be kept meanwhile.
func (m *Model) Weights() (*nn.Weights, error) {
	vocabulary, err := json.Marshal(m.items)
	if err != nil {
		return nil, err
	}
	arrays := append(m.params.Arrays(), nn.Array{Name: "popularity", Shape: []int{len(m.popularity)}, Floats: m.popularity})
	if m.own != nil {
		arrays = append(arrays, nn.Array{Name: "own", Shape: []int{len(m.own)}, Bytes: m.own})
	}
	arrays = append(arrays, m.prices.arrays()...)
	if m.settings.Content {
		arrays = append(arrays, nn.Array{Name: "content", Shape: m.contentShape(), Floats: m.content})
	}
	arrays = append(arrays, nn.Array{Name: "vocabulary", Shape: []int{len(vocabulary)}, Bytes: vocabulary})
	text, err := json.Marshal(m.card())
	return &nn.Weights{Card: text, Arrays: arrays}, err
}

// Load reads a model.
func Load(r io.Reader) (*Model, error) {
	w, err := nn.ReadWeights(r)
	if err != nil {
		return nil, fmt.Errorf("sequence: loading: %w", err)
	}
	return Restore(w)
}

// Restore makes a model of what Weights returned; it keeps the arrays.
func Restore(w *nn.Weights) (*Model, error) {
	m, err := restore(w)
	if err != nil {
		return nil, fmt.Errorf("sequence: loading: %w", err)
	}
	m.keep(&nn.Memory{})
	return m, nil
}

// Open is Load by mapping the file: a large model is there in seconds and takes
// no memory that the system cannot take back. f may be closed afterwards, and
// replaced by renaming, but not rewritten in place.
func Open(f *os.File) (*Model, error) {
	memory := &nn.Memory{}
	w, err := nn.MapWeights(f, memory)
	if err != nil {
		return nil, fmt.Errorf("sequence: opening %s: %w", f.Name(), err)
	}
	m, err := restore(w)
	if err != nil {
		memory.Release()
		return nil, fmt.Errorf("sequence: opening %s: %w", f.Name(), err)
	}
	m.keep(memory)
	return m, nil
}

func restore(w *nn.Weights) (*Model, error) {
	var c card
	if err := json.Unmarshal(w.Card, &c); err != nil {
		return nil, fmt.Errorf("%w: its card: %w", nn.ErrFormat, err)
	}
	if c.Family != Family {
		return nil, fmt.Errorf("%w: family %q", nn.ErrMismatch, c.Family)
	}
	if err := c.Settings.check(); err != nil {
		return nil, fmt.Errorf("%w: %w", nn.ErrFormat, err)
	}
	var items []bellwether.ItemID
	if a := w.Array("vocabulary"); a == nil || json.Unmarshal(a.Bytes, &items) != nil || len(items) == 0 {
		return nil, fmt.Errorf("%w: it lacks a vocabulary", nn.ErrFormat)
	}
	v := vocabulary{items: items, types: c.Types, channels: c.Channels, campaigns: c.Campaigns}
	var err error
	if v.prices, err = restorePrices(w, len(items)); err != nil {
		return nil, err
	}
	if v.content, err = restoreContent(w, &c.Settings, len(items)); err != nil {
		return nil, err
	}
	b := nn.NewLoader(w)
	m := build(b, c.Settings, v)
	if err := b.Err(); err != nil {
		return nil, err
	}
	popularity := w.Array("popularity")
	if popularity == nil || len(popularity.Floats) != len(items) {
		return nil, fmt.Errorf("%w: popularity is not of %d items", nn.ErrFormat, len(items))
	}
	m.popularity = popularity.Floats
	maps.Copy(m.calibration, c.Calibration)
	if err := m.restoreOwn(w); err != nil {
		return nil, err
	}
	m.pack()
	return m, nil
}

// restoreOwn finds the items that have rows of their own.
func (m *Model) restoreOwn(w *nn.Weights) error {
	h, a := m.embedding.hashed, w.Array("own")
	if h == nil || h.Own == 0 {
		return nil
	}
	if a == nil || len(a.Bytes) != len(m.items) || len(a.Bytes)-bytes.Count(a.Bytes, []byte{0}) > h.Own {
		return fmt.Errorf("%w: it does not say which of %d items have one of %d rows of their own", nn.ErrFormat, len(m.items), h.Own)
	}
	m.own = a.Bytes
	h.give(m.own)
	return nil
}
