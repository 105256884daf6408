package pipeline

import (
	"context"
	"fmt"
	"time"

	"bellwether"
	"bellwether/history"
	"bellwether/learn"
	"bellwether/measure"
)

// The stages of a turn by hand, one task at a time.

// Train assembles the task's data in a pass, or takes the table that somebody gives, fits every candidate, and returns the version of the run.
func (p *Project) Train(ctx context.Context, task string, table *bellwether.Table, o *learn.Training, report func(bellwether.Progress)) (bellwether.ModelVersion, error) {
	t, err := p.Registry.Task(task)
	if err != nil {
		return "", err
	}
	if !p.turns.TryLock() {
		return "", ErrTurnRunning
	}
	defer p.turns.Unlock()
	training := p.o.Training
	if o != nil {
		training = *o
	}
	m, err := p.material(ctx, t, table, p.Clock(), report)
	if err != nil {
		return "", err
	}
	w, err := p.Registry.Train(ctx, t, m, training, report)
	if w == nil {
		return "", err
	}
	return w.Run.Version, err
}

// Evaluate ranks the models of the newest run on its held-out data, writes the card and returns it. A run that learned from a table needs it again.
func (p *Project) Evaluate(ctx context.Context, task string, table *bellwether.Table, report func(bellwether.Progress)) (bellwether.Card, error) {
	var card bellwether.Card
	err := p.resume(ctx, task, table, report, func(w *learn.Work) error {
		err := p.Registry.Judge(ctx, w, report)
		card = w.Card
		return err
	})
	return card, err
}

// Promote puts the best model of the newest run in service if it beats what is there, or in any case when forced.
func (p *Project) Promote(ctx context.Context, task string, table *bellwether.Table, forced bool, report func(bellwether.Progress)) (promoted bool, reason string, err error) {
	err = p.resume(ctx, task, table, report, func(w *learn.Work) error {
		err := p.Registry.Promote(ctx, w, forced)
		promoted, reason = w.Promoted, w.Reason
		return err
	})
	return promoted, reason, err
}

// resume takes the newest run of a task up again.
func (p *Project) resume(ctx context.Context, task string, table *bellwether.Table, report func(bellwether.Progress), do func(*learn.Work) error) error {
	t, err := p.Registry.Task(task)
	if err != nil {
		return err
	}
	if !p.turns.TryLock() {
		return ErrTurnRunning
	}
	defer p.turns.Unlock()
	w, err := p.Registry.Resume(ctx, t, func(ctx context.Context, run learn.Run) (learn.Material, error) {
		if run.Given && table == nil {
			return learn.Material{}, fmt.Errorf("%w: %s learned from a table that was given: give it again (--table)", learn.ErrOtherData, run.Version)
		}
		if !run.Given {
			table = nil
		}
		return p.material(ctx, t, table, run.AsOf, report)
	})
	if err != nil {
		return err
	}
	return do(w)
}

// material is what a task learns from as of a moment. Limits are learned as of then, so that it is the same whenever it is asked for.
func (p *Project) material(ctx context.Context, t *learn.Task, table *bellwether.Table, asOf time.Time, report func(bellwether.Progress)) (learn.Material, error) {
	if table != nil {
		return t.Given(p.ID, table, asOf)
	}
	in, err := p.Inputs(asOf)
	if err != nil {
		return learn.Material{}, err
	}
	join, err := p.joining(asOf)
	if err != nil {
		return learn.Material{}, err
	}
	in.Outcomes = func(who *history.Person) ([]bellwether.Outcome, error) {
		settled, open, _, err := measure.Settle(who, join)
		return append(settled, open...), err
	}
	if err := p.History.Learn(ctx, asOf); err != nil {
		return learn.Material{}, err
	}
	a := t.Data(in)
	tally, err := p.History.Pass(ctx, history.PassOptions{AsOf: asOf, Progress: report}, a)
	if err != nil {
		return learn.Material{}, fmt.Errorf("reading everybody: %w", err)
	}
	return t.Assembled(a, asOf, tally.Cursor)
}

// Plan sizes a holdout: which share of people it needs to show an effect of relative (0.15: fifteen per cent) on what a person brings over a
// coming time, judged by what people brought since from.
func (p *Project) Plan(ctx context.Context, relative float64, from time.Time, coming time.Duration) (measure.Plan, error) {
	asOf := p.Clock()
	join, err := p.joining(asOf)
	if err != nil {
		return measure.Plan{}, err
	}
	planner, err := measure.NewPlanner(measure.PlanOptions{Relative: relative, From: from, AsOf: asOf, Coming: coming, Prices: join.Prices, Rule: join.Rule})
	if err != nil {
		return measure.Plan{}, err
	}
	if _, err := p.History.Pass(ctx, history.PassOptions{AsOf: asOf}, planner); err != nil {
		return measure.Plan{}, fmt.Errorf("adding up what people brought: %w", err)
	}
	return planner.Plan()
}
