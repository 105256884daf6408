package train

import (
	"context"
	"time"

	"bellwether"
	"bellwether/models/dnn"
)

// BehaviourSettings are the settings of Behaviour; the zero value works.
type BehaviourSettings struct {
	Epochs      int // of each classifier; 0: 10
	Seed        uint64
	Checkpoints func(family string) bellwether.Checkpoint // where a rung keeps its state; nil: nowhere
	Clock       func() time.Time                          // nil: time.Now
}

// behaviourLadder lists what Behaviour fits.
func behaviourLadder(s BehaviourSettings) []rung {
	classifier := func(kind string, baseline bool) rung {
		return rung{name: kind, baseline: baseline, settings: map[string]any{"epochs": s.Epochs, "seed": s.Seed}, trainer: dnn.Trainer{
			Kind: kind, Epochs: s.Epochs, Seed: s.Seed, Checkpoint: checkpoint(s.Checkpoints, kind), Clock: s.Clock,
		}}
	}
	return []rung{
		classifier(dnn.Majority, true),
		classifier(dnn.Logistic, true),
		classifier(dnn.Network, false),
	}
}

// Behaviour fits every classifier on d.Table: the majority's share, logistic regression and the reference
// network of SCIENCE §3. What was fitted before an error, or before ctx ended, is returned with the error.
func Behaviour(ctx context.Context, d *bellwether.Dataset, s BehaviourSettings, report func(bellwether.Progress)) ([]Fitted, error) {
	rungs := behaviourLadder(s)
	l := newLadder(d, s.Clock, report, len(rungs))
	for _, r := range rungs {
		if err := l.fit(ctx, r); err != nil {
			return l.done, err
		}
	}
	return l.done, nil
}
