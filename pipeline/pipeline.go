// Package pipeline joins the stages into Bellwether's two rhythms. Start reading here.
//
// The turn (minutes to days) learns from the log. It is the list turnSteps: the first steps are about everybody, the others
// are done for each learning task of each application.
//
//	limits    → what is usual? so that one person's events can be judged by themselves
//	people    → one pass: what did everybody do, what did decisions earn, what may be learned from?
//	publish   → what is settled becomes records of the log; the report, and what is popular
//	train     → every candidate of the task, the plain ones first
//	evaluate  → each next to the others on held-out data
//	promote   → is the best one better than what is in service?
//
// The request (milliseconds) answers from what was learned; an application gives its requests (apps/…), and each reads as a list, too:
// who is it, what did they do, what may be done, what would they like, what is decided.
//
// Turn and request meet in three places: the log, the history (package history, one set of rules for both), and one atomic slot a
// task (package learn).
package pipeline

import (
	"context"
	"errors"
	"fmt"
	"time"

	"bellwether"
	"bellwether/learn"
)

// turnSteps is the turn.
var turnSteps = []struct {
	name string
	why  string
	each bool // for each task
	run  func(context.Context, *turn) error
}{
	{"limits", "learn what is usual: prices, spellings, quantities", false, learnLimits},
	{"people", "read everybody once: clean, join outcomes to decisions, assemble what may be learned from", false, passPeople},
	{"publish", "log what is settled, keep the report and what is popular", false, publish},
	{"train", "fit the plain models and the large ones", true, trainTask},
	{"evaluate", "rank every model next to plain ones, write the card", true, judgeTask},
	{"promote", "put the best in service if it beats what is there", true, promoteTask},
}

// TurnReport says what a turn did.
type TurnReport = learn.TurnReport

// TurnOptions are what one turn does otherwise than configured.
type TurnOptions struct {
	Training  *learn.Training // nil: as configured
	Untrained bool            // end after publishing
}

// Turn runs one turn. A task that has too little data is passed over with the reason; one that fails leaves its old model in service, is
// named in the returned error and logged as an event, and does not stop the others. report may be nil.
func (p *Project) Turn(ctx context.Context, o TurnOptions, report func(bellwether.Progress)) (TurnReport, error) {
	end, err := p.turns.Turn(ctx)
	if err != nil {
		return TurnReport{}, err
	}
	defer end()
	start := time.Now()
	t := p.newTurn(report)
	if o.Training != nil {
		t.training = *o.Training
	}
	for _, s := range turnSteps {
		if s.each {
			continue
		}
		if err := t.step(ctx, s.name, s.run); err != nil {
			return t.result, p.Failed(ctx, "", s.name, err)
		}
	}
	t.result.Pass = time.Since(start).Seconds()
	var errs []error
	for _, task := range p.Registry.Tasks() {
		if !o.Untrained {
			errs = append(errs, t.learn(ctx, task))
		}
	}
	t.result.Seconds = time.Since(start).Seconds()
	errs = append(errs, p.Registry.KeepTurn(ctx, &t.result))
	return t.result, errors.Join(errs...)
}

// learn runs the steps of one task.
func (t *turn) learn(ctx context.Context, task *learn.Task) error {
	start := time.Now()
	t.task, t.work = task, &learn.Work{Task: task}
	var failed error
	for _, s := range turnSteps {
		if !s.each {
			continue
		}
		err := t.step(ctx, s.name, s.run)
		if errors.Is(err, learn.ErrNoData) {
			t.work.Reason = err.Error()
			break
		}
		if err != nil {
			t.work.Reason = fmt.Sprintf("%s failed: %v", s.name, err)
			failed = t.p.Failed(ctx, task.Name, s.name, err)
			break
		}
	}
	t.result.Tasks = append(t.result.Tasks, t.work.Report(time.Since(start)))
	return failed
}

func (t *turn) step(ctx context.Context, name string, run func(context.Context, *turn) error) error {
	if t.task != nil {
		name = t.task.Name + ": " + name
	}
	start := time.Now()
	t.report(bellwether.Progress{Step: name})
	err := run(ctx, t)
	if err == nil {
		t.report(bellwether.Progress{Step: name, Done: 1, Total: 1, Elapsed: time.Since(start)})
	}
	return err
}
