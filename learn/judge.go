package learn

import (
	"context"
	"fmt"

	"bellwether"
	"bellwether/evaluate"
)

// JudgedTargets is how many targets judge models that rank items, and no more than one a person on average: the standard error of an
// NDCG@10 of .05 is then about .0012. Of more, these are evenly spread over people in the order of their first step.
const JudgedTargets = 20_000

// JudgeRanks is the Judge of a task whose models rank the items of sequences: among what the surface offers, which chooses, and on the
// test part under the other protocols too (evaluate.Protocols).
func JudgeRanks(ctx context.Context, m bellwether.Model, d *bellwether.Dataset) (validation, test map[string]bellwether.Estimate, err error) {
	s, ok := m.(bellwether.Scorer)
	if !ok || d.Sequences == nil {
		return nil, nil, fmt.Errorf("a %s model does not fit the data", m.Family())
	}
	q := d.Sequences
	served := evaluate.RankOptions{Protocol: evaluate.Served(q)}
	if validation, err = evaluate.Rank(ctx, s, q, q.Spread(q.Validation, JudgedTargets), served); err != nil {
		return nil, nil, err
	}
	all, err := evaluate.RanksUnder(ctx, s, q, q.Spread(q.Test, JudgedTargets), evaluate.Protocols(q), evaluate.RankOptions{})
	if err != nil {
		return nil, nil, err
	}
	return validation, evaluate.Under(all), nil
}

// CompareRanks is the Compare of such a task: among what the surface offers, paired by person.
func CompareRanks(ctx context.Context, challenger, champion bellwether.Model, d *bellwether.Dataset) (map[string]bellwether.Estimate, error) {
	var rankings [2]*evaluate.Ranking
	for i, m := range []bellwether.Model{challenger, champion} {
		s, ok := m.(bellwether.Scorer)
		if !ok || d.Sequences == nil {
			return nil, fmt.Errorf("a %s model does not rank items", m.Family())
		}
		q := d.Sequences
		var err error
		if rankings[i], err = evaluate.Ranks(ctx, s, q, q.Spread(q.Validation, JudgedTargets), evaluate.RankOptions{Protocol: evaluate.Served(q)}); err != nil {
			return nil, err
		}
	}
	return evaluate.Compare(rankings[0], rankings[1])
}

// SequenceWarnings is the Warnings of such a task.
func SequenceWarnings(d *bellwether.Dataset) []string {
	if d.Sequences == nil {
		return nil
	}
	out := evaluate.SequenceWarnings(d.Sequences)
	if all, n := d.Sequences.Validation, len(d.Sequences.Spread(d.Sequences.Validation, JudgedTargets)); n < len(all) {
		out = append(out, fmt.Sprintf("judged by %d of %d targets, evenly spread over people", n, len(all)))
	}
	return out
}

// JudgeClasses is the Judge of a task whose models tell two classes of a table's rows apart.
func JudgeClasses(ctx context.Context, m bellwether.Model, d *bellwether.Dataset) (validation, test map[string]bellwether.Estimate, err error) {
	p, err := predict(ctx, m, d)
	if err != nil {
		return nil, nil, err
	}
	parts := [2]map[string]bellwether.Estimate{}
	for i, split := range []bellwether.Split{bellwether.Validation, bellwether.Test} {
		if parts[i], err = evaluate.Binary(part(p, d.Table, split), part(d.Table.Target, d.Table, split), evaluate.BinaryOptions{}); err != nil {
			return nil, nil, err
		}
	}
	return parts[0], parts[1], nil
}

// CompareClasses is the Compare of such a task: paired by row.
func CompareClasses(ctx context.Context, challenger, champion bellwether.Model, d *bellwether.Dataset) (map[string]bellwether.Estimate, error) {
	a, err := predict(ctx, challenger, d)
	if err != nil {
		return nil, err
	}
	b, err := predict(ctx, champion, d)
	if err != nil {
		return nil, err
	}
	const v = bellwether.Validation
	return evaluate.CompareBinary(part(a, d.Table, v), part(b, d.Table, v), part(d.Table.Target, d.Table, v), evaluate.BinaryOptions{})
}

func predict(ctx context.Context, m bellwether.Model, d *bellwether.Dataset) ([]float64, error) {
	c, ok := m.(bellwether.Classifier)
	if !ok || d.Table == nil {
		return nil, fmt.Errorf("a %s model gives no probabilities of the data's rows", m.Family())
	}
	return c.Predict(ctx, d.Table)
}

// part returns the values of the rows of one part of the split.
func part(values []float64, t *bellwether.Table, split bellwether.Split) []float64 {
	var out []float64
	for i, v := range values {
		if t.Split[i] == split {
			out = append(out, v)
		}
	}
	return out
}
