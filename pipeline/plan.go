package pipeline

import (
	"context"
	"fmt"
	"math"
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
	joined, err := measure.Join(e.Decisions(ctx), all(t.cleaned.Events), measure.JoinOptions{AsOf: t.asOf, Prices: prices, Person: t.person})
	if err != nil {
		return measure.Plan{}, fmt.Errorf("joining outcomes to decisions: %w", err)
	}
	people, _, err := measure.People(joined, all(t.cleaned.Events), measure.PeopleOptions{
		From: from, Assign: func(bellwether.Subject) (holdout, in bool) { return false, true },
	})
	if err != nil {
		return measure.Plan{}, fmt.Errorf("adding up what people brought: %w", err)
	}
	mean, sd, correlation := spread(people)
	longer := coming.Hours() / t.asOf.Sub(from).Hours()
	sd *= longer * math.Sqrt(max(correlation, 0)+(1-max(correlation, 0))/longer)
	mean *= longer
	plan := measure.Plan{
		Metric: measure.Margin, Effect: relative * mean, People: len(people),
		Power: measure.Power{SD: sd, Correlation: correlation, Power: 0.9},
	}
	plan.Share, err = plan.HoldoutShare(plan.Effect, plan.People)
	return plan, err
}

// spread is the mean and standard deviation of the margin of a person, and its correlation with
// the margin of the time before.
func spread(people []measure.Person) (mean, sd, correlation float64) {
	n := float64(len(people))
	var before, yy, xx, xy float64
	for i := range people {
		mean += people[i].During.Margin / n
		before += people[i].Before.Margin / n
	}
	for i := range people {
		y, x := people[i].During.Margin-mean, people[i].Before.Margin-before
		yy, xx, xy = yy+y*y, xx+x*x, xy+x*y
	}
	if xx > 0 && yy > 0 {
		correlation = xy / math.Sqrt(xx*yy)
	}
	return mean, math.Sqrt(yy / max(n-1, 1)), correlation
}
