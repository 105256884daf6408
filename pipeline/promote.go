package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"bellwether"
	"bellwether/evaluate"
	"bellwether/serve"
	"bellwether/store"
)

// promoteBest puts the chosen row in service if it beats the one there on the same held-out
// data, and the log does not say that its decisions would be worth less. Else it shadows: it is
// kept, and the reason is logged.
func promoteBest(ctx context.Context, t *turn) error {
	w := t.work
	old := t.e.Service.Current(w.application)
	if old == nil {
		return t.promote(ctx, "no model was in service; "+w.card.Reason)
	}
	better, reason, err := t.beats(ctx, old)
	if err != nil {
		return fmt.Errorf("comparing with %s: %w", old.Version, err)
	}
	if better && w.application == "recommend" {
		worse, value, err := t.worthLess(ctx)
		if err != nil {
			return fmt.Errorf("valuing the new model from the log: %w", err)
		}
		better, reason = !worse, reason+"; "+value
	}
	if better {
		return t.promote(ctx, reason)
	}
	w.reason = reason
	err = t.e.note(ctx, bellwether.ModelShadowed, map[string]any{
		"application": w.application, "model": string(w.run.Version), "row": w.card.Chosen, "previous": string(old.Version), "reason": reason,
	})
	return errors.Join(err, t.e.prune(ctx, w.application, w.run.Version))
}

// beats compares the chosen row with the model in service on the validation part, person by person.
func (t *turn) beats(ctx context.Context, old *serve.Serving) (bool, string, error) {
	w, name := t.work, metric(t.work.application)
	challenger, err := w.model(w.card.Chosen)
	if err != nil {
		return false, "", err
	}
	var diff map[string]bellwether.Estimate
	if w.data.Sequences != nil {
		diff, err = compareScorers(ctx, challenger, old.Scorer, w.data.Sequences)
	} else {
		diff, err = compareClassifiers(ctx, challenger, old.Classifier, w.data.Table)
	}
	if err != nil {
		return false, "", err
	}
	d := diff[name]
	reason := fmt.Sprintf("%s of %s is %+.4f against %s in service", name, w.card.Chosen, d.Value, old.Version)
	if len(d.Interval) == 2 {
		reason += fmt.Sprintf(" (95%% interval %+.4f to %+.4f)", d.Interval[0], d.Interval[1])
	}
	return d.Value > 0, reason, nil
}

func compareScorers(ctx context.Context, m bellwether.Model, old bellwether.Scorer, q *bellwether.Sequences) (map[string]bellwether.Estimate, error) {
	scorer, ok := m.(bellwether.Scorer)
	if !ok || old == nil {
		return nil, fmt.Errorf("a %s model does not rank items", m.Family())
	}
	a, err := evaluate.Ranks(ctx, scorer, q, q.Validation, evaluate.RankOptions{})
	if err != nil {
		return nil, err
	}
	b, err := evaluate.Ranks(ctx, old, q, q.Validation, evaluate.RankOptions{})
	if err != nil {
		return nil, err
	}
	return evaluate.Compare(a, b)
}

func compareClassifiers(ctx context.Context, m bellwether.Model, old bellwether.Classifier, table *bellwether.Table) (map[string]bellwether.Estimate, error) {
	classifier, ok := m.(bellwether.Classifier)
	if !ok || old == nil {
		return nil, fmt.Errorf("a %s model gives no probabilities", m.Family())
	}
	a, err := classifier.Predict(ctx, table)
	if err != nil {
		return nil, err
	}
	b, err := old.Predict(ctx, table)
	if err != nil {
		return nil, err
	}
	v := bellwether.Validation
	return evaluate.CompareBinary(part(a, table, v), part(b, table, v), part(table.Target, table, v), evaluate.BinaryOptions{})
}

func (w *work) model(name string) (bellwether.Model, error) {
	for _, f := range w.fitted {
		if f.Name == name {
			return f.Model, nil
		}
	}
	return nil, fmt.Errorf("run %s has no row %q", w.run.Version, name)
}

// promote puts the chosen row in service: first durably, then in the atomic pointer.
func (t *turn) promote(ctx context.Context, reason string) error {
	w := t.work
	m, err := w.model(w.card.Chosen)
	if err != nil {
		return err
	}
	v, err := t.e.serving(&w.run, m)
	if err != nil {
		return err
	}
	previous := ""
	if s, err := t.e.inService(ctx, w.application); err == nil {
		previous = string(s.Version)
	} else if !errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("finding the model in service: %w", err)
	}
	value, err := json.Marshal(service{Version: w.run.Version, Name: w.card.Chosen, Family: m.Family()})
	if err != nil {
		return fmt.Errorf("writing which model is in service: %w", err)
	}
	if _, err := t.e.project.KV.Put(ctx, "service."+w.application, value); err != nil {
		return fmt.Errorf("storing which model is in service: %w", err)
	}
	t.e.Service.Swap(v)
	w.promoted, w.reason = true, reason
	t.e.o.Logger.InfoContext(ctx, "model promoted", "application", w.application, "model", w.run.Version, "row", w.card.Chosen, "reason", reason)
	err = t.e.note(ctx, bellwether.ModelPromoted, map[string]any{
		"application": w.application, "model": string(w.run.Version), "row": w.card.Chosen, "previous": previous, "reason": reason,
	})
	return errors.Join(err, t.e.prune(ctx, w.application, w.run.Version))
}
