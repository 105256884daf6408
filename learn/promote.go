package learn

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"bellwether"
	"bellwether/store"
)

// Promote puts the chosen row in service if the held-out people show that it should be: where nothing serves, or another recipe does, it
// must beat every plain row, else the best plain row is chosen instead; what serves is replaced by a recipe that is better, or by its own
// that is not worse on fresher data (docs/science.md §3), unless the task's guard vetoes. Forced, the chosen row goes into service unasked.
// What is not promoted is kept in the shadow. Either way an event says which and why, and so does w.
func (r *Registry) Promote(ctx context.Context, w *Work, forced bool) error {
	if len(w.Card.Rows) == 0 {
		return fmt.Errorf("%s: %w", w.Run.Version, ErrNotJudged)
	}
	if w.Card.Chosen == "" {
		return fmt.Errorf("%s: nothing can be promoted: %s", w.Run.Version, w.Card.Reason)
	}
	if forced {
		return r.promote(ctx, w, "a person asked for it")
	}
	champion, err := r.judged(ctx, w.Task)
	if err != nil {
		return err
	}
	own, err := r.recipe(ctx, w, champion)
	if err != nil {
		return err
	}
	if err := r.settle(ctx, w, own); err != nil {
		return err
	}
	if champion == nil {
		return r.promote(ctx, w, "no model was in service; "+w.Card.Reason)
	}
	rows := []string{w.Card.Chosen}
	if own != "" && own != w.Card.Chosen {
		rows = append(rows, own)
	}
	reasons := ""
	for _, row := range rows {
		better, reason, err := r.challenge(ctx, w, row, champion, row == own)
		if err != nil {
			return fmt.Errorf("comparing %s with %s: %w", row, champion.Version, err)
		}
		if reasons += reason; better {
			if row != w.Card.Chosen {
				if err := r.choose(ctx, w, row, reason); err != nil {
					return err
				}
			}
			return r.promote(ctx, w, reasons)
		}
		reasons += "; "
	}
	return r.shadow(ctx, w, champion, reasons[:len(reasons)-2])
}

// challenge compares a row with the model in service on the validation part, then asks the task's guard.
func (r *Registry) challenge(ctx context.Context, w *Work, row string, champion *Serving, refreshed bool) (bool, string, error) {
	challenger, err := w.model(row)
	if err != nil {
		return false, "", err
	}
	figures, err := w.Task.Compare(ctx, challenger, champion.inWordsOf(w.Data), w.Data)
	if err != nil {
		return false, "", err
	}
	better, text := w.asks(row, refreshed).answer(figures[w.Task.Metric])
	reason := fmt.Sprintf("%s of %s against %s in service: %s", w.Task.Metric, row, champion.Version, text)
	if !better || w.Task.Guard == nil {
		return better, reason, nil
	}
	v, err := r.serving(w.Task, &w.Run, challenger, w.row(row).Test)
	if err != nil {
		return false, "", err
	}
	veto, text, err := w.Task.Guard(ctx, w.Assembler, v)
	if err != nil {
		return false, "", fmt.Errorf("asking the guard about %s: %w", w.Run.Version, err)
	}
	return !veto, reason + "; " + text, nil
}

// shadow keeps w out of service.
func (r *Registry) shadow(ctx context.Context, w *Work, champion *Serving, reason string) error {
	w.Reason = reason
	err := r.note(ctx, bellwether.ModelShadowed, map[string]any{
		"application": w.Task.Name, "model": string(w.Run.Version), "row": w.Card.Chosen, "previous": string(champion.Version), "reason": reason,
	})
	return errors.Join(err, r.prune(ctx, w.Task.Name, w.Run.Version))
}

// promote puts the chosen row in service, fitted on all events: first durably, then in the slot.
func (r *Registry) promote(ctx context.Context, w *Work, reason string) error {
	m, err := r.refit(ctx, w)
	if err != nil {
		return err
	}
	v, err := r.serving(w.Task, &w.Run, m, w.row(w.Card.Chosen).Test)
	if err != nil {
		return err
	}
	previous := ""
	if s, err := r.InService(ctx, w.Task.Name); err == nil {
		previous = string(s.Version)
	} else if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	value, err := json.Marshal(Service{Version: w.Run.Version, Name: w.Card.Chosen, Family: m.Family()})
	if err != nil {
		return fmt.Errorf("writing which model is in service: %w", err)
	}
	if _, err := r.kv.Put(ctx, "service."+w.Task.Name, value); err != nil {
		return fmt.Errorf("storing which model is in service: %w", err)
	}
	r.slots[w.Task.Name].Swap(v)
	w.Promoted, w.Reason = true, reason
	r.o.Logger.InfoContext(ctx, "model promoted", "application", w.Task.Name, "model", w.Run.Version, "row", w.Card.Chosen, "reason", reason)
	err = r.note(ctx, bellwether.ModelPromoted, map[string]any{
		"application": w.Task.Name, "model": string(w.Run.Version), "row": w.Card.Chosen, "previous": previous, "reason": reason,
	})
	return errors.Join(err, r.prune(ctx, w.Task.Name, w.Run.Version))
}

func (r *Registry) note(ctx context.Context, kind bellwether.EventType, traits map[string]any) error {
	if r.o.Recorder == nil {
		return nil
	}
	return r.o.Recorder.Note(ctx, kind, traits)
}
