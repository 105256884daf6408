package measure

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"bellwether"
	"bellwether/history"
)

// StudyOptions say what a [Study] looks at.
type StudyOptions struct {
	Join         JoinOptions
	From         time.Time     // the comparison: decisions from here on count; zero: each person's first decision
	To           time.Time     // nothing from here on counts; zero: Join.AsOf
	Before       time.Duration // length of the pre-period; 0: 28 days; negative: none
	HoldoutShare float64       // of people, by bucket: who is in which arm
	Costs        Costs
	Sample       int // newest mature decisions of the comparison that are kept for values, by surface; 0: DefaultSample

	// Settled takes the outcomes of one person that were settled just now, to be written to the log. It is called
	// from several goroutines, and what the outcomes point to is valid until it returns. The same outcome may come again,
	// equal in all fields, until history has it. nil: they are not written.
	Settled func([]bellwether.Outcome) error
}

// Study is a reducer: what the decisions were worth, person by person against the holdout. It keeps sums, the money of
// people who had any (32 bytes each) and a bounded sample of decisions (about 150 bytes each).
//
// A person is in the comparison from the first decision on (intention to treat), in the arm of the person's bucket: the
// one that was seen first. People who later got decisions of the other arm stay where they are and are counted; leaving
// them out would take more of the busy people out of the smaller arm (docs/adr/0029-measuring-in-one-pass.md).
type Study struct {
	o        StudyOptions
	settler  *settler
	counts   JoinCounts
	people   *crowd
	surfaces map[bellwether.Surface]*surfaceTally
	answers  answers
	bill     bill
	first    time.Time // counted decision
	crossed  int64     // people with decisions of both arms
	alone    int64     // people of one identity
	astray   int64     // of them: whose first decision was of the other arm
	old      int64     // outcomes that were settled under another rule
	sessions map[string]struct{}
}

var _ history.Reducer = (*Study)(nil)

// NewStudy returns an empty study. Join.AsOf is needed.
func NewStudy(o StudyOptions) (*Study, error) {
	switch {
	case o.Join.AsOf.IsZero():
		return nil, errors.New("a study needs AsOf, the moment up to which outcomes are known")
	case !(o.HoldoutShare >= 0 && o.HoldoutShare < 1):
		return nil, fmt.Errorf("the holdout's share is %g; give one from 0 to below 1", o.HoldoutShare)
	}
	o.To = cmp.Or(o.To, o.Join.AsOf)
	o.Before = cmp.Or(o.Before, 28*24*time.Hour)
	o.Sample = cmp.Or(o.Sample, DefaultSample)
	return &Study{
		o: o, settler: newSettler(o.Join), people: newCrowd(),
		surfaces: map[bellwether.Surface]*surfaceTally{}, sessions: map[string]struct{}{},
	}, nil
}

// Fork returns an empty study with the same settings.
func (s *Study) Fork() history.Reducer {
	f, _ := NewStudy(s.o) // the settings were accepted before
	return f
}

// Add takes one person in.
func (s *Study) Add(p *history.Person) error {
	if err := s.settler.person(p); err != nil {
		return err
	}
	s.counts.add(s.settler.counts)
	if err := s.settle(); err != nil {
		return err
	}
	s.compare(p)
	return nil
}

// settle hands on the outcomes that were settled just now.
func (s *Study) settle() error {
	if s.o.Settled == nil {
		return nil
	}
	var out []bellwether.Outcome
	for i := range s.settler.touches {
		if t := &s.settler.touches[i]; s.settler.settles(t.outcome.Time) {
			out = append(out, t.outcome)
		}
	}
	if len(out) == 0 {
		return nil
	}
	return s.o.Settled(out)
}

// Merge takes in what a fork kept of the next part of the people.
func (s *Study) Merge(next history.Reducer) error {
	o, ok := next.(*Study)
	if !ok {
		return fmt.Errorf("a study cannot merge a %T", next)
	}
	s.counts.add(o.counts)
	s.people.merge(o.people)
	for _, name := range sortedKeys(o.surfaces) {
		s.surface(name).merge(o.surfaces[name])
	}
	s.answers.merge(o.answers)
	s.bill.merge(&o.bill)
	s.begin(o.first)
	s.crossed, s.alone, s.astray, s.old = s.crossed+o.crossed, s.alone+o.alone, s.astray+o.astray, s.old+o.old
	return nil
}

// Done ends the study: everybody is in.
func (s *Study) Done() error { return nil }

// Counts are what crediting saw.
func (s *Study) Counts() JoinCounts { return s.counts }

// Sample returns the newest mature decisions of a surface; an unknown one has none.
func (s *Study) Sample(surface bellwether.Surface) *Sample {
	if t := s.surfaces[surface]; t != nil {
		return t.newest.sample(surface)
	}
	return (&newest{limit: s.o.Sample}).sample(surface)
}

// begin notes a counted decision.
func (s *Study) begin(at time.Time) {
	if !at.IsZero() && (s.first.IsZero() || at.Before(s.first)) {
		s.first = at
	}
}
