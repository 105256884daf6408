package learn

import (
	"context"
	"errors"
	"fmt"
	"time"

	"bellwether"
)

// FitAll fits candidates one after the other, at most so many minutes in all (0: as many as it takes). One that the data do not
// allow is reported and passed over. What was fitted before an error, or before ctx ended, is returned with the error.
func FitAll(ctx context.Context, candidates []Candidate, d *bellwether.Dataset, minutes float64, clock func() time.Time, report func(bellwether.Progress)) ([]Fitted, error) {
	if report == nil {
		report = func(bellwether.Progress) {}
	}
	var done []Fitted
	begun := clock()
	for i, c := range candidates {
		start := clock()
		f := Fitting{Data: d, Done: done, Report: report}
		if minutes > 0 {
			f.Left = max(minutes-start.Sub(begun).Minutes(), minutes/100)
		}
		m, err := c.Train(ctx, f)
		note := c.Name
		switch {
		case errors.Is(err, ErrSkip):
			note = fmt.Sprintf("%s: %v", c.Name, err)
		case err != nil:
			return done, fmt.Errorf("train %s: %w", c.Name, err)
		default:
			done = append(done, c.fitted(m, clock().Sub(start)))
		}
		report(bellwether.Progress{Step: "train", Done: int64(i + 1), Total: int64(len(candidates)), Elapsed: clock().Sub(start), Note: note})
	}
	return done, nil
}

func (c *Candidate) fitted(m bellwether.Model, took time.Duration) Fitted {
	f := Fitted{Name: c.Name, Model: m, FitSeconds: took.Seconds(), Baseline: c.Baseline}
	if c.Settings != nil {
		f.Settings = c.Settings(m)
	}
	if counted, ok := m.(interface{ Parameters() int64 }); ok {
		f.Parameters = counted.Parameters()
	}
	return f
}
