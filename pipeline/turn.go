package pipeline

import (
	"context"
	"fmt"
	"time"

	"bellwether"
	"bellwether/history"
	"bellwether/history/lake"
	"bellwether/learn"
	"bellwether/measure"
)

// turn is the state that the steps of a turn hand on.
type turn struct {
	p        *Project
	report   func(bellwether.Progress)
	training learn.Training
	asOf     time.Time
	tasks    bool    // the pass assembles the tasks' data, too
	files    bool    // and brings the lake up to date
	wait     float64 // but for days of which at most this share of rows changed

	tally      history.Tally
	popular    *history.PopularityCounter
	calendar   *history.CalendarCounter
	study      *measure.Study
	settled    *history.SettledWriter
	assemblers map[string]learn.Assembler // by task
	result     TurnReport

	task *learn.Task // under way; nil before
	work *learn.Work
}

func (p *Project) newTurn(report func(bellwether.Progress)) *turn {
	if report == nil {
		report = func(bellwether.Progress) {}
	}
	t := &turn{p: p, report: report, training: p.o.Training, asOf: p.Clock(), tasks: true, files: true, wait: lake.Few, assemblers: map[string]learn.Assembler{}}
	t.result.AsOf = t.asOf
	return t
}

// learnLimits learns what the rules need to know of everybody.
func learnLimits(ctx context.Context, t *turn) error { return t.p.History.Learn(ctx, t.asOf) }

// passPeople reads everybody once.
func passPeople(ctx context.Context, t *turn) error {
	reducers, err := t.reducers(ctx)
	if err != nil {
		return err
	}
	if t.files {
		w, err := t.p.lake(ctx, t.asOf, t.wait)
		if err != nil {
			return err
		}
		defer w.Close() // its scratch files
		reducers = append(reducers, w)
	}
	t.tally, err = t.p.History.Pass(ctx, history.PassOptions{AsOf: t.asOf, Progress: t.report}, reducers...)
	if err != nil {
		return fmt.Errorf("reading everybody: %w", err)
	}
	r := &t.result
	r.Cursor, r.Cleaning = t.tally.Cursor, t.tally.Rules
	r.Read, r.Events, r.People, r.Decisions = t.tally.Read, t.tally.Events, t.tally.People, t.tally.Decisions
	r.Calendar, r.Steps = t.calendar.Calendar, learn.Kept(t.assemblers)
	return nil
}

// reducers are what a pass makes.
func (t *turn) reducers(ctx context.Context) ([]history.Reducer, error) {
	join, err := t.p.Joining(t.asOf)
	if err != nil {
		return nil, err
	}
	t.settled = history.NewSettledWriter(ctx, t.p.Store.Log)
	t.study, err = measure.NewStudy(measure.StudyOptions{
		Join: join, From: t.p.o.CompareFrom, HoldoutShare: max(t.p.o.HoldoutShare, 0), Costs: t.p.o.Costs, Settled: t.settled.Add,
	})
	if err != nil {
		return nil, fmt.Errorf("preparing the measurement: %w", err)
	}
	t.popular = t.p.History.NewPopularity(t.asOf)
	t.calendar = new(history.CalendarCounter)
	out := []history.Reducer{t.popular, t.calendar, t.study}
	if !t.tasks {
		return out, nil
	}
	in, err := t.p.Inputs(t.asOf)
	if err != nil {
		return nil, err
	}
	for _, task := range t.p.Registry.Tasks() {
		a := task.Data(in)
		t.assemblers[task.Name], out = a, append(out, a)
	}
	return out, nil
}

// publish makes what the pass found last.
func publish(ctx context.Context, t *turn) error {
	var err error
	if t.result.Settled, err = t.settled.Flush(); err != nil {
		return err
	}
	r, err := t.study.Report(measure.ReportInput{
		Project: t.p.ID, Planned: t.p.o.Plan, Seed: t.p.o.Training.Seed, Reward: measure.Conversion, Decision: t.p.History.Decision, Targets: t.p.Targets,
	})
	if err != nil {
		return fmt.Errorf("making the report: %w", err)
	}
	if err := t.p.worth.Keep(ctx, t.p.Store.Objects, r); err != nil {
		return err
	}
	if err := t.p.Registry.KeepSeen(ctx, &t.result); err != nil {
		return err
	}
	return t.p.History.Publish(ctx, &t.popular.Popularity)
}

// trainTask fits the candidates of the task.
func trainTask(ctx context.Context, t *turn) error {
	m, err := t.task.Assembled(t.assemblers[t.task.Name], t.asOf, t.tally.Cursor)
	if err != nil {
		return err
	}
	delete(t.assemblers, t.task.Name) // what was learned from is not kept longer than it is needed
	w, err := t.p.Registry.Train(ctx, t.task, m, t.training, t.report)
	if w != nil {
		t.work = w
	}
	return err
}

func judgeTask(ctx context.Context, t *turn) error { return t.p.Registry.Judge(ctx, t.work, t.report) }

func promoteTask(ctx context.Context, t *turn) error {
	return t.p.Registry.Promote(ctx, t.work, false)
}
