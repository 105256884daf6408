package measure

import (
	"fmt"
	"time"

	"bellwether"
	"bellwether/history"
)

// find returns the decision that e is credited to, as if it had arrived in time.
func (s *settler) find(p *history.Person, e *bellwether.Event, kind part) (place, error) {
	if len(s.fixed) > 0 {
		if _, ok := s.fixed[e.ID]; ok {
			return frozen, nil
		}
	}
	if kind == refund && e.Order != "" {
		return s.takenBack(e), nil
	}
	if e.Decision != "" {
		return s.named(p, e, kind)
	}
	if kind == exposure {
		return nowhere, nil // it is no proof that this decision was seen
	}
	if len(p.Decisions)+len(p.Outcomes) == 0 {
		s.counts.NoDecision++
	}
	return s.last(e, kind), nil
}

// takenBack is where the refund of an order goes: where its sale went.
func (s *settler) takenBack(e *bellwether.Event) place {
	at, sold := s.orders[orderLine{e.Order, e.Item}]
	switch {
	case !sold || at == nowhere:
		return nowhere
	case at.decision >= 0 && !s.late(e) && s.touches[at.decision].within(e.Occurred, s.longest):
		return at
	}
	s.counts.LateRefunds++
	return nowhere
}

// named returns the decision that e names.
func (s *settler) named(p *history.Person, e *bellwether.Event, kind part) (place, error) {
	window := s.o.Rule.window(e.Type, true)
	if i, open := s.index[e.Decision]; open {
		t := &s.touches[i]
		if position, _ := t.shows(e); t.within(e.Occurred, window) {
			return place{i, position}, nil
		}
		return nowhere, nil
	}
	if kind == exposure {
		return nowhere, nil
	}
	if s.before[e.Decision] {
		return nowhere, nil // it came too late, or was linked to the person too late
	}
	known := s.decidedLater(p, e.Decision)
	if !known && s.o.Known != nil {
		var err error
		if known, err = s.o.Known(e.Decision); err != nil {
			return nowhere, fmt.Errorf("look up the decision %q that event %q names: %w", e.Decision, e.ID, err)
		}
		if known {
			s.counts.Elsewhere++
		}
	}
	if !known {
		s.counts.Unknown++
	}
	return nowhere, nil
}

// decidedLater reports whether the decision is p's, and after AsOf.
func (s *settler) decidedLater(p *history.Person, id bellwether.DecisionID) bool {
	for i := range p.Decisions {
		if p.Decisions[i].ID == id {
			return true
		}
	}
	return false
}

// last returns the person's last touch that e can follow from: a click on it, or else its view.
func (s *settler) last(e *bellwether.Event, kind part) place {
	best, when := nowhere, time.Time{}
	for k := s.begun - 1; k >= 0; k-- {
		t := &s.touches[k]
		if e.Occurred.Sub(t.outcome.Time) > s.longest {
			break // the earlier ones are older still
		}
		position, ok := t.shows(e)
		if !ok {
			continue
		}
		clickedAt, clicked := t.clickedAt(position)
		if !t.within(e.Occurred, s.o.Rule.window(e.Type, clicked || kind == click)) {
			continue
		}
		touched := t.outcome.Time
		if clicked {
			touched = clickedAt
		}
		if best == nowhere || touched.After(when) {
			best, when = place{int32(k), position}, touched
		}
	}
	return best
}
