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

// Candidates lists the recommenders: popularity, popularity of the last 7 days (if steps have times), three rows that know a person's own
// history alone, Markov, two item-kNN, rules, their blend, the Transformer, and the ensemble of the Transformer and the plain parts with
// weights chosen on validation. The plain ones come first and take seconds; the Transformer has most of the minutes that are left.
func Candidates(o learn.FitOptions) []learn.Candidate {
	var out []learn.Candidate
	for _, row := range plainRows {
		c := learn.Candidate{Name: row.name, Baseline: true, Train: learn.By(row.trainer)}
		switch t := row.trainer.(type) {
		case neighbours.ItemKNN:
			if t.Neighbours > 0 {
				c.Settings = learn.Says(map[string]any{"neighbours": t.Neighbours})
			}
		case neighbours.Popularity7Days:
			c = onlyWithTimes(c)
		}
		out = append(out, c)
	}
	return append(out,
		learn.Candidate{Name: sequence.Family, Train: transformer(o), Settings: func(m bellwether.Model) map[string]any { return describe(m, &o) }},
		learn.Candidate{Name: ensemble.Family, Train: combine, Settings: weights},
	)
}

// plainRows are the plain recommenders, by the names of their rows.
var plainRows = []struct {
	name    string
	trainer bellwether.Trainer
}{
	{"popularity", neighbours.Popularity{}},
	{"popularity-7d", neighbours.Popularity7Days{}},
	{"seen-before", neighbours.SeenBefore{}},
	{"last-item", neighbours.LastItem{}},
	{"own-frequent", neighbours.OwnFrequent{}},
	{"markov", neighbours.Markov{}},
	{"item-knn", neighbours.ItemKNN{}},
	{"item-knn-200", neighbours.ItemKNN{Neighbours: nearest}},
	{"rules", neighbours.Rules{}},
	{"blend", neighbours.Blend{}},
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
	for _, p := range combined(f.Data.Sequences) {
		if m := f.Find(p.Name); m != nil {
			p.Scorer = m.(bellwether.Scorer)
			parts = append(parts, p)
		}
	}
	return ensemble.Fit(ctx, parts, f.Data.Sequences, f.Report)
}

// combined are the parts of the ensemble, without their models: the rows of a person's own history among them where more than one
// target in a hundred is in it.
func combined(q *bellwether.Sequences) []ensemble.Part {
	parts := []ensemble.Part{
		{Name: sequence.Family, Scale: ensemble.Softmax},
		{Name: "item-knn", Scale: ensemble.Share},
		{Name: "item-knn-200", Scale: ensemble.Share},
		{Name: "rules", Scale: ensemble.Share},
	}
	again, first := 0, bellwether.Offer{Exclude: bellwether.ExcludeSeen}
	for _, t := range q.Validation {
		if steps := q.Steps[t.Person]; !first.Allows(steps[:t.At], 0, steps[t.At].Item) {
			again++
		}
	}
	if 100*again > len(q.Validation) {
		parts = append(parts, ensemble.Part{Name: "last-item", Scale: ensemble.Own}, ensemble.Part{Name: "own-frequent", Scale: ensemble.Own})
	}
	return parts
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
