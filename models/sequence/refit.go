package sequence

import (
	"bytes"
	"context"
	"errors"
	"math"
	"slices"

	"bellwether"
)

// Refit returns a copy of m that has also learned from the steps which its training kept back to choose and to judge: it goes on from m over
// all of d for so many more of the steps that validation chose, 0.25 for a quarter, so that an event counts as much as it did before. m itself, of which the
// figures speak, is not changed, and the copy has what m knows beside its weights. d has m's words; its TrainEnd says what all is. A model
// that does not know its steps, and one whose hashed items have rows of their own, is returned as it is.
func (m *Model) Refit(ctx context.Context, d *bellwether.Dataset, more float64, seed uint64, report func(bellwether.Progress)) (*Model, error) {
	steps := int(math.Ceil(more * float64(m.settings.Steps)))
	if steps <= 0 || m.own != nil { // which items have rows of their own is a matter of the counts that m was made with
		return m, nil
	}
	settings := m.settings
	r, err := Trainer{Settings: &settings, Seed: seed, Warm: m}.prepare(d)
	if err != nil {
		return nil, err
	}
	if v := &r.model.vocabulary; !slices.Equal(v.items, m.items) || !slices.Equal(v.types, m.types) || !slices.Equal(v.channels, m.channels) || !slices.Equal(v.campaigns, m.campaigns) {
		return nil, errors.New("sequence: refit: the data have other items, types, channels or campaigns than the model learned from")
	}
	r.model.prices = m.prices
	fit, err := r.fit(report)
	if err != nil {
		return nil, err
	}
	fit.Name, fit.Epochs, fit.Batches, fit.Batch = "refit "+Family, 1, steps*max(1, settings.Accumulate), r.batch
	learned, err := r.train(ctx, fit)
	if err != nil {
		return nil, err
	}
	defer learned.Close()
	return m.withValues(learned)
}

// withValues is a copy of m with the numbers of another model of its shape.
func (m *Model) withValues(of *Model) (*Model, error) {
	var file bytes.Buffer
	if err := m.Save(&file); err != nil {
		return nil, err
	}
	out, err := Load(&file)
	if err != nil {
		return nil, err
	}
	for i, p := range of.params {
		copy(out.params[i].Value, p.Value)
	}
	copy(out.popularity, of.popularity)
	out.pack()
	return out, nil
}
