package engine

import (
	"context"
	"fmt"

	"bellwether"
	"bellwether/models/sequence"
)

// inferences are the ten best of 3,416 items for one person: by the whole
// history, and by one event after a history whose keys and values are kept.
func inferences() []Case {
	var out []Case
	for _, length := range []int{50, 200} {
		for _, kind := range []string{"history", "event", "event8"} {
			out = append(out, Case{Name: fmt.Sprintf("Infer/%d/%s", length, kind), Items: 1, Open: func(ctx context.Context) (Run, error) {
				return inference(ctx, length, kind)
			}})
		}
	}
	return out
}

// inference ranks after a history of so many events; "event" keeps all but the
// last, and "event8" scans items in 8 bits.
func inference(ctx context.Context, length int, kind string) (Run, error) {
	const items, best = 3416, 10
	d, trainer := randomSequences(8, length+1, items), endless(sasrec(length, width, "full"))
	trainer.Epochs = 1
	model, err := trainer.Train(ctx, d, func(bellwether.Progress) {})
	if err != nil {
		return nil, err
	}
	ranker, err := sequence.NewRanker(model.(*sequence.Model), sequence.RankerOptions{Int8: kind == "event8"})
	if err != nil {
		return nil, err
	}
	q, answer := sequence.Question{History: d.Sequences.Steps[0][:length], K: best}, make([]bellwether.ScoredItem, 0, best)
	rank := ranker.Rank
	if kind != "history" {
		rank = ranker.Session("").Rank
	}
	if _, err := rank(answer, &q); err != nil {
		return nil, err
	}
	last := &q.History[length-1]
	return repeat(func() {
		last.Item = (last.Item + 1) % items // another event after those that are kept
		_, _ = rank(answer, &q)             // it did above
	}), nil
}
