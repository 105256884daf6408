package learn

import (
	"context"
	"errors"
	"fmt"
	"time"

	"bellwether"
	"bellwether/dataset"
	"bellwether/evaluate"
	"bellwether/store"
)

// Work is one run of a task under way: what was fitted on what, how it was judged, and what became of it.
type Work struct {
	Task      *Task
	Data      *bellwether.Dataset
	Assembler Assembler // that assembled Data; nil: they were given
	Run       Run
	Fitted    []Fitted
	Card      bellwether.Card
	Promoted  bool
	Reason    string // why it was promoted, or not
}

// Material is what a run learns from.
type Material struct {
	Data      *bellwether.Dataset
	Assembler Assembler // that assembled Data in a pass; nil: they were given
	AsOf      time.Time // of the pass
	Cursor    uint64
}

// Assembled returns the material that an assembler has ready after a pass; ErrNoData, and an error of Check, say that there is too little.
func (t *Task) Assembled(a Assembler, asOf time.Time, cursor uint64) (Material, error) {
	d, err := a.Dataset()
	if err == nil && t.Check != nil {
		err = t.Check(d)
	}
	return Material{Data: d, Assembler: a, AsOf: asOf, Cursor: cursor}, err
}

// Given returns the material of data that somebody gave, such as a table from a file.
func (t *Task) Given(project bellwether.ProjectID, table *bellwether.Table, now time.Time) (Material, error) {
	d := &bellwether.Dataset{Project: project, Name: t.Name, AsOf: now, Table: table}
	if t.Check != nil {
		if err := t.Check(d); err != nil {
			return Material{}, err
		}
	}
	if table != nil {
		if err := evaluate.CheckLeaks(table, table.Allowed...); err != nil {
			return Material{}, fmt.Errorf("%w: %w", ErrLeak, err)
		}
	}
	d.Digest = dataset.Digest(d)
	return Material{Data: d, AsOf: now}, nil
}

// Train fits every candidate of a task and keeps them as a run, which is the newest from then on.
func (r *Registry) Train(ctx context.Context, t *Task, m Material, o Training, report func(bellwether.Progress)) (*Work, error) {
	w := &Work{Task: t, Data: m.Data, Assembler: m.Assembler}
	if o.Seed == 0 {
		o.Seed = 42
	}
	fit := FitOptions{Training: o, Clock: r.o.Clock, Checkpoints: func(family string) bellwether.Checkpoint {
		return checkpoint{r: r, name: fmt.Sprintf("checkpoints/%s/%s/%s-%d/%s", t.Name, w.Data.Digest[:16], o.Preset, o.Seed, family)}
	}}
	v, err := r.judged(ctx, t)
	if err != nil {
		return nil, fmt.Errorf("finding what a candidate may start from: %w", err)
	}
	if v != nil {
		fit.Warm = v.Model
	}
	started := r.o.Clock()
	if w.Fitted, err = FitAll(ctx, t.Candidates(fit), w.Data, o.Minutes, r.o.Clock, report); err != nil {
		return nil, fmt.Errorf("training: %w", err)
	}
	n, err := Number(ctx, r.kv, t.Name)
	if err != nil {
		return nil, err
	}
	w.Run = Run{
		Version: bellwether.ModelVersion(fmt.Sprintf("%s-%06d", t.Name, n)), Task: t.Name, Started: started, AsOf: m.AsOf, Cursor: m.Cursor,
		Given: m.Assembler == nil, Digest: w.Data.Digest, Vocabulary: VocabularyOf(w.Data), Recipe: o.recipe(),
	}
	if m.Assembler != nil && m.Assembler.Share() < 1 {
		w.Run.Share = m.Assembler.Share()
	}
	for _, f := range w.Fitted {
		w.Run.Fits = append(w.Run.Fits, Fit{f.Name, f.Model.Family(), f.Baseline, f.FitSeconds, f.Parameters, f.Settings})
	}
	if err := r.keep(ctx, &w.Run, w.Fitted); err != nil {
		return nil, err
	}
	return w, r.clear(ctx, "checkpoints/"+t.Name+"/")
}

// Resume takes up the newest run of a task again. again assembles the data once more, as of a moment and place in the log, or
// gives those of a run that learned from given ones; ErrOtherData says that they have changed since.
func (r *Registry) Resume(ctx context.Context, t *Task, again func(ctx context.Context, run Run) (Material, error)) (*Work, error) {
	run, err := r.Newest(ctx, t.Name)
	if err != nil {
		return nil, err
	}
	m, err := again(ctx, run)
	if err != nil {
		return nil, fmt.Errorf("assembling the data of %s again: %w", run.Version, err)
	}
	if m.Data.Digest != run.Digest {
		return nil, fmt.Errorf("%w: %s learned from %.12s…, now they are %.12s…", ErrOtherData, run.Version, run.Digest, m.Data.Digest)
	}
	w := &Work{Task: t, Data: m.Data, Assembler: m.Assembler, Run: run}
	for _, f := range run.Fits {
		model, err := r.Model(ctx, &run, f)
		if err != nil {
			return nil, err
		}
		w.Fitted = append(w.Fitted, Fitted{f.Name, model, f.FitSeconds, f.Baseline, f.Settings, f.Parameters})
	}
	w.Card, err = r.Card(ctx, t.Name, run.Version)
	if errors.Is(err, store.ErrNotFound) { // not judged yet
		err = nil
	}
	return w, err
}

// Judge judges every candidate on the same held-out data, chooses by the task's metric, and writes the card.
func (r *Registry) Judge(ctx context.Context, w *Work, report func(bellwether.Progress)) error {
	if report == nil {
		report = func(bellwether.Progress) {}
	}
	card := bellwether.Card{
		Version: w.Run.Version, Application: w.Task.Name, Trained: w.Run.Started, Data: describe(w.Data),
	}
	for i, f := range w.Fitted {
		report(bellwether.Progress{Step: "evaluate " + f.Name, Done: int64(i), Total: int64(len(w.Fitted))})
		row := bellwether.CardRow{Name: f.Name, Baseline: f.Baseline, FitSeconds: f.FitSeconds}
		var err error
		if row.Validation, row.Test, err = w.Task.Judge(ctx, f.Model, w.Data); err != nil {
			return fmt.Errorf("evaluating %s: %w", f.Name, err)
		}
		card.Rows = append(card.Rows, row)
	}
	card.Chosen, card.Reason = evaluate.Choose(card.Rows, w.Task.Metric)
	if f, ok := w.Run.Fit(card.Chosen, ""); ok {
		card.Family, card.Parameters, card.Settings = f.Family, f.Parameters, f.Settings
	}
	if w.Run.Share > 0 {
		card.Warnings = append(card.Warnings, fmt.Sprintf("learned from a sample of %.1f %% of the people: the others are beyond the budget of steps or rows", 100*w.Run.Share))
	}
	for _, f := range w.Fitted {
		if m, ok := f.Model.(interface{ OutOfTime() bool }); ok && m.OutOfTime() {
			card.Warnings = append(card.Warnings, fmt.Sprintf("%s: the time ran out before its training was done: more minutes, or a faster machine, give another model", f.Name))
		}
	}
	warnings, err := checked(ctx, w.Data)
	if err != nil {
		return fmt.Errorf("checking the data: %w", err)
	}
	card.Warnings = append(card.Warnings, warnings...)
	if w.Task.Warnings != nil {
		card.Warnings = append(card.Warnings, w.Task.Warnings(w.Data)...)
	}
	w.Card = card
	return r.objects.PutJSON(ctx, w.Run.path("card.json"), card)
}

// model returns the fitted model of a name.
func (w *Work) model(name string) (bellwether.Model, error) {
	for _, f := range w.Fitted {
		if f.Name == name {
			return f.Model, nil
		}
	}
	return nil, fmt.Errorf("run %s has no row %q", w.Run.Version, name)
}

// describe is the range of a dataset.
func describe(d *bellwether.Dataset) bellwether.CardData {
	c := bellwether.CardData{Digest: d.Digest, To: d.AsOf}
	if q := d.Sequences; q != nil {
		c.Events, c.People, c.Items = int64(q.Count()), int64(len(q.People)), int64(len(q.Items))
		first, last := int64(0), int64(0)
		for _, steps := range q.Steps {
			for _, s := range steps {
				if first == 0 || s.Time < first {
					first = s.Time
				}
				last = max(last, s.Time)
			}
		}
		if last > 0 {
			c.From, c.To = time.Unix(first, 0).UTC(), time.Unix(last, 0).UTC()
		}
	}
	if d.Table != nil {
		c.People = int64(d.Table.Rows())
	}
	return c
}
