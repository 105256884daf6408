package lake

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"bellwether/store"
)

// Filter says which files are read; the zero value is all.
type Filter struct {
	From, To time.Time // days, To not included; zero: no limit
	Buckets  []int     // nil: all
}

func (f *Filter) takes(d day, bucket int) bool {
	return (f.From.IsZero() || d.day >= dayOf(f.From)) && (f.To.IsZero() || d.day < dayOf(f.To)) &&
		(f.Buckets == nil || slices.Contains(f.Buckets, bucket))
}

// Each calls do with every row of R's table, by day, bucket, person and time. It reads a file at a time. The row is valid until do returns.
func Each[R Row](ctx context.Context, t Target, f Filter, do func(*R) error) error {
	name := tableOf[R]()
	list, err := t.List(ctx, name+"/")
	if err != nil {
		return err
	}
	rows := make([]R, rowsAtOnce)
	for _, file := range list {
		d, bucket, ok := parseName(file.Name)
		if !ok || !f.takes(d, bucket) {
			continue
		}
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("lake: reading %s: %w", name, err)
		}
		if err := each(ctx, t, file.Name, rows, do); err != nil && !errors.Is(err, store.ErrNotFound) { // gone meanwhile: a turn deleted it
			return err
		}
	}
	return nil
}

func tableOf[R Row]() string {
	switch any((*R)(nil)).(type) {
	case *EventRow:
		return Events
	case *DecisionRow:
		return Decisions
	}
	return Outcomes
}
