package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"bellwether"
	"bellwether/models/sequence"
	"bellwether/store"
)

// modelFiles are the forms in which Export writes the sequence model: safetensors, ONNX, and the JSON
// card that lies beside either.
var modelFiles = map[string]func(w io.Writer, m *sequence.Model, trained bellwether.Card) error{
	"model":      func(w io.Writer, m *sequence.Model, _ bellwether.Card) error { return m.Save(w) },
	"model-onnx": func(w io.Writer, m *sequence.Model, _ bellwether.Card) error { return sequence.WriteONNX(w, m) },
	"model-card": sequence.WriteCard,
}

// exportModel writes the sequence model of the run in service, or of the newest run when none is.
func (e *Engine) exportModel(ctx context.Context, what string, w io.Writer) error {
	r, err := e.sequenceRun(ctx)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(r.Fits, func(f fit) bool { return f.Family == sequence.Family })
	if i < 0 {
		return fmt.Errorf("%s has no sequence model: %w", r.Version, ErrNoRun)
	}
	m, err := e.load(ctx, &r, r.Fits[i].Name, sequence.Family)
	if err != nil {
		return err
	}
	trained, err := e.Card(ctx, r.Application, r.Version)
	if errors.Is(err, store.ErrNotFound) { // not evaluated yet
		trained = bellwether.Card{Version: r.Version, Trained: r.Started, Data: bellwether.CardData{Digest: r.Digest, To: r.AsOf}}
	} else if err != nil {
		return err
	}
	return modelFiles[what](w, m.(*sequence.Model), trained)
}

// sequenceRun is the recommender's run in service, else the newest one.
func (e *Engine) sequenceRun(ctx context.Context) (run, error) {
	const application = "recommend"
	s, err := e.inService(ctx, application)
	if errors.Is(err, store.ErrNotFound) {
		return e.newest(ctx, application)
	}
	if err != nil {
		return run{}, fmt.Errorf("finding the model in service for %s: %w", application, err)
	}
	r := run{Application: application, Version: s.Version}
	return r, e.getJSON(ctx, r.path("run.json"), &r)
}
