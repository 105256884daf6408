package pipeline

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"bellwether"
	"bellwether/collect"
	"bellwether/decide"
	"bellwether/history"
	"bellwether/measure"
	"bellwether/models/sequence"
	"bellwether/serve"
	"bellwether/store"
)

// Options of an Engine; the zero value works.
type Options struct {
	Clock        func() time.Time                     // nil: time.Now
	Logger       *slog.Logger                         // nil: none
	Currency     bellwether.Currency                  // of the project; "": USD
	Rates        map[bellwether.Currency]float64      // value of one unit of another currency in the project's
	HoldoutShare float64                              // of people; 0: decide.DefaultHoldout; negative: none
	Policies     map[bellwether.Surface]decide.Policy // by surface; others get Softmax
	Temperature  float64                              // of the default policy, in standard deviations of the scores; 0: 0.5
	Candidates   int                                  // that a recommendation weighs and logs; 0: 50
	CacheBytes   int64                                // that remembering people between requests may take; 0: 256 MiB
	Training     Training                             // what a turn spends
	Types        []bellwether.EventType               // that recommendations learn from; nil: every type with an item
	Measured     func() time.Time                     // what was done earlier does not count in the report; nil: all counts
	Plan         func() *measure.Plan                 // the power calculation that sized the holdout, for the report; nil: none
}

// Training says what a turn may spend on models.
type Training struct {
	Minutes  float64            // of training; 0: no limit but Epochs
	Epochs   int                // of the neural models; 0: their preset's
	Preset   string             // of the Transformer; "": base
	Settings *sequence.Settings // of the Transformer, instead of those of Preset; nil: Preset's
	Seed     uint64             // 0: 42
}

func (o Options) withDefaults() Options {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Currency == "" {
		o.Currency = "USD"
	}
	if o.Temperature == 0 {
		o.Temperature = 0.5
	}
	if o.Candidates == 0 {
		o.Candidates = 50
	}
	if o.CacheBytes == 0 {
		o.CacheBytes = 256 << 20
	}
	if o.HoldoutShare == 0 {
		o.HoldoutShare = decide.DefaultHoldout
	}
	if o.Training.Seed == 0 {
		o.Training.Seed = 42
	}
	return o
}

// Engine is one project at work: it collects, serves, decides and learns.
// It is safe for concurrent use; turns run one at a time.
type Engine struct {
	Collector *collect.Collector
	Decider   *decide.Decider
	Service   *serve.Service

	o         Options
	project   *store.Project
	history   *history.History
	people    *people
	catalogue *catalogue
	cache     *sequence.Cache // of people between requests, for all models in service
	beside    beside
	turns     sync.Mutex // held by the turn that runs
	reports   reports
}

// Open opens a project: its views catch up with the log and the models that were in
// service are loaded again.
func Open(ctx context.Context, p *store.Project, o Options) (*Engine, error) {
	o = o.withDefaults()
	e := &Engine{o: o, project: p, Service: serve.New(o.Clock), cache: sequence.NewCache(o.CacheBytes)}
	var err error
	if e.people, err = openPeople(ctx, p, string(p.ID)); err != nil {
		return nil, err
	}
	if e.catalogue, err = openCatalogue(ctx, p); err != nil {
		return nil, errors.Join(err, e.Close())
	}
	if e.Collector, err = collect.New(ctx, p, collect.Options{Clock: o.Clock, Currency: o.Currency}); err != nil {
		return nil, errors.Join(err, e.Close())
	}
	if e.history, err = history.Open(ctx, p, history.Options{Clock: o.Clock, Currency: o.Currency, Rates: o.Rates, Logger: o.Logger}); err != nil {
		return nil, errors.Join(err, e.Close())
	}
	e.Decider, err = decide.New(p, e.history, decide.Options{
		Clock: o.Clock, HoldoutShare: o.HoldoutShare, Policies: o.Policies,
		Default: decide.Softmax{Temperature: o.Temperature},
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("opening the decisions: %w", err), e.Close())
	}
	for _, app := range applications {
		if err := e.restore(ctx, app); err != nil {
			return nil, errors.Join(err, e.Close())
		}
	}
	return e, nil
}

// Project names the project.
func (e *Engine) Project() bellwether.ProjectID { return e.project.ID }

// Flush returns once everything in the log at the time of the call is in the views that
// requests read.
func (e *Engine) Flush(ctx context.Context) error {
	last, err := e.project.Log.Last(ctx)
	if err != nil {
		return fmt.Errorf("reading the end of the log: %w", err)
	}
	for _, v := range []*store.View{e.people.view, e.catalogue.view} {
		if err := v.Wait(ctx, last); err != nil {
			return fmt.Errorf("waiting for the views: %w", err)
		}
	}
	return nil
}

// Close releases the views. It does not close the store.
func (e *Engine) Close() error {
	var errs []error
	if e.people != nil {
		errs = append(errs, e.people.view.Close())
	}
	if e.catalogue != nil {
		errs = append(errs, e.catalogue.view.Close())
	}
	if e.Collector != nil {
		errs = append(errs, e.Collector.Close())
	}
	if e.history != nil {
		errs = append(errs, e.history.Close())
	}
	return errors.Join(errs...)
}

// AcceptItems writes items into the catalogue; requests see them when it returns.
func (e *Engine) AcceptItems(ctx context.Context, items []bellwether.Item) (collect.Result, error) {
	r, err := e.Collector.AcceptItems(ctx, items)
	if err == nil && r.Sequence > 0 {
		err = e.catalogue.view.Wait(ctx, r.Sequence)
	}
	return r, err
}
