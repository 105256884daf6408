package app

import (
	"context"
	"fmt"
	"time"

	"bellwether"
	"bellwether/history"
	"bellwether/learn"
	"bellwether/measure"
)

// Joining says how events are credited to decisions, as of a moment.
func (p *Project) Joining(asOf time.Time) (measure.JoinOptions, error) {
	items, err := p.History.Items()
	if err != nil {
		return measure.JoinOptions{}, err
	}
	return measure.JoinOptions{
		AsOf: asOf, Prices: measure.Prices{Currency: p.Currency, Rates: p.Rates, Catalogue: items},
		Known: func(id bellwether.DecisionID) (bool, error) {
			_, ok, err := p.History.Decision(id)
			return ok, err
		},
	}, nil
}

// Material is what a task learns from as of a moment. Limits are learned as of then, so that it is the same whenever it is asked for.
func (p *Project) Material(ctx context.Context, t *learn.Task, table *bellwether.Table, asOf time.Time, report func(bellwether.Progress)) (learn.Material, error) {
	if table != nil {
		return t.Given(p.ID, table, asOf)
	}
	in, err := p.Inputs(asOf)
	if err != nil {
		return learn.Material{}, err
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
	join, err := p.Joining(asOf)
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
