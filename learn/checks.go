package learn

import (
	"context"
	"fmt"
	"time"

	"bellwether"
	"bellwether/evaluate"
	"bellwether/models/dnn"
)

// strange is the AUC of telling training rows from held-out ones above which they are taken to be of different kinds (docs/science.md §3).
const strange = 0.75

// stale is the age of the newest event beyond which a turn learns from what may no longer hold.
const stale = 7 * 24 * time.Hour

// checked returns what makes data a poor basis, whatever the task: how old they are, columns that tell the outcome alone, and held-out rows
// that can be told from those that are learned from.
func checked(ctx context.Context, d *bellwether.Dataset) (warnings []string, err error) {
	if newest := newestOf(d); !newest.IsZero() && d.AsOf.Sub(newest) > stale {
		warnings = append(warnings, fmt.Sprintf("the newest event is of %s, %.0f days before: import what came since, or what is learned may no longer hold",
			newest.UTC().Format(time.DateOnly), d.AsOf.Sub(newest).Hours()/24))
	}
	if d.Table == nil {
		return warnings, nil
	}
	if leaks := evaluate.CheckLeaks(d.Table, d.Table.Allowed...); leaks != nil {
		warnings = append(warnings, leaks.Error())
	}
	apart, err := adversary(ctx, d.Table)
	if err != nil {
		return nil, err
	}
	if len(apart.Interval) == 2 && apart.Value > strange && apart.Interval[0] > .5 {
		warnings = append(warnings, fmt.Sprintf("held-out rows can be told from those that are learned from (AUC %.3f, above %.2f): they are of another time or source, and what is judged on them may not hold",
			apart.Value, strange))
	}
	return warnings, nil
}

// newestOf is the time of the newest event, zero where it is not known.
func newestOf(d *bellwether.Dataset) time.Time {
	if !d.Newest.IsZero() || d.Sequences == nil {
		return d.Newest
	}
	last := int64(0)
	for _, steps := range d.Sequences.Steps {
		if n := len(steps); n > 0 {
			last = max(last, steps[n-1].Time)
		}
	}
	if last == 0 {
		return time.Time{}
	}
	return time.Unix(last, 0)
}

// adversary is how well logistic regression tells a table's held-out rows from its training rows by their columns, on rows of either that it
// did not see (adversarial validation). Rows that were split by chance give .5.
func adversary(ctx context.Context, t *bellwether.Table) (bellwether.Estimate, error) {
	other := *t
	other.Target, other.Split = make([]float64, t.Rows()), make([]bellwether.Split, t.Rows())
	var count [2]int
	for i, split := range t.Split {
		held := 0
		if split != bellwether.Train {
			held = 1
		}
		other.Target[i] = float64(held)
		other.Split[i] = []bellwether.Split{bellwether.Train, bellwether.Test, bellwether.Train, bellwether.Validation, bellwether.Test}[count[held]%5]
		count[held]++
	}
	if len(t.Columns) == 0 || min(count[0], count[1]) < 50 {
		return bellwether.Estimate{}, nil // too few to tell anything apart
	}
	m, err := dnn.Trainer{Kind: dnn.Logistic, Seed: 1}.Train(ctx, &bellwether.Dataset{Name: "adversary", Table: &other}, nil)
	if err != nil {
		return bellwether.Estimate{}, fmt.Errorf("telling held-out rows from others: %w", err)
	}
	p, err := m.(bellwether.Classifier).Predict(ctx, &other)
	if err != nil {
		return bellwether.Estimate{}, err
	}
	figures, err := evaluate.Binary(part(p, &other, bellwether.Test), part(other.Target, &other, bellwether.Test), evaluate.BinaryOptions{Bootstrap: 200})
	return figures["auc"], err
}
