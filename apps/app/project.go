package app

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"bellwether"
	"bellwether/collect"
	"bellwether/decide"
	"bellwether/history"
	"bellwether/learn"
	"bellwether/measure"
	"bellwether/store"
)

// Project is what the requests of applications work with. It is safe for concurrent use.
type Project struct {
	ID        bellwether.ProjectID
	Store     *store.Project
	History   *history.History
	Collector *collect.Collector
	Decider   *decide.Decider
	Registry  *learn.Registry
	Clock     func() time.Time
	Currency  bellwether.Currency
	Rates     map[bellwether.Currency]float64 // value of one unit of another currency in the project's
	Logger    *slog.Logger
	Options   Options
}

// Options are a project's settings that applications read; the zero value works.
type Options struct {
	Candidates  int                    // that a slate weighs and logs; 0: 50
	Temperature float64                // of the default policy, in standard deviations of the scores; 0: 0.5
	Types       []bellwether.EventType // that may be learned from; nil: every type that says something
	Sending     Sending                // nil: nothing can be sent
}

// Way says how messages are carried out.
type Way struct {
	By       string // "mail", "webhook" or "audience"; "": nothing leaves, a dry run
	Audience string // file of an audience
	Really   bool   // it is no dry run
}

// Sending makes what carries messages out and is closed afterwards, with what holds messages back, as configured.
type Sending func(Way) (actor decide.Actor, closeActor func() error, o decide.SenderOptions, err error)

// WithDefaults returns the settings with those that were left out.
func (o Options) WithDefaults() Options {
	if o.Candidates == 0 {
		o.Candidates = 50
	}
	if o.Temperature == 0 {
		o.Temperature = 0.5
	}
	return o
}

// Person returns who is asked about: a subject or, where it is empty, whoever an anonymous id belongs to.
func (p *Project) Person(ctx context.Context, s bellwether.Subject, a bellwether.AnonymousID) (*history.Person, error) {
	if s == "" && a == "" {
		return nil, fmt.Errorf("%w: subject and anonymous are empty; name a person", ErrBadRequest)
	}
	who, err := p.History.Person(ctx, s, a)
	if err != nil {
		return nil, fmt.Errorf("looking up who is asked for: %w", err)
	}
	return who, nil
}

// WithHistory returns the person as if these events, in the order of time, were all that happened; the traits stay. Items are named as
// the catalogue does.
func (p *Project) WithHistory(who *history.Person, events []bellwether.Event) (*history.Person, error) {
	out := *who
	out.Events, out.Owners = slices.Clone(events), make([]int32, len(events))
	out.Identities = []history.Identity{{ID: who.Subject, Parent: -1}}
	out.Known = len(events) > 0
	for i := range out.Events {
		e := &out.Events[i]
		e.Subject, e.Anonymous = who.Subject, ""
		if e.Received.IsZero() {
			e.Received = e.Occurred
		}
		var err error
		if e.Item, err = p.History.ItemName(e.Item); err != nil {
			return nil, fmt.Errorf("reading the catalogue: %w", err)
		}
	}
	if n := len(out.Events); n > 0 && len(out.Events[n-1].Traits) == 0 {
		out.Events[n-1].Traits = who.Traits
	}
	return &out, nil
}

// Decide takes a decision and returns it once it is durable; a preview computes it and writes nothing, as if the person were
// in the holdout, or not, where holdout says so.
func (p *Project) Decide(ctx context.Context, r decide.Request, preview bool, holdout *bool) (bellwether.Decision, error) {
	if preview {
		return p.Decider.Preview(r, decide.PreviewOptions{Holdout: holdout})
	}
	return p.Decider.Decide(ctx, r)
}

// Inputs returns what the tasks' data are assembled with in a pass as of a moment.
func (p *Project) Inputs(asOf time.Time) (learn.Inputs, error) {
	items, err := p.History.Items()
	if err != nil {
		return learn.Inputs{}, fmt.Errorf("reading the catalogue: %w", err)
	}
	join, err := p.Joining(asOf)
	if err != nil {
		return learn.Inputs{}, err
	}
	return learn.Inputs{
		Project: p.ID, AsOf: asOf, Currency: p.Currency, Items: items, Types: p.Options.Types, Temperature: p.Options.Temperature,
		Decision: p.History.Decision, Person: p.History.Person,
		Outcomes: func(who *history.Person) ([]bellwether.Outcome, error) {
			settled, open, _, err := measure.Settle(who, join)
			return append(settled, open...), err
		},
	}, nil
}

// SignedIn lists everybody who is known by a subject, in order.
func (p *Project) SignedIn(ctx context.Context) ([]bellwether.Subject, error) {
	var s signedIn
	if _, err := p.History.Pass(ctx, history.PassOptions{AsOf: p.Clock()}, &s); err != nil {
		return nil, fmt.Errorf("listing people: %w", err)
	}
	return s.subjects, nil
}

// signedIn is the reducer of SignedIn.
type signedIn struct{ subjects []bellwether.Subject }

// Fork implements [history.Reducer].
func (s *signedIn) Fork() history.Reducer { return new(signedIn) }

// Add implements [history.Reducer].
func (s *signedIn) Add(p *history.Person) error {
	if p.Known && !strings.HasPrefix(string(p.Subject), "~") {
		s.subjects = append(s.subjects, bellwether.Subject(strings.Clone(string(p.Subject))))
	}
	return nil
}

// Merge implements [history.Reducer].
func (s *signedIn) Merge(next history.Reducer) error {
	s.subjects = append(s.subjects, next.(*signedIn).subjects...)
	return nil
}

// Done implements [history.Reducer].
func (s *signedIn) Done() error {
	slices.Sort(s.subjects)
	return nil
}
