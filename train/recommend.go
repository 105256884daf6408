package train

import (
	"context"
	"fmt"
	"slices"
	"time"

	"bellwether"
	"bellwether/models/ensemble"
	"bellwether/models/neighbours"
	"bellwether/models/sequence"
)

// RecommendSettings are the settings of Recommend; the zero value works.
type RecommendSettings struct {
	Minutes     float64            // for all rungs together; 0: until the Transformer's validation stops improving
	Epochs      int                // of the Transformer, at most; 0: by Minutes
	Preset      string             // of the Transformer; "": "base"
	Settings    *sequence.Settings // of the Transformer, instead of Preset; nil: by Preset
	Seed        uint64
	Checkpoints func(family string) bellwether.Checkpoint // where a rung keeps its state; nil: nowhere
	Warm        bellwether.Model                          // the model in service: the Transformer starts from its own
	Clock       func() time.Time                          // nil: time.Now
}

// checkpoint returns the checkpoint of a family, nil if none is kept.
func checkpoint(of func(family string) bellwether.Checkpoint, family string) bellwether.Checkpoint {
	if of == nil {
		return nil
	}
	return of(family)
}

// nearest is how many neighbours the second item-kNN keeps: on dense data (films that a
// person has seen by the hundred) fewer are better.
const nearest = 200

// The share of the time left that the Transformer may take; the rest chooses the weights of the combination.
const trunkShare = 0.95

// recommendLadder lists what Recommend fits before it combines; plain rows first. left says how many
// minutes remain when the Transformer's turn comes, 0: no limit.
func recommendLadder(s RecommendSettings, left func() float64) []rung {
	return []rung{
		{name: "popularity", trainer: neighbours.Popularity{}, baseline: true},
		{name: "popularity-7d", trainer: onlyWithTimes(neighbours.Popularity7Days{}), baseline: true},
		{name: "markov", trainer: neighbours.Markov{}, baseline: true},
		{name: "item-knn", trainer: neighbours.ItemKNN{}, baseline: true},
		{name: "item-knn-200", trainer: neighbours.ItemKNN{Neighbours: nearest}, baseline: true, settings: map[string]any{"neighbours": nearest}},
		{name: "rules", trainer: neighbours.Rules{}, baseline: true},
		{name: "blend", trainer: neighbours.Blend{}, baseline: true},
		{name: "transformer", trainer: transformer(s, left), settings: map[string]any{"minutes": s.Minutes, "epochs": s.Epochs, "seed": s.Seed}},
	}
}

// Recommend fits every recommender on d.Sequences: popularity, popularity of the last 7 days (if steps have
// times), Markov, two item-kNN, rules, their blend, the Transformer, and the ensemble of the Transformer
// and the plain parts with weights chosen on validation. Plain rows come first and take seconds; the
// Transformer has most of the minutes that are left.
//
// What was fitted before an error, or before ctx ended, is returned with the error.
func Recommend(ctx context.Context, d *bellwether.Dataset, s RecommendSettings, report func(bellwether.Progress)) ([]Fitted, error) {
	start := time.Time{}
	left := func() float64 { return 0 }
	l := newLadder(d, s.Clock, report, 0)
	if s.Minutes > 0 {
		start = l.clock()
		left = func() float64 { return max(s.Minutes-l.clock().Sub(start).Minutes(), s.Minutes/100) }
	}
	rungs := recommendLadder(s, left)
	l.total = len(rungs) + 1
	for _, r := range rungs {
		if err := l.fit(ctx, r); err != nil {
			return l.done, err
		}
	}
	return l.done, l.fit(ctx, rung{name: ensemble.Family, trainer: trainFunc{ensemble.Family, l.combine}})
}

// onlyWithTimes skips a trainer whose data have no times.
func onlyWithTimes(t bellwether.Trainer) bellwether.Trainer {
	return trainFunc{t.Family(), func(ctx context.Context, d *bellwether.Dataset, report func(bellwether.Progress)) (bellwether.Model, error) {
		if d.Sequences != nil && !slices.ContainsFunc(d.Sequences.Steps, func(steps []bellwether.Step) bool {
			return slices.ContainsFunc(steps, func(s bellwether.Step) bool { return s.Time != 0 })
		}) {
			return nil, fmt.Errorf("%w: %w", errSkip, neighbours.ErrNoTimes)
		}
		return t.Train(ctx, d, report)
	}}
}

// transformer trains models/sequence in the minutes that are left, if anybody has two events to learn from.
func transformer(s RecommendSettings, left func() float64) bellwether.Trainer {
	return trainFunc{sequence.Family, func(ctx context.Context, d *bellwether.Dataset, report func(bellwether.Progress)) (bellwether.Model, error) {
		if d.Sequences != nil && !slices.ContainsFunc(d.Sequences.TrainEnd, func(end int) bool { return end >= 2 }) {
			return nil, fmt.Errorf("%w: nobody has two events to learn an order from", errSkip)
		}
		return sequence.Trainer{
			Preset: s.Preset, Settings: s.Settings, Seed: s.Seed, Epochs: s.Epochs, Minutes: trunkShare * left(),
			Checkpoint: checkpoint(s.Checkpoints, sequence.Family), Warm: Trunk(s.Warm), Clock: s.Clock,
		}.Train(ctx, d, report)
	}}
}

// Trunk finds the Transformer in a model, or among the parts of an ensemble; nil if there is none.
func Trunk(m bellwether.Model) *sequence.Model {
	switch m := m.(type) {
	case *sequence.Model:
		return m
	case *sequence.Ranker: // in service
		return m.Model
	case *ensemble.Model:
		for _, p := range m.Parts() {
			if t := Trunk(p.Scorer); t != nil {
				return t
			}
		}
	}
	return nil
}

// combine fits the ensemble of the rungs that are done.
func (l *ladder) combine(ctx context.Context, d *bellwether.Dataset, report func(bellwether.Progress)) (bellwether.Model, error) {
	var parts []ensemble.Part
	add := func(name string, scale ensemble.Scale) {
		if f := l.find(name); f != nil {
			parts = append(parts, ensemble.Part{Name: name, Scorer: f.Model.(bellwether.Scorer), Scale: scale})
		}
	}
	add("transformer", ensemble.Softmax)
	add("item-knn", ensemble.Share)
	add("item-knn-200", ensemble.Share)
	add("rules", ensemble.Share)
	if len(d.Sequences.Validation) == 0 {
		return nil, fmt.Errorf("%w: there are no validation targets to choose the weights on", errSkip)
	}
	return ensemble.Fit(ctx, parts, d.Sequences, report)
}
