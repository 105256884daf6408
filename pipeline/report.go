package pipeline

import (
	"context"
	"fmt"
	"io"
	"iter"
	"sync"
	"time"

	"bellwether"
	"bellwether/measure"
	"bellwether/prepare"
)

// reports keeps the newest report: it is made again when the log has grown or a minute has passed.
type reports struct {
	mu     sync.Mutex
	report *measure.Report
	cursor uint64
	asOf   time.Time
}

// Report says what the decisions were worth, from the cleaned log up to now. It must not be changed.
func (e *Engine) Report(ctx context.Context) (*measure.Report, error) {
	e.reports.mu.Lock()
	defer e.reports.mu.Unlock()
	last, err := e.project.Log.Last(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the end of the log: %w", err)
	}
	now := e.o.Clock()
	if r := &e.reports; r.report != nil && r.cursor == last && now.Sub(r.asOf) < time.Minute {
		return r.report, nil
	}
	t := newTurn(e, nil)
	if err := cleanEvents(ctx, t); err != nil {
		return nil, err
	}
	report, err := t.measured(ctx)
	if err != nil {
		return nil, err
	}
	e.reports.report, e.reports.cursor, e.reports.asOf = report, last, now
	return report, nil
}

func (t *turn) measured(ctx context.Context) (*measure.Report, error) {
	prices, err := t.e.prices()
	if err != nil {
		return nil, err
	}
	in := measure.Input{
		Project: t.e.project.ID, AsOf: t.asOf, Decisions: t.e.Decisions(ctx), Events: all(t.cleaned.Events),
		Prices: prices, Person: t.person, HoldoutShare: max(t.e.o.HoldoutShare, 0),
		Reward: measure.Conversion, Valued: valuedDecisions, Seed: t.e.o.Training.Seed,
	}
	if t.e.o.Measured != nil {
		in.People.From = t.e.o.Measured()
	}
	if in.Targets, err = t.e.targets(since(in.Decisions, in.People.From)); err != nil {
		return nil, err
	}
	if t.e.o.Plan != nil {
		in.Planned = t.e.o.Plan()
	}
	r, err := measure.Build(in)
	if err != nil {
		return nil, fmt.Errorf("measuring: %w", err)
	}
	return r, nil
}

// Cleaning returns what the cleaning rules find in the log as it is.
func (e *Engine) Cleaning(ctx context.Context) (prepare.Report, error) {
	t := newTurn(e, nil)
	if err := cleanEvents(ctx, t); err != nil {
		return prepare.Report{}, err
	}
	return t.cleaned.Report, nil
}

// Export writes the cleaned events, or the training set of an application, as Parquet; or the sequence model.
func (e *Engine) Export(ctx context.Context, what string, w io.Writer) error {
	if modelFiles[what] != nil {
		return e.exportModel(ctx, what, w)
	}
	t := newTurn(e, nil)
	if what != "events" && what != "recommend" && what != "behaviour" {
		return fmt.Errorf("%w: what is %q; it can be events, recommend, behaviour, model, model-onnx or model-card", ErrBadRequest, what)
	}
	if err := cleanEvents(ctx, t); err != nil {
		return err
	}
	if what == "events" {
		return prepare.WriteEvents(w, t.cleaned.Events)
	}
	t.work = &work{application: what}
	if err := assembleData(ctx, t); err != nil {
		return err
	}
	if what == "recommend" {
		return prepare.WriteSequences(w, t.work.data.Sequences)
	}
	return prepare.WriteTable(w, t.work.data.Table)
}

// since leaves out the decisions before from.
func since(decisions iter.Seq2[bellwether.Decision, error], from time.Time) iter.Seq2[bellwether.Decision, error] {
	return func(yield func(bellwether.Decision, error) bool) {
		for d, err := range decisions {
			if (err != nil || !d.Time.Before(from)) && !yield(d, err) {
				return
			}
		}
	}
}
