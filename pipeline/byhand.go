package pipeline

import (
	"context"
	"fmt"

	"bellwether"
	"bellwether/learn"
)

// The stages of a turn by hand, one task at a time.

// Train assembles the task's data in a pass, or takes the table that somebody gives, fits every candidate, and returns the version of the run.
func (p *Project) Train(ctx context.Context, task string, table *bellwether.Table, o *learn.Training, report func(bellwether.Progress)) (bellwether.ModelVersion, error) {
	t, err := p.Registry.Task(task)
	if err != nil {
		return "", err
	}
	end, err := p.turns.Turn(ctx)
	if err != nil {
		return "", err
	}
	defer end()
	training := p.o.Training
	if o != nil {
		training = *o
	}
	m, err := p.Material(ctx, t, table, p.Clock(), report)
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
	end, err := p.turns.Turn(ctx)
	if err != nil {
		return err
	}
	defer end()
	w, err := p.Registry.Resume(ctx, t, func(ctx context.Context, run learn.Run) (learn.Material, error) {
		if run.Given && table == nil {
			return learn.Material{}, fmt.Errorf("%w: %s learned from a table that was given: give it again (--table)", learn.ErrOtherData, run.Version)
		}
		if !run.Given {
			table = nil
		}
		return p.Material(ctx, t, table, run.AsOf, report)
	})
	if err != nil {
		return err
	}
	return do(w)
}
