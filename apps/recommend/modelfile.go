package recommend

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"bellwether"
	"bellwether/apps/app"
	"bellwether/learn"
	"bellwether/models/sequence"
	"bellwether/store"
)

// modelFiles are the forms in which Export writes the customer model: safetensors, ONNX, and the JSON card of either.
var modelFiles = map[string]func(w io.Writer, m *sequence.Model, trained bellwether.Card) error{
	"model":      func(w io.Writer, m *sequence.Model, _ bellwether.Card) error { return m.Save(w) },
	"model-onnx": func(w io.Writer, m *sequence.Model, _ bellwether.Card) error { return sequence.WriteONNX(w, m) },
	"model-card": sequence.WriteCard,
}

// Exports names what Export can write.
func Exports() []string { return slices.Sorted(maps.Keys(modelFiles)) }

// Export writes the customer model of the run in service, or of the newest run when none is.
func Export(ctx context.Context, p *app.Project, what string, w io.Writer) error {
	write := modelFiles[what]
	if write == nil {
		return fmt.Errorf("%w: what is %q; it can be %s", app.ErrBadRequest, what, strings.Join(Exports(), ", "))
	}
	run, err := p.Registry.Current(ctx, Name)
	if err != nil {
		return err
	}
	fit, ok := run.Fit("", sequence.Family)
	if !ok {
		return fmt.Errorf("%s has no customer model: %w", run.Version, learn.ErrNoRun)
	}
	m, err := p.Registry.Model(ctx, &run, fit)
	if err != nil {
		return err
	}
	trained, err := p.Registry.Card(ctx, Name, run.Version)
	if errors.Is(err, store.ErrNotFound) { // not evaluated yet
		trained = bellwether.Card{Version: run.Version, Trained: run.Started, Data: bellwether.CardData{Digest: run.Digest, To: run.AsOf}}
	} else if err != nil {
		return err
	}
	return write(w, m.(*sequence.Model), trained)
}
