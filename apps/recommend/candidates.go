package recommend

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"bellwether"
	"bellwether/learn"
	"bellwether/models/ensemble"
	"bellwether/models/neighbours"
	"bellwether/models/sequence"
)

// nearest is how many neighbours the second item-kNN keeps: on dense data (films that a
// person has seen by the hundred) fewer are better.
const nearest = 200

// transformerShare is the share of the time left that the Transformer may take; the rest chooses the weights of the combination.
const transformerShare = 0.95

// Candidates lists the recommenders: popularity, popularity of the last 7 days (if steps have times), Markov, two item-kNN, rules,
// their blend, the Transformer, and the ensemble of the Transformer and the plain parts with weights chosen on validation. The plain ones
// come first and take seconds; the Transformer has most of the minutes that are left.
func Candidates(o learn.FitOptions) []learn.Candidate {
	plain := func(name string, t bellwether.Trainer) learn.Candidate {
		return learn.Candidate{Name: name, Baseline: true, Train: learn.By(t)}
	}
	few := plain("item-knn-200", neighbours.ItemKNN{Neighbours: nearest})
	few.Settings = learn.Says(map[string]any{"neighbours": nearest})
	return []learn.Candidate{
		plain("popularity", neighbours.Popularity{}),
		onlyWithTimes(plain("popularity-7d", neighbours.Popularity7Days{})),
		plain("markov", neighbours.Markov{}),
		plain("item-knn", neighbours.ItemKNN{}),
		few,
		plain("rules", neighbours.Rules{}),
		plain("blend", neighbours.Blend{}),
		{Name: sequence.Family, Train: transformer(o), Settings: func(m bellwether.Model) map[string]any { return describe(m, &o) }},
		{Name: ensemble.Family, Train: combine, Settings: weights},
	}
}

// onlyWithTimes skips a candidate where no step has a time.
func onlyWithTimes(c learn.Candidate) learn.Candidate {
	train := c.Train
	c.Train = func(ctx context.Context, f learn.Fitting) (bellwether.Model, error) {
		if q := f.Data.Sequences; q != nil && !slices.ContainsFunc(q.Steps, func(steps []bellwether.Step) bool {
			return slices.ContainsFunc(steps, func(s bellwether.Step) bool { return s.Time != 0 })
		}) {
			return nil, fmt.Errorf("%w: %w", learn.ErrSkip, neighbours.ErrNoTimes)
		}
		return train(ctx, f)
	}
	return c
}

// transformer trains models/sequence in the minutes that are left, if anybody has two events to learn from.
func transformer(o learn.FitOptions) func(context.Context, learn.Fitting) (bellwether.Model, error) {
	return func(ctx context.Context, f learn.Fitting) (bellwether.Model, error) {
		if q := f.Data.Sequences; q != nil && !slices.ContainsFunc(q.TrainEnd, func(end int) bool { return end >= 2 }) {
			return nil, fmt.Errorf("%w: nobody has two events to learn an order from", learn.ErrSkip)
		}
		t := sequence.Trainer{
			Preset: o.Preset, Settings: o.Settings, Seed: o.Seed, Epochs: o.Epochs, Minutes: transformerShare * f.Left,
			Warm: customerModel(o.Warm), Clock: o.Clock,
		}
		if o.Checkpoints != nil {
			t.Checkpoint = o.Checkpoints(sequence.Family)
		}
		return t.Train(ctx, f.Data, f.Report)
	}
}

// customerModel finds the Transformer in a model, or among the parts of an ensemble; nil if there is none.
func customerModel(m bellwether.Model) *sequence.Model {
	switch m := m.(type) {
	case *sequence.Model:
		return m
	case *sequence.Ranker: // in service
		return m.Model
	case *ensemble.Model:
		for _, p := range m.Parts() {
			if t := customerModel(p.Scorer); t != nil {
				return t
			}
		}
	}
	return nil
}

// describe is what the card shows of the Transformer: its own settings, and what it was trained with.
func describe(m bellwether.Model, o *learn.FitOptions) map[string]any {
	out := map[string]any{}
	if t, ok := m.(*sequence.Model); ok {
		if b, err := json.Marshal(t.Settings()); err == nil {
			_ = json.Unmarshal(b, &out) // what was just written
		}
	}
	out["minutes"], out["epochs"], out["seed"] = o.Minutes, o.Epochs, o.Seed
	return out
}

// combine fits the ensemble of the candidates that are done.
func combine(ctx context.Context, f learn.Fitting) (bellwether.Model, error) {
	if len(f.Data.Sequences.Validation) == 0 {
		return nil, fmt.Errorf("%w: there are no validation targets to choose the weights on", learn.ErrSkip)
	}
	var parts []ensemble.Part
	for _, p := range []struct {
		name  string
		scale ensemble.Scale
	}{{sequence.Family, ensemble.Softmax}, {"item-knn", ensemble.Share}, {"item-knn-200", ensemble.Share}, {"rules", ensemble.Share}} {
		if m := f.Find(p.name); m != nil {
			parts = append(parts, ensemble.Part{Name: p.name, Scorer: m.(bellwether.Scorer), Scale: p.scale})
		}
	}
	return ensemble.Fit(ctx, parts, f.Data.Sequences, f.Report)
}

// weights is what the card shows of the ensemble.
func weights(m bellwether.Model) map[string]any {
	out := map[string]any{}
	if e, ok := m.(*ensemble.Model); ok {
		for _, p := range e.Parts() {
			out[p.Name] = map[string]any{"weight": p.Weight, "scale": p.Scale}
		}
	}
	return out
}
