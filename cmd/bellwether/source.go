package main

import (
	"context"

	"bellwether"
	"bellwether/collect"
	"bellwether/console"
	"bellwether/measure"
	"bellwether/pipeline"
)

// source shows an engine on the pages.
type source struct{ engine *pipeline.Engine }

// Report implements [console.Source].
func (s source) Report(ctx context.Context) (*measure.Report, error) { return s.engine.Report(ctx) }

// Decisions implements [console.Source].
func (s source) Decisions(ctx context.Context, n int) ([]bellwether.Decision, error) {
	return s.engine.Decider.Recent(ctx, n)
}

// Turns implements [console.Source].
func (s source) Turns(ctx context.Context) ([]console.Turn, error) {
	reports, err := s.engine.Turns(ctx, 20)
	if err != nil {
		return nil, err
	}
	out := make([]console.Turn, len(reports))
	for i, r := range reports {
		t := console.Turn{Number: r.Number, AsOf: r.AsOf, Events: r.Events, Decisions: r.Decisions, Seconds: r.Seconds}
		for _, a := range r.Applications {
			t.Applications = append(t.Applications, console.Application{Name: a.Application, Version: a.Version, Chosen: a.Chosen, Promoted: a.Promoted, Reason: a.Reason, Rows: a.Rows})
		}
		for _, c := range r.Cleaning {
			t.Cleaning = append(t.Cleaning, console.Rule{Name: c.Rule, Seen: c.Seen, Changed: c.Changed, Dropped: c.Dropped})
		}
		out[i] = t
	}
	return out, nil
}

// Rejects implements [console.Source].
func (s source) Rejects(ctx context.Context, n int) ([]console.Reject, error) {
	var out []console.Reject
	err := s.engine.Collector.DeadLetters(ctx, func(r collect.Rejected) bool {
		text := string(r.Raw)
		if len(text) > 300 {
			text = text[:300] + "…"
		}
		out = append(out, console.Reject{Time: r.Time, Source: r.Source, Line: r.Line, Reason: r.Reason, Text: text})
		return len(out) < n
	})
	return out, err
}

// Title implements [console.Source].
func (s source) Title(action string) string { return s.engine.Title(bellwether.ItemID(action)) }
