package recommend

import (
	"context"
	"fmt"

	"bellwether"
	"bellwether/models/ensemble"
	"bellwether/models/sequence"
)

// refit fits a row once more on all events: a plain one anew, the Transformer from where it is, and the ensemble part by part with
// the weights that it has.
func refit(ctx context.Context, row string, m bellwether.Model, all *bellwether.Dataset, more float64, report func(bellwether.Progress)) (bellwether.Model, error) {
	switch m := m.(type) {
	case *sequence.Model:
		return m.Refit(ctx, all, more, refitSeed, report)
	case *ensemble.Model:
		parts := m.Parts()
		for i, p := range parts {
			again, err := refit(ctx, p.Name, p.Scorer, all, more, report)
			if err != nil {
				return nil, err
			}
			parts[i].Scorer = again.(bellwether.Scorer)
		}
		return ensemble.New(parts...)
	}
	for _, r := range plainRows {
		if r.name == row {
			return r.trainer.Train(ctx, all, report)
		}
	}
	return nil, fmt.Errorf("there is no plain row called %q", row)
}

// refitSeed makes the same model from the same one.
const refitSeed = 7
