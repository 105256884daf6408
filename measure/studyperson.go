package measure

import (
	"sort"
	"time"

	"bellwether"
	"bellwether/history"
)

// compare puts p into the comparison.
func (s *Study) compare(p *history.Person) {
	arm := armOf(float64(p.Bucket) < s.o.HoldoutShare*bellwether.Buckets)
	u := Person{Holdout: arm == 1}
	both, first := false, false
	s.outcomes(p, func(o *bellwether.Outcome) {
		if o.Rule != s.settler.name {
			s.old++
		}
		if o.Time.Before(s.o.From) || !o.Time.Before(s.o.To) {
			return
		}
		if other := o.Holdout != u.Holdout; u.Start.IsZero() || o.Time.Before(u.Start) {
			u.Start, first, both = o.Time, other, both || other
		} else {
			both = both || other
		}
		u.During.Decisions++
		u.During.Clicked += o.Rewards[Click]
		if surface := s.surface(o.Surface); o.Matured {
			surface.add(o)
			if !o.Holdout {
				surface.newest.add(o)
			}
		}
	})
	if u.Start.IsZero() {
		return
	}
	s.begin(u.Start)
	s.events(p, &u)
	for _, t := range s.surfaces {
		t.close(arm)
	}
	s.people.add(&u)
	if u.During.Answers > 0 {
		s.answers.add(u.During.Score / u.During.Answers)
	}
	if both {
		s.crossed++
	}
	if len(p.Identities) <= 1 {
		if s.alone++; first {
			s.astray++
		}
	}
}

// outcomes calls fn with the outcomes of p's decisions: those settled before, and those just computed.
func (s *Study) outcomes(p *history.Person, fn func(*bellwether.Outcome)) {
	for i := range p.Outcomes {
		fn(&p.Outcomes[i])
	}
	for i := range s.settler.touches {
		fn(&s.settler.touches[i].outcome)
	}
}

// events adds up what p did from the start on, and in the pre-period.
func (s *Study) events(p *history.Person, u *Person) {
	clear(s.sessions)
	before := u.Start.Add(-max(s.o.Before, 0))
	at := func(t time.Time) int {
		return sort.Search(len(p.Events), func(i int) bool { return !p.Events[i].Occurred.Before(t) })
	}
	start, end := at(u.Start), at(s.o.To)
	join := &s.o.Join
	for i := at(before); i < start; i++ {
		if e := &p.Events[i]; !e.Received.After(join.AsOf) {
			u.Before.add(s.settler.parts[e.Type], e, &join.Prices)
		}
	}
	for i := start; i < end; i++ {
		e := &p.Events[i]
		if e.Received.After(join.AsOf) {
			continue
		}
		kind := s.settler.parts[e.Type]
		u.During.add(kind, e, &join.Prices)
		u.During.Cost += s.bill.add(e, &s.o.Costs, &join.Prices)
		if kind == conversion {
			s.bill.sold(e, &join.Prices)
		}
		if e.Session != "" {
			s.sessions[e.Session] = struct{}{}
		}
	}
	u.During.Sessions = float64(len(s.sessions))
}
