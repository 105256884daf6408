// Package pipeline joins the stages into Bellwether's two rhythms. Start reading here.
//
// The turn (minutes to days) learns from the log:
//
//	clean     → which events are true, and who did them?
//	measure   → what did the decisions of the past earn?
//	assemble  → what may be learned from?
//	train     → every model of the application, the plain ones first
//	evaluate  → each beside the others on held-out data
//	promote   → is the best one better than what is in service?
//
// The request (milliseconds) answers from what was learned: see [Engine.Recommend] and [Engine.Act].
//
// They meet in two places: the log, and the atomic pointer of serve.Service.
package pipeline

import (
	"context"
	"errors"
	"fmt"
	"time"

	"bellwether"
)

// applications are what a turn learns, in this order.
var applications = []string{"recommend", "behaviour"}

// turnSteps is the turn: the first two steps once, the others for each application.
var turnSteps = []struct {
	name string
	why  string
	once bool
	run  func(context.Context, *turn) error
}{
	{"clean", "apply the cleaning rules, merge identities", true, cleanEvents},
	{"measure", "join outcomes to decisions, and say what they earned", true, measureDecisions},
	{"assemble", "cut sequences or a table, no row seeing its own future", false, assembleData},
	{"train", "fit the plain models and the large ones", false, trainModels},
	{"evaluate", "rank every model beside the baselines, write the card", false, evaluateModels},
	{"promote", "put the best in service if it beats what is there", false, promoteBest},
}

// ErrTurnRunning means that a turn of this project is under way.
var ErrTurnRunning = errors.New("a turn is running: wait for it to end")

// TurnReport says what a turn did.
type TurnReport struct {
	Number       int                 `json:"number"` // of the project's turns, from 1
	AsOf         time.Time           `json:"as_of"`
	Cursor       uint64              `json:"cursor"` // in the log: everything up to it was read
	Events       int64               `json:"events"`
	Decisions    int64               `json:"decisions"`
	Cleaning     []CleaningRow       `json:"cleaning"`
	Applications []ApplicationReport `json:"applications"`
	Seconds      float64             `json:"seconds"`
}

// ApplicationReport says what a turn did for one application.
type ApplicationReport struct {
	Application string                  `json:"application"`
	Version     bellwether.ModelVersion `json:"version,omitempty"`
	Chosen      string                  `json:"chosen,omitempty"` // the row with the best validation figure
	Promoted    bool                    `json:"promoted"`
	Reason      string                  `json:"reason"`
	Rows        []bellwether.CardRow    `json:"rows,omitempty"`
	Seconds     float64                 `json:"seconds"`
}

// Turn runs one turn. An application that has too little data is passed over with the
// reason; one that fails leaves its old model in service, is named in the returned error and
// logged as an event, and does not stop the others. report may be nil.
func (e *Engine) Turn(ctx context.Context, report func(bellwether.Progress)) (TurnReport, error) {
	if !e.turns.TryLock() {
		return TurnReport{}, ErrTurnRunning
	}
	defer e.turns.Unlock()
	start := time.Now()
	t := newTurn(e, report)
	var errs []error
	for _, s := range turnSteps {
		if !s.once {
			continue
		}
		if err := t.step(ctx, s.name, s.run); err != nil {
			return t.result, e.turnFailed(ctx, "", s.name, err)
		}
	}
	for _, app := range applications {
		errs = append(errs, t.learn(ctx, app))
	}
	t.result.Seconds = time.Since(start).Seconds()
	errs = append(errs, e.record(ctx, &t.result))
	return t.result, errors.Join(errs...)
}

// record keeps the report of a turn under the next number.
func (e *Engine) record(ctx context.Context, r *TurnReport) error {
	version, err := e.nextVersion(ctx, "turn")
	if err != nil {
		return err
	}
	if _, err := fmt.Sscanf(string(version), "turn-%d", &r.Number); err != nil {
		return fmt.Errorf("numbering the turn: %w", err)
	}
	return e.putJSON(ctx, "turns/"+string(version)+".json", r)
}

// Turns returns the reports of the newest turns, at most n, oldest first.
func (e *Engine) Turns(ctx context.Context, n int) ([]TurnReport, error) {
	objects, err := e.project.Objects.List(ctx, "turns/")
	if err != nil {
		return nil, fmt.Errorf("listing turns: %w", err)
	}
	objects = objects[max(0, len(objects)-n):]
	out := make([]TurnReport, len(objects))
	for i, o := range objects {
		if err := e.getJSON(ctx, o.Name, &out[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// learn runs the steps of one application.
func (t *turn) learn(ctx context.Context, application string) error {
	start := time.Now()
	t.work = &work{application: application}
	var failed error
	for _, s := range turnSteps {
		if s.once {
			continue
		}
		err := t.step(ctx, s.name, s.run)
		if errors.Is(err, ErrNoData) {
			t.work.reason = err.Error()
			break
		}
		if err != nil {
			t.work.reason = fmt.Sprintf("%s failed: %v", s.name, err)
			failed = t.e.turnFailed(ctx, application, s.name, err)
			break
		}
	}
	t.result.Applications = append(t.result.Applications, ApplicationReport{
		Application: application, Version: t.work.run.Version, Chosen: t.work.card.Chosen, Promoted: t.work.promoted,
		Reason: t.work.reason, Rows: t.work.card.Rows, Seconds: time.Since(start).Seconds(),
	})
	return failed
}

func (t *turn) step(ctx context.Context, name string, run func(context.Context, *turn) error) error {
	label := name
	if t.work != nil {
		label = t.work.application + ": " + name
	}
	start := time.Now()
	t.report(bellwether.Progress{Step: label})
	err := run(ctx, t)
	if err == nil {
		t.report(bellwether.Progress{Step: label, Done: 1, Total: 1, Elapsed: time.Since(start)})
	}
	return err
}

// turnFailed logs that a step failed, and returns the error with the step's name.
func (e *Engine) turnFailed(ctx context.Context, application, step string, err error) error {
	e.o.Logger.ErrorContext(ctx, "turn failed", "application", application, "step", step, "error", err)
	note := e.note(context.WithoutCancel(ctx), bellwether.TurnFailed, map[string]any{"application": application, "step": step, "error": err.Error()})
	return errors.Join(fmt.Errorf("%s %s: %w", application, step, err), note)
}
