package app

import (
	"context"
	"fmt"
	"slices"

	"bellwether"
	"bellwether/measure"
)

// Outcome is what followed a decision by now, also while its windows are open; nil when nothing is known of it.
func (p *Project) Outcome(ctx context.Context, d *bellwether.Decision) (*bellwether.Outcome, error) {
	who, err := p.History.Decided(ctx, d.Subject, "")
	if err != nil {
		return nil, err
	}
	join, err := p.Joining(p.Clock())
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
