package pipeline

import (
	"context"
	"fmt"
	"time"

	"bellwether"
	"bellwether/measure"
)

// Plan sizes a holdout: which share of people it needs to show an effect of relative (0.15: fifteen
// per cent) on the margin of a person over a coming time, judged by the margins since from. How well
// the time before from predicts them, ρ, tells how much of the spread is lasting differences between
// people, which a longer time does not average out: CV² = CV₀²·(ρ + (1−ρ)·T₀/T) (Spearman–Brown).
func (e *Engine) Plan(ctx context.Context, relative float64, from time.Time, coming time.Duration) (measure.Plan, error) {
	t := newTurn(e, nil)
	if err := cleanEvents(ctx, t); err != nil {
		return measure.Plan{}, err
	}
	prices, err := e.prices()
	if err != nil {
		return measure.Plan{}, err
	}
	planner, err := measure.NewPlanner(measure.PlanOptions{
		Relative: relative, From: from, AsOf: t.asOf, Coming: coming, Metric: measure.Margin, Prices: prices,
	})
	if err != nil {
		return measure.Plan{}, err
	}
	none := func(func(bellwether.Decision, error) bool) {}
	log, err := measure.Gather(none, all(t.cleaned.Events), measure.JoinOptions{Person: t.person})
	if err != nil {
		return measure.Plan{}, fmt.Errorf("adding up what people brought: %w", err)
	}
	for _, p := range log.People {
		if err := planner.Add(p); err != nil {
			return measure.Plan{}, err
		}
	}
	return planner.Plan()
}
