package learn

import (
	"context"
	"errors"
	"fmt"
	"time"

	"bellwether"
	"bellwether/history"
	"bellwether/store"
)

// TurnReport says what a turn did.
type TurnReport struct {
	Number    int                  `json:"number"` // of the project's turns, from 1
	AsOf      time.Time            `json:"as_of"`
	Cursor    uint64               `json:"cursor"` // in the log: everything up to it was read
	Read      int64                `json:"read"`   // people's events in the log
	Events    int64                `json:"events"` // of them, clean ones
	People    int64                `json:"people"`
	Decisions int64                `json:"decisions"`
	Steps     int64                `json:"steps"`   // of people's histories, kept in memory to learn from
	Settled   int64                `json:"settled"` // outcomes that became records of the log
	Cleaning  []history.RuleReport `json:"cleaning"`
	Calendar  history.Calendar     `json:"calendar"`
	Tasks     []TaskReport         `json:"applications"`
	Seconds   float64              `json:"seconds"`
	Pass      float64              `json:"pass_seconds"` // of Seconds, until the tasks began
}

// TaskReport says what a turn did for one task.
type TaskReport struct {
	Task     string                  `json:"application"`
	Version  bellwether.ModelVersion `json:"version,omitempty"`
	Chosen   string                  `json:"chosen,omitempty"` // the row with the best validation figure
	Promoted bool                    `json:"promoted"`
	Reason   string                  `json:"reason"`
	Rows     []bellwether.CardRow    `json:"rows,omitempty"`
	Share    float64                 `json:"share,omitempty"` // of people whom a budget left in; 0: of all
	Seconds  float64                 `json:"seconds"`
}

// Report says what became of a task's work, which took a time.
func (w *Work) Report(took time.Duration) TaskReport {
	return TaskReport{
		Task: w.Task.Name, Version: w.Run.Version, Chosen: w.Card.Chosen, Promoted: w.Promoted, Reason: w.Reason, Rows: w.Card.Rows,
		Share: w.Run.Share, Seconds: took.Seconds(),
	}
}

// turnsFolder is where turns' reports are kept.
const turnsFolder = "turns/"

// KeepTurn keeps the report of a turn under the next number.
func (r *Registry) KeepTurn(ctx context.Context, t *TurnReport) (err error) {
	if t.Number, err = Number(ctx, r.kv, "turn"); err != nil {
		return err
	}
	return r.objects.PutJSON(ctx, fmt.Sprintf("%sturn-%06d.json", turnsFolder, t.Number), t)
}

// Turns returns the reports of the newest turns, at most n, oldest first.
func (r *Registry) Turns(ctx context.Context, n int) ([]TurnReport, error) {
	objects, err := r.objects.List(ctx, turnsFolder)
	if err != nil {
		return nil, fmt.Errorf("listing turns: %w", err)
	}
	objects = objects[max(0, len(objects)-n):]
	out := make([]TurnReport, len(objects))
	for i, o := range objects {
		if err := r.objects.GetJSON(ctx, o.Name, &out[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

const seenName = "seen.json"

// KeepSeen keeps what the newest pass saw, of a turn or between turns.
func (r *Registry) KeepSeen(ctx context.Context, t *TurnReport) error {
	return r.objects.PutJSON(ctx, seenName, t)
}

// Seen is what the newest pass saw; ok is false before there was one.
func (r *Registry) Seen(ctx context.Context) (t TurnReport, ok bool, err error) {
	err = r.objects.GetJSON(ctx, seenName, &t)
	if errors.Is(err, store.ErrNotFound) {
		return t, false, nil
	}
	return t, err == nil, err
}
