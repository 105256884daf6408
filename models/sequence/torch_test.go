package sequence

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"testing"

	"bellwether"
	"bellwether/tensor/nn"
)

// Three Adam steps of a tiny model, computed with PyTorch in float64 by
// bench/peers/fixtures.py: losses, weights and the logits afterwards.
func TestTrainingEqualsPyTorch(t *testing.T) {
	text, err := os.ReadFile("testdata/transformer.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		IDs, Types, Targets, Offsets []int32
		Start, After                 map[string][]float32
		Losses                       []float64
		Logits                       []float32
	}
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	c := cases[0]
	s := Settings{Dim: 8, Blocks: 1, Heads: 2, Gated: true, Length: 6, Fields: []string{"type"}, Loss: "full"}
	m := newModel(s, vocabulary{items: make([]bellwether.ItemID, 12), types: []bellwether.EventType{"a", "b"}}, 0)
	for _, p := range m.params {
		if len(c.Start[p.Name]) == 0 {
			t.Fatalf("PyTorch has no %s", p.Name)
		}
		copy(p.Value, c.Start[p.Name])
	}
	var steps []bellwether.Step
	for i, id := range c.IDs {
		steps = append(steps, bellwether.Step{Item: id, Type: uint8(c.Types[i])})
	}
	r := run{model: m, loss: nn.FullSoftmax{Items: 12}}
	r.tokens.reset(1)
	for i := range len(c.Offsets) - 1 {
		r.tokens.append(m, steps[c.Offsets[i]:c.Offsets[i+1]], nil)
	}
	r.tokens.targets = c.Targets
	adam := nn.NewAdam(m.params, nn.Adam{Epsilon: 1e-3})
	for i, want := range c.Losses {
		m.params.ZeroGrad()
		m.params.Pack()
		if got := r.forwardBackward(i+1, len(c.Targets)); math.Abs(got-want) > 1e-5 {
			t.Errorf("loss of step %d is %g, PyTorch says %g", i+1, got, want)
		}
		adam.Step(i+1, 1e-2)
	}
	for _, p := range m.params {
		near(t, p.Name, p.Value, c.After[p.Name])
	}
	m.pack()
	for i := range len(c.Offsets) - 1 {
		row := make([]float32, 12)
		last := c.Offsets[i+1]
		if err := m.Score(context.Background(), [][]bellwether.Step{steps[c.Offsets[i]:last]}, [][]float32{row}); err != nil {
			t.Fatal(err)
		}
		near(t, "logits", row, c.Logits[12*(last-1):12*last])
	}
}

func near(t *testing.T, what string, got, want []float32) {
	t.Helper()
	for i, w := range want {
		if d := math.Abs(float64(got[i] - w)); !(d <= 1e-5*max(1, math.Abs(float64(w)))) {
			t.Errorf("%s[%d] is %g, PyTorch says %g", what, i, got[i], w)
			return
		}
	}
}
