package sequence

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"

	"bellwether"
	"bellwether/tensor/nn"
)

func TestWriteCard(t *testing.T) {
	m := newModel(Settings{Dim: 4, Blocks: 1, Heads: 1, Length: 3}, vocabulary{items: []bellwether.ItemID{"a", "b"}, types: []bellwether.EventType{"purchase"}}, 1)
	day := time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
	trained := bellwether.Card{
		Version: "recommend-000007", Data: bellwether.CardData{Digest: "d", From: day, To: day.AddDate(0, 0, 1), Events: 12},
		Rows: []bellwether.CardRow{{Name: Family, Test: map[string]bellwether.Estimate{"ndcg@10": {Value: .25, N: 12, Method: "mean"}}}},
	}
	var b bytes.Buffer
	if err := WriteCard(&b, m, trained); err != nil {
		t.Fatal(err)
	}
	var c sideCard
	if err := json.Unmarshal(b.Bytes(), &c); err != nil {
		t.Fatal(err)
	}
	// printf 'a\0b\0' | sha256sum
	if want := "8fb20ef63ced4145fc2e983ffe597d1dcff39154c3bf21f0fa9dde6a0c50fdc9"; c.Items.SHA256 != want || c.Items.Count != 2 {
		t.Errorf("items %v, want 2 with %s", c.Items, want)
	}
	if c.Items == digestOf([]string{"b", "a"}) || c.Items == digestOf([]string{"ab", ""}) || c.Types.Count != 1 {
		t.Error("other vocabularies have the same digest")
	}
	if shape := c.Shapes["blocks.0.attention.qkv.weight"]; !slices.Equal(shape, []int{12, 4}) {
		t.Errorf("shape %v, want [12 4]", shape)
	}
	if c.Parameters != m.Parameters() || c.Version != trained.Version || !c.Data.From.Equal(day) || c.Figures[0].Test["ndcg@10"].Value != .25 {
		t.Errorf("card %s", &b)
	}
}

// An array that the graph does not know, and one that it misses, are errors: no
// model is exported as another.
func TestWriteONNXRefuses(t *testing.T) {
	m := newModel(*small(), vocabulary{items: make([]bellwether.ItemID, 5)}, 1)
	m.params = append(m.params, &nn.Param{Name: "blocks.0.new.weight", Shape: []int{1}, Value: []float32{1}})
	if err := WriteONNX(&bytes.Buffer{}, m); err == nil {
		t.Error("a model with an unknown array was exported")
	}
	m = newModel(*small(), vocabulary{items: make([]bellwether.ItemID, 5)}, 1)
	m.settings.Blocks++
	if err := WriteONNX(&bytes.Buffer{}, m); err == nil {
		t.Error("a model without its second block was exported")
	}
	m = newModel(*small(), vocabulary{items: make([]bellwether.ItemID, 5)}, 1)
	m.items = m.items[:4]
	if err := WriteONNX(&bytes.Buffer{}, m); err == nil {
		t.Error("a model with a table of another size was exported")
	}
	m.items = m.items[:5]
	for _, write := range []func() error{
		func() error { return WriteONNX(broken{}, m) },
		func() error { return WriteCard(broken{}, m, bellwether.Card{}) },
	} {
		if err := write(); !errors.Is(err, errBroken) {
			t.Errorf("error %v, want the writer's", err)
		}
	}
}

var errBroken = errors.New("broken")

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errBroken }
