package measure

import (
	"iter"
	"time"

	"bellwether"
)

// Input is what a report of a log in memory is made from.
type Input struct {
	Project      bellwether.ProjectID
	AsOf         time.Time
	Decisions    iter.Seq2[bellwether.Decision, error]
	Events       iter.Seq2[bellwether.Event, error]
	Prices       Prices
	Rule         Rule
	Person       func(bellwether.Subject) bellwether.Subject // see JoinOptions
	People       PeopleOptions
	HoldoutShare float64                         // the planned share, for the sample-ratio check
	Costs        Costs                           // of messages, coupons and the rest
	Headline     string                          // see ReportInput
	Targets      map[bellwether.Surface][]Target // policies to value from the log, by surface
	Valued       int                             // newest mature decisions of a surface that they are valued on; 0: DefaultSample
	Reward       string                          // the metric they are valued in; "": Click
	Planned      *Plan
	Level        float64
	Seed         uint64
}

// PeopleOptions say when the comparison is: see StudyOptions.
type PeopleOptions struct {
	From, To time.Time
	Before   time.Duration
}

// Build is a [Study] and its report for a whole log that fits into memory.
func Build(in Input) (*Report, error) {
	join := JoinOptions{Rule: in.Rule, AsOf: in.AsOf, Prices: in.Prices, Person: in.Person}
	l, err := Gather(in.Decisions, in.Events, join)
	if err != nil {
		return nil, err
	}
	l.assign(in.People.From)
	join.Known = l.known
	s, err := NewStudy(StudyOptions{
		Join: join, From: in.People.From, To: in.People.To, Before: in.People.Before,
		HoldoutShare: in.HoldoutShare, Costs: in.Costs, Sample: in.Valued,
	})
	if err != nil {
		return nil, err
	}
	for _, p := range l.People {
		if err := s.Add(p); err != nil {
			return nil, err
		}
	}
	return s.Report(ReportInput{
		Project: in.Project, Headline: in.Headline, Planned: in.Planned, Level: in.Level, Seed: in.Seed, Reward: in.Reward,
		Decision: func(id bellwether.DecisionID) (bellwether.Decision, bool, error) {
			if d := l.Decisions[id]; d != nil {
				return *d, true, nil
			}
			return bellwether.Decision{}, false, nil
		},
		Targets: func(s bellwether.Surface, _ []bellwether.Decision) ([]Target, error) { return in.Targets[s], nil },
	})
}
