package learn

import (
	"context"
	"encoding/json"
	"fmt"

	"bellwether"
	"bellwether/evaluate"
)

// recipe names what models are made by: two runs with one recipe differ in their data, their seed and the time that they had. Whatever
// cannot be named is a recipe of its own.
func (t *Training) recipe() string {
	b, err := json.Marshal(Training{Epochs: t.Epochs, Preset: t.Preset, Settings: t.Settings})
	if err != nil {
		return ""
	}
	return string(b)
}

// recipe returns the row of w that retrains what is in service, "" if none does.
func (r *Registry) recipe(ctx context.Context, w *Work, champion *Serving) (string, error) {
	if champion == nil {
		return "", nil
	}
	s, err := r.InService(ctx, w.Task.Name)
	if err != nil {
		return "", err
	}
	run, err := r.Run(ctx, w.Task.Name, s.Version)
	if err != nil {
		return "", err
	}
	f, ok := w.Run.Fit(s.Name, "")
	if !ok || f.Family != s.Family || run.Recipe == "" || run.Recipe != w.Run.Recipe || !f.Baseline && w.row(s.Name).Validation[w.Task.Metric].Withheld != "" {
		return "", nil
	}
	return s.Name, nil
}

// row returns the card's row of a name, an empty one if it has none.
func (w *Work) row(name string) bellwether.CardRow { return rowOf(w.Card.Rows, name) }

func rowOf(rows []bellwether.CardRow, name string) bellwether.CardRow {
	for _, row := range rows {
		if row.Name == name {
			return row
		}
	}
	return bellwether.CardRow{}
}

// settle replaces the chosen row by the best plain one where it does not beat every plain row beyond chance. A plain row, and the recipe in service, need not.
func (r *Registry) settle(ctx context.Context, w *Work, own string) error {
	chosen := w.row(w.Card.Chosen)
	if chosen.Baseline || chosen.Name == own {
		return nil
	}
	model, err := w.model(chosen.Name)
	if err != nil {
		return err
	}
	plain := w.plain()
	for _, row := range plain {
		rival, err := w.model(row.Name)
		if err != nil {
			return err
		}
		figures, err := w.Task.Compare(ctx, model, rival, w.Data)
		if err != nil {
			return fmt.Errorf("comparing %s with %s: %w", chosen.Name, row.Name, err)
		}
		if beats, text := w.asks(chosen.Name, false).answer(figures[w.Task.Metric]); !beats {
			return r.fallBack(ctx, w, row.Name, text)
		}
	}
	if len(plain) == 0 {
		return nil
	}
	return r.choose(ctx, w, chosen.Name, w.Card.Reason+"; it beats every plain row beyond chance")
}

func (w *Work) plain() (rows []bellwether.CardRow) {
	for _, row := range w.Card.Rows {
		if row.Baseline {
			rows = append(rows, row)
		}
	}
	return rows
}

// fallBack chooses the best plain row, as the chosen one does not beat the plain row of a name.
func (r *Registry) fallBack(ctx context.Context, w *Work, name, text string) error {
	best, _ := evaluate.Choose(w.plain(), w.Task.Metric)
	if best == "" {
		best = name
	}
	return r.choose(ctx, w, best, fmt.Sprintf("the plain row %s serves: %s has the best validation %s, but does not beat %s beyond chance: %s",
		best, w.Card.Chosen, w.Task.Metric, name, text))
}

// choose makes a row the chosen one of the card.
func (r *Registry) choose(ctx context.Context, w *Work, row, reason string) error {
	w.Card.Chosen, w.Card.Reason = row, reason
	if f, ok := w.Run.Fit(row, ""); ok {
		w.Card.Family, w.Card.Parameters, w.Card.Settings = f.Family, f.Parameters, f.Settings
	}
	return r.objects.PutJSON(ctx, w.Run.path("card.json"), w.Card)
}

// asks is what must be shown of a row of w.
func (w *Work) asks(row string, refreshed bool) question {
	return question{
		metric: w.Task.Metric, candidates: len(w.Card.Rows), refreshed: refreshed, figure: w.row(row).Validation[w.Task.Metric].Value,
	}
}
