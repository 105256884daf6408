package pipeline

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"

	"bellwether/models/sequence"
)

// The sequence model leaves as safetensors, as ONNX and as a card, before it is evaluated, and once it is
// in service as the one in service although a newer one was trained.
func TestExportModel(t *testing.T) {
	s := newShop(t)
	export := func(what string) []byte {
		t.Helper()
		var b bytes.Buffer
		if err := s.engine.Export(t.Context(), what, &b); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		return b.Bytes()
	}
	if err := s.engine.Export(t.Context(), "model", new(bytes.Buffer)); !errors.Is(err, ErrNoRun) {
		t.Errorf("before any training: %v", err)
	}
	if err := s.engine.Export(t.Context(), "weights", new(bytes.Buffer)); !errors.Is(err, ErrBadRequest) {
		t.Errorf("an unknown export: %v", err)
	}
	s.catalogue(20)
	s.walk(40, 20, 20)
	train := func() {
		t.Helper()
		if _, err := s.engine.Train(t.Context(), "recommend", nil, nil); err != nil {
			t.Fatal(err)
		}
	}
	version := func() (string, int) {
		t.Helper()
		var card struct {
			Version string
			Figures []any
			Items   struct{ Count int }
		}
		if err := json.Unmarshal(export("model-card"), &card); err != nil {
			t.Fatal(err)
		}
		if card.Items.Count != 20 {
			t.Errorf("the card has %d items, want 20", card.Items.Count)
		}
		return card.Version, len(card.Figures)
	}
	train()
	if v, figures := version(); v != "recommend-000001" || figures != 0 {
		t.Errorf("%s with %d figures was exported, want the newest with none yet", v, figures)
	}
	if _, err := s.engine.Evaluate(t.Context(), "recommend", nil); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.engine.Promote(t.Context(), "recommend", true, nil); err != nil {
		t.Fatal(err)
	}
	train()
	if v, figures := version(); v != "recommend-000001" || figures < 3 {
		t.Errorf("%s with %d figures was exported, want the one in service with those of every row", v, figures)
	}
	m, err := sequence.Load(bytes.NewReader(export("model")))
	if err != nil {
		t.Fatal(err)
	}
	var want bytes.Buffer
	if err := sequence.WriteONNX(&want, m); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(export("model-onnx"), want.Bytes()) {
		t.Error("the ONNX file is of another model")
	}
}
