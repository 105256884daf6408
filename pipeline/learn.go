package pipeline

import (
	"context"
	"encoding/gob"
	"fmt"
	"time"

	"bellwether"
	"bellwether/evaluate"
	"bellwether/serve"
	"bellwether/train"
)

// metric is what chooses between the rows of an application.
func metric(application string) string {
	if application == "behaviour" {
		return "auc"
	}
	return "ndcg@10"
}

// trainModels fits every model of the application and keeps them as a run.
func trainModels(ctx context.Context, t *turn) error {
	w, o := t.work, t.e.o.Training
	checkpoints := func(family string) bellwether.Checkpoint {
		return checkpoint{e: t.e, name: fmt.Sprintf("checkpoints/%s/%s/%s-%d/%s", w.application, w.data.Digest[:16], o.Preset, o.Seed, family)}
	}
	started := t.e.o.Clock()
	var fitted []train.Fitted
	var err error
	if w.application == "behaviour" {
		fitted, err = train.Behaviour(ctx, w.data, train.BehaviourSettings{Epochs: o.Epochs, Seed: o.Seed, Checkpoints: checkpoints}, t.report)
	} else {
		fitted, err = train.Recommend(ctx, w.data, train.RecommendSettings{
			Minutes: o.Minutes, Epochs: o.Epochs, Preset: o.Preset, Settings: o.Settings, Seed: o.Seed, Checkpoints: checkpoints, Warm: t.e.warm(),
		}, t.report)
	}
	if err != nil {
		return fmt.Errorf("training: %w", err)
	}
	version, err := t.e.nextVersion(ctx, w.application)
	if err != nil {
		return err
	}
	w.fitted = fitted
	w.run = run{Version: version, Application: w.application, Started: started, AsOf: t.asOf, Cursor: t.cursor, Digest: w.data.Digest}
	if q := w.data.Sequences; q != nil {
		w.run.Vocabulary = serve.Vocabulary{Types: q.Types, Channels: q.Channels, Campaigns: q.Campaigns}
	}
	for _, f := range fitted {
		w.run.Fits = append(w.run.Fits, newFit(&f))
	}
	if err := t.e.keep(ctx, &w.run, fitted, w.data); err != nil {
		return err
	}
	return t.e.clear(ctx, "checkpoints/"+w.application+"/")
}

// warm is the recommender in service, which the next one may start from; nil if there is none.
func (e *Engine) warm() bellwether.Model {
	if v := e.Service.Current("recommend"); v != nil {
		return v.Scorer
	}
	return nil
}

func newFit(f *train.Fitted) fit {
	return fit{Name: f.Name, Family: f.Model.Family(), Baseline: f.Baseline, FitSeconds: f.FitSeconds, Parameters: f.Parameters, Settings: f.Settings}
}

// clear deletes the objects under a prefix.
func (e *Engine) clear(ctx context.Context, prefix string) error {
	objects, err := e.project.Objects.List(ctx, prefix)
	if err != nil {
		return fmt.Errorf("listing %s: %w", prefix, err)
	}
	for _, o := range objects {
		if err := e.project.Objects.Delete(ctx, o.Name); err != nil {
			return fmt.Errorf("deleting %s: %w", o.Name, err)
		}
	}
	return nil
}

// evaluateModels ranks every row on the same held-out data and writes the card.
func evaluateModels(ctx context.Context, t *turn) error {
	w := t.work
	card := bellwether.Card{
		Version: w.run.Version, Application: w.application, Trained: w.run.Started,
		Data: describeData(w.data),
	}
	for i, f := range w.fitted {
		t.report(bellwether.Progress{Step: w.application + ": evaluate " + f.Name, Done: int64(i), Total: int64(len(w.fitted))})
		row := bellwether.CardRow{Name: f.Name, Baseline: f.Baseline, FitSeconds: f.FitSeconds}
		var err error
		if row.Validation, row.Test, err = judge(ctx, f.Model, w.data); err != nil {
			return fmt.Errorf("evaluating %s: %w", f.Name, err)
		}
		card.Rows = append(card.Rows, row)
	}
	card.Chosen, card.Reason = evaluate.Choose(card.Rows, metric(w.application))
	for _, f := range w.run.Fits {
		if f.Name == card.Chosen {
			card.Family, card.Parameters, card.Settings = f.Family, f.Parameters, f.Settings
		}
	}
	if w.data.Sequences != nil {
		card.Warnings = evaluate.SequenceWarnings(w.data.Sequences)
	}
	w.card = card
	return t.e.putJSON(ctx, w.run.path("card.json"), card)
}

// judge returns a model's figures on the validation and the test part.
func judge(ctx context.Context, m bellwether.Model, d *bellwether.Dataset) (validation, test map[string]bellwether.Estimate, err error) {
	if s, ok := m.(bellwether.Scorer); ok && d.Sequences != nil {
		if validation, err = evaluate.Rank(ctx, s, d.Sequences, d.Sequences.Validation, evaluate.RankOptions{}); err != nil {
			return nil, nil, err
		}
		test, err = evaluate.Rank(ctx, s, d.Sequences, d.Sequences.Test, evaluate.RankOptions{})
		return validation, test, err
	}
	c, ok := m.(bellwether.Classifier)
	if !ok || d.Table == nil {
		return nil, nil, fmt.Errorf("a %s model does not fit the data", m.Family())
	}
	p, err := c.Predict(ctx, d.Table)
	if err != nil {
		return nil, nil, err
	}
	if validation, err = evaluate.Binary(part(p, d.Table, bellwether.Validation), part(d.Table.Target, d.Table, bellwether.Validation), evaluate.BinaryOptions{}); err != nil {
		return nil, nil, err
	}
	test, err = evaluate.Binary(part(p, d.Table, bellwether.Test), part(d.Table.Target, d.Table, bellwether.Test), evaluate.BinaryOptions{})
	return validation, test, err
}

// part returns the values of the rows of one part of the split.
func part(values []float64, t *bellwether.Table, split bellwether.Split) []float64 {
	var out []float64
	for i, v := range values {
		if t.Split[i] == split {
			out = append(out, v)
		}
	}
	return out
}

func describeData(d *bellwether.Dataset) bellwether.CardData {
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

// Train runs the turn up to training for one application, and returns the version of the run.
// table, when given, is learned from in place of the log (behaviour only).
func (e *Engine) Train(ctx context.Context, application string, table *bellwether.Table, report func(bellwether.Progress)) (bellwether.ModelVersion, error) {
	t, err := e.begin(application, report)
	if err != nil {
		return "", err
	}
	defer e.turns.Unlock()
	steps := []func(context.Context, *turn) error{cleanEvents, assembleData, trainModels}
	if table != nil {
		if application != "behaviour" {
			return "", fmt.Errorf("%w: a table trains the application behaviour, not %s", ErrBadRequest, application)
		}
		if err := enoughOfBoth(table); err != nil {
			return "", err
		}
		t.work.data = &bellwether.Dataset{Project: e.project.ID, Name: application, AsOf: t.asOf, Table: table}
		if t.work.data.Digest, err = digest(t.work.data); err != nil {
			return "", err
		}
		steps = steps[2:]
	}
	for _, run := range steps {
		if err := run(ctx, t); err != nil {
			return "", err
		}
	}
	return t.work.run.Version, nil
}

// Evaluate evaluates the newest run of an application and writes its card.
func (e *Engine) Evaluate(ctx context.Context, application string, report func(bellwether.Progress)) (bellwether.Card, error) {
	t, err := e.resume(ctx, application, report)
	if err != nil {
		return bellwether.Card{}, err
	}
	defer e.turns.Unlock()
	err = evaluateModels(ctx, t)
	return t.work.card, err
}

// Promote puts the best row of the newest evaluated run in service if it beats what is there,
// or whatever is there when force is set. It returns whether it did, and why.
func (e *Engine) Promote(ctx context.Context, application string, force bool, report func(bellwether.Progress)) (promoted bool, reason string, err error) {
	t, err := e.resume(ctx, application, report)
	if err != nil {
		return false, "", err
	}
	defer e.turns.Unlock()
	if t.work.card, err = e.Card(ctx, application, t.work.run.Version); err != nil {
		return false, "", fmt.Errorf("the run %s was not evaluated yet: %w", t.work.run.Version, err)
	}
	if force {
		err = t.promote(ctx, "a person asked for it")
	} else {
		err = promoteBest(ctx, t)
	}
	return t.work.promoted, t.work.reason, err
}

// begin starts a turn by hand; the caller unlocks e.turns.
func (e *Engine) begin(application string, report func(bellwether.Progress)) (*turn, error) {
	if application != "recommend" && application != "behaviour" {
		return nil, fmt.Errorf("%w: application is %q; it can be one of %v", ErrBadRequest, application, applications)
	}
	if !e.turns.TryLock() {
		return nil, ErrTurnRunning
	}
	t := newTurn(e, report)
	t.work = &work{application: application}
	return t, nil
}

// resume begins with the newest run: its data and models are loaded.
func (e *Engine) resume(ctx context.Context, application string, report func(bellwether.Progress)) (*turn, error) {
	t, err := e.begin(application, report)
	if err != nil {
		return nil, err
	}
	if err := t.load(ctx); err != nil {
		e.turns.Unlock()
		return nil, err
	}
	return t, nil
}

func (t *turn) load(ctx context.Context) (err error) {
	w := t.work
	if w.run, err = t.e.newest(ctx, w.application); err != nil {
		return err
	}
	f, err := t.e.project.Objects.Get(ctx, w.run.path("data"))
	if err != nil {
		return fmt.Errorf("reading the dataset of %s: %w", w.run.Version, err)
	}
	defer f.Close()
	w.data = new(bellwether.Dataset)
	if err := gob.NewDecoder(f).Decode(w.data); err != nil {
		return fmt.Errorf("reading the dataset of %s: %w; train again: an older program may have written it", w.run.Version, err)
	}
	for _, f := range w.run.Fits {
		m, err := t.e.load(ctx, &w.run, f.Name, f.Family)
		if err != nil {
			return err
		}
		w.fitted = append(w.fitted, train.Fitted{Name: f.Name, Model: m, FitSeconds: f.FitSeconds, Baseline: f.Baseline, Settings: f.Settings, Parameters: f.Parameters})
	}
	return nil
}
