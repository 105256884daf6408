package learn

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"bellwether"
	"bellwether/store"
)

// Promote puts the chosen row in service if it beats the one there on the same held-out data and the task's guard does not veto;
// forced, it asks neither. Else it is kept in the shadow. Either way an event says which and why, and so does w.
func (r *Registry) Promote(ctx context.Context, w *Work, forced bool) error {
	if len(w.Card.Rows) == 0 {
		return fmt.Errorf("%s: %w", w.Run.Version, ErrNotJudged)
	}
	if w.Card.Chosen == "" {
		return fmt.Errorf("%s: nothing can be promoted: %s", w.Run.Version, w.Card.Reason)
	}
	champion := r.slots[w.Task.Name].Load()
	switch {
	case forced:
		return r.promote(ctx, w, "a person asked for it")
	case champion == nil:
		return r.promote(ctx, w, "no model was in service; "+w.Card.Reason)
	}
	better, reason, err := w.beats(ctx, champion)
	if err != nil {
		return fmt.Errorf("comparing with %s: %w", champion.Version, err)
	}
	if better && w.Task.Guard != nil {
		veto, text, err := r.guard(ctx, w)
		if err != nil {
			return fmt.Errorf("asking the guard about %s: %w", w.Run.Version, err)
		}
		better, reason = !veto, reason+"; "+text
	}
	if better {
		return r.promote(ctx, w, reason)
	}
	w.Reason = reason
	err = r.note(ctx, bellwether.ModelShadowed, map[string]any{
		"application": w.Task.Name, "model": string(w.Run.Version), "row": w.Card.Chosen, "previous": string(champion.Version), "reason": reason,
	})
	return errors.Join(err, r.prune(ctx, w.Task.Name, w.Run.Version))
}

// beats compares the chosen row with the model in service on the validation part.
func (w *Work) beats(ctx context.Context, champion *Serving) (bool, string, error) {
	challenger, err := w.model(w.Card.Chosen)
	if err != nil {
		return false, "", err
	}
	figures, err := w.Task.Compare(ctx, challenger, champion.inWordsOf(w.Data), w.Data)
	if err != nil {
		return false, "", err
	}
	d, name := figures[w.Task.Metric], w.Task.Metric
	reason := fmt.Sprintf("%s of %s is %+.4f against %s in service", name, w.Card.Chosen, d.Value, champion.Version)
	if len(d.Interval) == 2 {
		reason += fmt.Sprintf(" (95%% interval %+.4f to %+.4f)", d.Interval[0], d.Interval[1])
	}
	return d.Value > 0, reason, nil
}

func (r *Registry) guard(ctx context.Context, w *Work) (veto bool, text string, err error) {
	m, err := w.model(w.Card.Chosen)
	if err != nil {
		return false, "", err
	}
	v, err := r.serving(w.Task, &w.Run, m)
	if err != nil {
		return false, "", err
	}
	return w.Task.Guard(ctx, w.Assembler, v)
}

// promote puts the chosen row in service: first durably, then in the slot.
func (r *Registry) promote(ctx context.Context, w *Work, reason string) error {
	m, err := w.model(w.Card.Chosen)
	if err != nil {
		return err
	}
	v, err := r.serving(w.Task, &w.Run, m)
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
