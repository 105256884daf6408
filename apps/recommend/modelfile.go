package recommend

import (
	"context"
	"errors"
	"fmt"
	"io"

	"bellwether"
	"bellwether/apps/app"
	"bellwether/learn"
	"bellwether/models/sequence"
	"bellwether/store"
)

// exports are the forms in which the customer model leaves: safetensors, ONNX, and the JSON card of either.
func exports() []app.Export {
	form := func(name, doc, kind string, write func(io.Writer, *sequence.Model, bellwether.Card) error) app.Export {
		return app.Export{Name: name, Doc: doc, ContentType: kind, Write: func(ctx context.Context, p *app.Project, w io.Writer) error {
			m, trained, err := customerModelFile(ctx, p)
			if err != nil {
				return err
			}
			return write(w, m, trained)
		}}
	}
	return []app.Export{
		form("model", "the customer model in service as safetensors", "application/octet-stream", func(w io.Writer, m *sequence.Model, _ bellwether.Card) error { return m.Save(w) }),
		form("model-onnx", "the customer model in service as ONNX", "application/octet-stream", func(w io.Writer, m *sequence.Model, _ bellwether.Card) error { return sequence.WriteONNX(w, m) }),
		form("model-card", "what the customer model in service is, and how good", "application/json", sequence.WriteCard),
	}
}

// customerModelFile returns the customer model of the run in service, or of the newest run when none is, with its card.
func customerModelFile(ctx context.Context, p *app.Project) (*sequence.Model, bellwether.Card, error) {
	run, err := p.Registry.Current(ctx, Name)
	if err != nil {
		return nil, bellwether.Card{}, err
	}
	fit, ok := run.Fit("", sequence.Family)
	if !ok {
		return nil, bellwether.Card{}, fmt.Errorf("%s has no customer model: %w", run.Version, learn.ErrNoRun)
	}
	m, err := p.Registry.Model(ctx, &run, fit)
	if err != nil {
		return nil, bellwether.Card{}, err
	}
	trained, err := p.Registry.Card(ctx, Name, run.Version)
	if errors.Is(err, store.ErrNotFound) { // not evaluated yet
		trained, err = bellwether.Card{Version: run.Version, Trained: run.Started, Data: bellwether.CardData{Digest: run.Digest, To: run.AsOf}}, nil
	}
	return customerModel(m), trained, err
}
