package pipeline

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"bellwether"
	"bellwether/decide"
	"bellwether/learn"
	"bellwether/measure"
	"bellwether/store"
)

// reported is the newest report, as it was written.
type reported struct {
	mu     sync.Mutex
	report *measure.Report
}

const reportName = "report.json"

// Report says what the decisions were worth, as the newest turn or [Project.Refresh] found; before there is one, it is made now. It
// must not be changed.
func (p *Project) Report(ctx context.Context) (*measure.Report, error) {
	p.report.mu.Lock()
	r := p.report.report
	p.report.mu.Unlock()
	if r != nil {
		return r, nil
	}
	r = new(measure.Report)
	err := p.getJSON(ctx, reportName, r)
	if errors.Is(err, store.ErrNotFound) {
		_, err = p.Refresh(ctx)
		p.report.mu.Lock()
		defer p.report.mu.Unlock()
		return p.report.report, err
	}
	return r, err
}

// keepReport makes a report the newest one.
func (p *Project) keepReport(ctx context.Context, r *measure.Report) error {
	if err := p.putJSON(ctx, reportName, r); err != nil {
		return err
	}
	p.report.mu.Lock()
	defer p.report.mu.Unlock()
	p.report.report = r
	return nil
}

// Refresh is a turn without learning: it reads everybody once and renews the report, and what is popular. Its result has no number.
func (p *Project) Refresh(ctx context.Context) (TurnReport, error) { return p.refresh(ctx, false) }

// refresh brings the lake up to date too, where files are wanted.
func (p *Project) refresh(ctx context.Context, files bool) (TurnReport, error) {
	if !p.turns.TryLock() {
		return TurnReport{}, ErrTurnRunning
	}
	defer p.turns.Unlock()
	t := p.newTurn(nil)
	t.tasks, t.files = false, files
	for _, s := range turnSteps {
		if s.each {
			continue
		}
		if err := s.run(ctx, t); err != nil {
			return t.result, fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return t.result, nil
}

// joining says how events are credited to decisions, as of a moment.
func (p *Project) joining(asOf time.Time) (measure.JoinOptions, error) {
	items, err := p.History.Items()
	if err != nil {
		return measure.JoinOptions{}, err
	}
	return measure.JoinOptions{
		AsOf: asOf, Prices: measure.Prices{Currency: p.Currency, Rates: p.o.Rates, Catalogue: items},
		Known: func(id bellwether.DecisionID) (bool, error) {
			_, ok, err := p.History.Decision(id)
			return ok, err
		},
	}, nil
}

func (p *Project) reportInput() measure.ReportInput {
	return measure.ReportInput{
		Project: p.ID, Planned: p.o.Plan, Seed: p.o.Training.Seed, Reward: measure.Conversion, Decision: p.History.Decision, Targets: p.targets,
	}
}

// maxActions is how many actions of a surface "always" policies are valued for.
const maxActions = 6

// targets are the policies that the report values from the log. Where one action is chosen: taking each of them always. For
// slates: showing candidates by chance, and following the scores twice as closely.
func (p *Project) targets(_ bellwether.Surface, decisions []bellwether.Decision) ([]measure.Target, error) {
	slates, actions := false, map[string]bool{}
	for i := range decisions {
		d := &decisions[i]
		switch {
		case d.Holdout || !d.Evaluable:
		case d.Slate:
			slates = true
		default:
			for _, c := range d.Candidates {
				if len(actions) < maxActions {
					actions[c.Action] = true
				}
			}
		}
	}
	var out []measure.Target
	for _, name := range slices.Sorted(maps.Keys(actions)) {
		out = append(out, measure.Target{Name: "always " + name, Distribution: always(name)})
	}
	if slates {
		out = append(out,
			measure.Target{Name: "by chance", Distribution: follow(decide.Uniform{})},
			measure.Target{Name: "closer to the scores", Distribution: follow(decide.Softmax{Temperature: p.Options.Temperature / 2})})
	}
	return out, nil
}

// always is the policy that takes one action.
func always(action string) func(*bellwether.Decision) ([]float64, error) {
	return func(d *bellwether.Decision) ([]float64, error) {
		p := make([]float64, len(d.Candidates))
		for i, c := range d.Candidates {
			if c.Action == action {
				p[i] = 1
			}
		}
		return p, nil
	}
}

// follow is a policy over the logged candidates and scores.
func follow(p decide.Policy) func(*bellwether.Decision) ([]float64, error) {
	return func(d *bellwether.Decision) ([]float64, error) {
		c := decide.Context{Subject: d.Subject, Surface: d.Surface, Time: d.Time, Features: d.Context}
		return p.Distribution(c, d.Candidates, rand.New(rand.NewPCG(d.Seed, 0)))
	}
}

// record keeps the report of a turn under the next number.
func (p *Project) record(ctx context.Context, r *TurnReport) (err error) {
	if r.Number, err = learn.Number(ctx, p.Store.KV, "turn"); err != nil {
		return err
	}
	return p.putJSON(ctx, fmt.Sprintf("turns/turn-%06d.json", r.Number), r)
}

// Turns returns the reports of the newest turns, at most n, oldest first.
func (p *Project) Turns(ctx context.Context, n int) ([]TurnReport, error) {
	objects, err := p.Store.Objects.List(ctx, "turns/")
	if err != nil {
		return nil, fmt.Errorf("listing turns: %w", err)
	}
	objects = objects[max(0, len(objects)-n):]
	out := make([]TurnReport, len(objects))
	for i, o := range objects {
		if err := p.getJSON(ctx, o.Name, &out[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (p *Project) putJSON(ctx context.Context, name string, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	if err := p.Store.Objects.Put(ctx, name, bytes.NewReader(b)); err != nil {
		return fmt.Errorf("storing %s: %w", name, err)
	}
	return nil
}

func (p *Project) getJSON(ctx context.Context, name string, v any) error {
	f, err := p.Store.Objects.Get(ctx, name)
	if err != nil {
		return fmt.Errorf("reading %s: %w", name, err)
	}
	defer f.Close()
	if err := json.NewDecoder(f).Decode(v); err != nil {
		return fmt.Errorf("reading %s: %w", name, err)
	}
	return nil
}

const seenName = "seen.json"

// Seen is what the newest pass saw, of a turn or of [Project.Refresh]; ok is false before there was one.
func (p *Project) Seen(ctx context.Context) (r TurnReport, ok bool, err error) {
	err = p.getJSON(ctx, seenName, &r)
	if errors.Is(err, store.ErrNotFound) {
		return r, false, nil
	}
	return r, err == nil, err
}

// Outcome is what followed a decision by now, also while its windows are open; nil when nothing is known of it.
func (p *Project) Outcome(ctx context.Context, d *bellwether.Decision) (*bellwether.Outcome, error) {
	who, err := p.History.Decided(ctx, d.Subject, "")
	if err != nil {
		return nil, err
	}
	join, err := p.joining(p.Clock())
	if err != nil {
		return nil, err
	}
	settled, open, _, err := measure.Settle(who, join)
	if err != nil {
		return nil, fmt.Errorf("joining outcomes to the decisions about %s: %w", who.Subject, err)
	}
	for _, o := range slices.Concat(who.Outcomes, settled, open) {
		if o.Decision == d.ID {
			return &o, nil
		}
	}
	return nil, nil
}
