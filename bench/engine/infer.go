package engine

import (
	"context"
	"fmt"

	"bellwether"
	"bellwether/tensor"
)

// inferences are the ten best of 3,416 items for one person.
func inferences() []Case {
	var out []Case
	for _, length := range []int{50, 200} {
		out = append(out, Case{Name: fmt.Sprintf("Infer/%d/history", length), Items: 1, Open: func(ctx context.Context) (Run, error) {
			return fromHistory(ctx, length)
		}})
	}
	return out
}

// fromHistory scores a person by the whole history.
func fromHistory(ctx context.Context, length int) (Run, error) {
	const items, best = 3416, 10
	d, trainer := randomSequences(8, length+1, items), endless(sasrec(length, width, "full"))
	trainer.Epochs = 1
	model, err := trainer.Train(ctx, d, func(bellwether.Progress) {})
	if err != nil {
		return nil, err
	}
	scorer, scores, ten := model.(bellwether.Scorer), [][]float32{make([]float32, items)}, make([]int32, best)
	histories := [][]bellwether.Step{d.Sequences.Steps[0][:length]}
	if err := scorer.Score(ctx, histories, scores); err != nil {
		return nil, err
	}
	return repeat(func() {
		_ = scorer.Score(ctx, histories, scores) // it did above
		tensor.TopK(scores[0], best, ten)
	}), nil
}
