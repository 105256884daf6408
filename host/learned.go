package host

import (
	"context"
	"errors"
	"time"

	"bellwether/evaluate"
	"bellwether/learn"
	"bellwether/pipeline"
	"bellwether/store"
	"bellwether/web/console"
)

// shownTurns is how many turns the pages look back.
const shownTurns = 24

// Models implements [console.Source].
func (source) Models(ctx context.Context) (console.Models, error) {
	p, err := project(ctx)
	if err != nil {
		return console.Models{}, err
	}
	turns, err := p.Registry.Turns(ctx, shownTurns)
	if err != nil || len(turns) == 0 {
		return console.Models{}, err
	}
	var out console.Models
	for _, t := range p.Registry.Tasks() {
		x := console.Task{Name: t.Name, Metric: t.Metric, Lower: evaluate.LowerIsBetter(t.Metric)}
		if x.Serving, err = serving(ctx, p, t.Name, turns); err != nil {
			return out, err
		}
		for i := range turns {
			x.Turns = append(x.Turns, ofTask(&turns[i], t.Name)...)
		}
		out.Tasks = append(out.Tasks, x)
	}
	return out, nil
}

// ofTask is what a turn did for a task, if it did.
func ofTask(t *pipeline.TurnReport, task string) (out []console.Turn) {
	for _, r := range t.Tasks {
		if r.Task == task {
			out = append(out, console.Turn{
				Number: t.Number, AsOf: t.AsOf, Events: t.Events, Decisions: t.Decisions, Took: time.Duration(r.Seconds * float64(time.Second)),
				Version: r.Version, Chosen: r.Chosen, Promoted: r.Promoted, Reason: r.Reason, Rows: r.Rows,
			})
		}
	}
	return out
}

// serving is what answers for a task, since the turn that promoted it, or since it was trained by hand.
func serving(ctx context.Context, p *pipeline.Project, task string, turns []pipeline.TurnReport) (console.Serving, error) {
	out := console.Serving{Task: task}
	s, err := p.Registry.InService(ctx, task)
	if errors.Is(err, store.ErrNotFound) || errors.Is(err, learn.ErrNoModel) {
		return out, nil
	}
	if err != nil {
		return out, err
	}
	out.Version, out.Family = s.Version, s.Name
	for i := range turns {
		for _, t := range turns[i].Tasks {
			if t.Task == task && t.Promoted && t.Version == s.Version {
				out.Since = turns[i].AsOf
				return out, nil
			}
		}
	}
	run, err := p.Registry.Run(ctx, task, s.Version)
	out.Since = run.Started
	return out, err
}
