package train

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"time"

	"bellwether"
	"bellwether/models/ensemble"
	"bellwether/models/sequence"
)

// Fitted is one trained model with what the table of models says of it.
type Fitted struct {
	Name       string // of the row: the family, or a variant of it
	Model      bellwether.Model
	FitSeconds float64
	Baseline   bool
	Settings   map[string]any
	Parameters int64
}

// rung is one line of a ladder.
type rung struct {
	name     string
	trainer  bellwether.Trainer
	baseline bool
	settings map[string]any // what the card shows beside the model's own
}

// errSkip marks a rung that the data do not allow; the note says why.
var errSkip = errors.New("skipped")

// ladder fits rungs one after the other.
type ladder struct {
	data   *bellwether.Dataset
	clock  func() time.Time
	report func(bellwether.Progress)
	total  int // rungs in all
	count  int // rungs done or skipped
	done   []Fitted
}

func newLadder(d *bellwether.Dataset, clock func() time.Time, report func(bellwether.Progress), rungs int) *ladder {
	if clock == nil {
		clock = time.Now
	}
	if report == nil {
		report = func(bellwether.Progress) {}
	}
	return &ladder{data: d, clock: clock, report: report, total: rungs}
}

// fit trains one rung and adds it to done. A rung that is skipped is reported, not an error.
func (l *ladder) fit(ctx context.Context, r rung) error {
	start := l.clock()
	note := func(text string) {
		l.count++
		l.report(bellwether.Progress{Step: "train", Done: int64(l.count), Total: int64(l.total), Elapsed: l.clock().Sub(start), Note: text})
	}
	m, err := r.trainer.Train(ctx, l.data, l.report)
	if errors.Is(err, errSkip) {
		note(fmt.Sprintf("%s: %v", r.name, err))
		return nil
	}
	if err != nil {
		return fmt.Errorf("train %s: %w", r.name, err)
	}
	f := Fitted{Name: r.name, Model: m, FitSeconds: l.clock().Sub(start).Seconds(), Baseline: r.baseline, Settings: settings(m, r.settings)}
	if c, ok := m.(interface{ Parameters() int64 }); ok {
		f.Parameters = c.Parameters()
	}
	l.done = append(l.done, f)
	note(r.name)
	return nil
}

// find returns the fitted rung of that name, nil if there is none.
func (l *ladder) find(name string) *Fitted {
	for i := range l.done {
		if l.done[i].Name == name {
			return &l.done[i]
		}
	}
	return nil
}

// settings returns what a card shows: what the model says of itself, and more.
func settings(m bellwether.Model, more map[string]any) map[string]any {
	out := maps.Clone(more)
	switch m := m.(type) {
	case *sequence.Model:
		var own map[string]any
		if b, err := json.Marshal(m.Settings()); err == nil && json.Unmarshal(b, &own) == nil {
			maps.Copy(own, out)
			out = own
		}
	case *ensemble.Model:
		out = map[string]any{}
		for _, p := range m.Parts() {
			out[p.Name] = map[string]any{"weight": p.Weight, "scale": p.Scale}
		}
	}
	return out
}

// trainFunc is a trainer made of a function.
type trainFunc struct {
	family string
	train  func(ctx context.Context, d *bellwether.Dataset, report func(bellwether.Progress)) (bellwether.Model, error)
}

func (t trainFunc) Family() string { return t.family }

func (t trainFunc) Train(ctx context.Context, d *bellwether.Dataset, report func(bellwether.Progress)) (bellwether.Model, error) {
	return t.train(ctx, d, report)
}
