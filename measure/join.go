package measure

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"bellwether"
	"bellwether/history"
)

// Joined is every decision with what followed it.
type Joined struct {
	Rule     string
	Outcomes []bellwether.Outcome // one a decision, in the log's order
	Organic  []bellwether.EventID // outcomes that no decision is credited with
	Counts   JoinCounts

	index map[bellwether.DecisionID]int32
}

// Join is [Settle] for a whole log that fits into memory.
func Join(decisions iter.Seq2[bellwether.Decision, error], events iter.Seq2[bellwether.Event, error], o JoinOptions) (*Joined, error) {
	if o.AsOf.IsZero() {
		return nil, errors.New("join needs AsOf, the moment up to which outcomes are known")
	}
	l, err := Gather(decisions, events, o)
	if err != nil {
		return nil, err
	}
	o.Known = l.known
	s := newSettler(o)
	j := &Joined{Rule: s.name, index: map[bellwether.DecisionID]int32{}}
	s.organic = func(id bellwether.EventID) { j.Organic = append(j.Organic, id) }
	for _, p := range l.People {
		if err := s.person(p); err != nil {
			return nil, err
		}
		j.Counts.add(s.counts)
		for i := range s.touches {
			j.Outcomes = append(j.Outcomes, s.touches[i].outcome)
		}
	}
	slices.SortFunc(j.Outcomes, func(a, b bellwether.Outcome) int { return cmp.Compare(l.order[a.Decision], l.order[b.Decision]) })
	for i := range j.Outcomes {
		j.index[j.Outcomes[i].Decision] = int32(i)
	}
	return j, nil
}

// Reward returns the rewards of mature decisions in a metric, for [Values]. ok is false for
// decisions that are immature or unknown.
func (j *Joined) Reward(metric string) func(bellwether.DecisionID) (r Reward, ok bool) {
	return func(id bellwether.DecisionID) (Reward, bool) {
		i, known := j.index[id]
		if !known || !j.Outcomes[i].Matured {
			return Reward{}, false
		}
		return RewardOf(&j.Outcomes[i], metric), true
	}
}

// Checks reports what of the join limits its use.
func (j *Joined) Checks() []Check { return j.Counts.checks(0, nil, nil) }

// Log is a log in memory, by person.
type Log struct {
	People    []*history.Person // in the order of their first record
	Decisions map[bellwether.DecisionID]*bellwether.Decision

	order map[bellwether.DecisionID]int
}

func (l *Log) known(id bellwether.DecisionID) (bool, error) { return l.Decisions[id] != nil, nil }

// Gather groups a log by person.
func Gather(decisions iter.Seq2[bellwether.Decision, error], events iter.Seq2[bellwether.Event, error], o JoinOptions) (*Log, error) {
	l := &Log{Decisions: map[bellwether.DecisionID]*bellwether.Decision{}, order: map[bellwether.DecisionID]int{}}
	index := map[bellwether.Subject]*history.Person{}
	person := func(s bellwether.Subject) *history.Person {
		if o.Person != nil {
			s = o.Person(s)
		}
		p := index[s]
		if p == nil {
			p = &history.Person{Subject: s, Known: true, Bucket: bellwether.Buckets - 1}
			index[s], l.People = p, append(l.People, p)
		}
		return p
	}
	for d, err := range decisions {
		if err != nil {
			return nil, fmt.Errorf("read the decisions: %w", err)
		}
		p := person(d.Subject)
		p.Decisions = append(p.Decisions, d)
		if l.Decisions[d.ID] == nil {
			l.order[d.ID], l.Decisions[d.ID] = len(l.order), &d
		}
	}
	for e, err := range events {
		if err != nil {
			return nil, fmt.Errorf("read the events: %w", err)
		}
		if !e.Type.Personal() {
			continue
		}
		p := person(cmp.Or(e.Subject, bellwether.Subject(e.Anonymous)))
		e.Raw = nil
		p.Events = append(p.Events, e)
	}
	for _, p := range l.People {
		slices.SortStableFunc(p.Decisions, func(a, b bellwether.Decision) int { return a.Time.Compare(b.Time) })
		slices.SortStableFunc(p.Events, func(a, b bellwether.Event) int { return a.Occurred.Compare(b.Occurred) })
	}
	return l, nil
}

// assign puts people into the bucket of their first decision from a moment on: what a log without buckets can say.
func (l *Log) assign(from time.Time) {
	for _, p := range l.People {
		for i := range p.Decisions {
			if d := &p.Decisions[i]; !d.Time.Before(from) {
				if d.Holdout {
					p.Bucket = 0
				}
				break
			}
		}
	}
}
