package learn

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"bellwether"
	"bellwether/store"
)

// servedFolder is where what serves of a run lies, if it is not what was judged.
const servedFolder = "served/"

// everything is d with every step in the training part, and how many more there are than that had, as a share of them; nil where d keeps
// no steps back.
func everything(d *bellwether.Dataset) (all *bellwether.Dataset, more float64) {
	if d.Sequences == nil {
		return nil, 0
	}
	q := *d.Sequences
	q.TrainEnd = make([]int, len(q.Steps))
	trained, steps := 0, 0
	for p := range q.Steps {
		q.TrainEnd[p] = len(q.Steps[p])
		trained, steps = trained+d.Sequences.TrainEnd[p], steps+len(q.Steps[p])
	}
	if trained == 0 || trained == steps {
		return nil, 0
	}
	q.Validation, q.Test = nil, nil
	out := *d
	out.Sequences = &q
	return &out, float64(steps-trained) / float64(trained)
}

// refit returns the chosen row's model as it serves: fitted once more on all events by the recipe that validation chose. What
// was judged stays: the next turn starts from it and compares with it, for it has not seen what they are asked. The card says so.
func (r *Registry) refit(ctx context.Context, w *Work) (bellwether.Model, error) {
	m, err := w.model(w.Card.Chosen)
	if err != nil || w.Task.Refit == nil {
		return m, err
	}
	all, more := everything(w.Data)
	if all == nil {
		return m, nil
	}
	served, err := w.Task.Refit(ctx, w.Card.Chosen, m, all, more, func(bellwether.Progress) {})
	if err != nil {
		return nil, fmt.Errorf("fitting %s on all events: %w", w.Card.Chosen, err)
	}
	if served == m {
		return m, nil
	}
	if err := r.put(ctx, w.Run.path(servedFolder+w.Card.Chosen), served.Save); err != nil {
		return nil, fmt.Errorf("storing what serves: %w", err)
	}
	settings := map[string]any{}
	maps.Copy(settings, w.Card.Settings)
	settings["refit"] = fmt.Sprintf("before service on all %d steps, %.0f %% more than were learned from when the figures were made", all.Sequences.Count(), 100*more)
	w.Card.Settings = settings
	return served, r.objects.PutJSON(ctx, w.Run.path("card.json"), w.Card)
}

// served loads what serves of a run: the row as it was fitted again, else as it was judged.
func (r *Registry) served(ctx context.Context, run *Run, f Fit) (bellwether.Model, error) {
	in, err := r.objects.Get(ctx, run.path(servedFolder+f.Name))
	if errors.Is(err, store.ErrNotFound) {
		return r.Model(ctx, run, f)
	}
	if err != nil {
		return nil, fmt.Errorf("reading what serves of %s: %w", run.Version, err)
	}
	defer in.Close()
	m, err := r.load(f.Family, in)
	if err != nil {
		return nil, fmt.Errorf("loading what serves of %s: %w", run.Version, err)
	}
	return m, nil
}

// judged returns what is in service for a task as it was judged, before it was fitted on all events: it has not seen what its
// successor is asked. nil: nothing serves.
func (r *Registry) judged(ctx context.Context, t *Task) (*Serving, error) {
	v := r.slots[t.Name].Load()
	if v == nil {
		return nil, nil
	}
	s, err := r.InService(ctx, t.Name)
	if err != nil {
		return nil, err
	}
	run, err := r.Run(ctx, t.Name, s.Version)
	if err != nil {
		return nil, err
	}
	if again, err := r.objects.List(ctx, run.path(servedFolder+s.Name)); err != nil || len(again) == 0 {
		return v, err
	}
	m, err := r.Model(ctx, &run, Fit{Name: s.Name, Family: s.Family})
	if err != nil {
		return nil, err
	}
	return NewServing(run.Version, t.Name, m, run.Vocabulary, r.o.Currency)
}
