package pipeline

import (
	"context"
	"errors"
	"fmt"

	"bellwether/measure"
	"bellwether/store"
)

// Report says what the decisions were worth, as the newest turn or [Project.Refresh] found; before there is one, it is made now. It
// must not be changed.
func (p *Project) Report(ctx context.Context) (*measure.Report, error) {
	r, err := p.worth.Last(ctx, p.Store.Objects)
	if errors.Is(err, store.ErrNotFound) {
		if _, err = p.Refresh(ctx); err == nil {
			r, err = p.worth.Last(ctx, p.Store.Objects)
		}
	}
	return r, err
}

// Refresh is a turn without learning: it reads everybody once and renews the report, and what is popular. Its result has no number.
func (p *Project) Refresh(ctx context.Context) (TurnReport, error) { return p.refresh(ctx, false) }

// refresh brings the lake up to date too, where files are wanted.
func (p *Project) refresh(ctx context.Context, files bool) (TurnReport, error) {
	end, err := p.turns.Refresh(ctx)
	if err != nil {
		return TurnReport{}, err
	}
	defer end()
	t := p.newTurn(nil)
	t.tasks, t.files, t.wait = false, files, 0
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
