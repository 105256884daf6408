package pipeline

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"bellwether"
	"bellwether/apps"
	"bellwether/apps/app"
	"bellwether/collect"
	"bellwether/decide"
	"bellwether/history"
	"bellwether/history/lake"
	"bellwether/learn"
	"bellwether/measure"
	"bellwether/store"
)

// Options of a Project; the zero value works.
type Options struct {
	app.Options
	Clock        func() time.Time                     // nil: time.Now
	Logger       *slog.Logger                         // nil: none
	Currency     bellwether.Currency                  // "": USD
	Rates        map[bellwether.Currency]float64      // value of one unit of another currency in the project's
	Nobody       []string                             // ids that name no person or device, beside the usual words
	HoldoutShare float64                              // of people; 0: decide.DefaultHoldout; negative: none
	Policies     map[bellwether.Surface]decide.Policy // by surface; others get Softmax
	CacheBytes   int64                                // that remembering people between requests may take; 0: 256 MiB
	Training     learn.Training                       // what a turn spends
	Costs        measure.Costs                        // of messages, coupons and the rest
	CompareFrom  time.Time                            // decisions from here on are compared with the holdout; zero: all
	Plan         *measure.Plan                        // the power calculation that sized the holdout; nil: none
	Applications []app.Application                    // nil: apps.All()
	Lake         lake.Target                          // of clean events, decisions and outcomes as Parquet; nil: among the project's objects
}

func (o Options) withDefaults() Options {
	o.Options = o.Options.WithDefaults()
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Currency == "" {
		o.Currency = "USD"
	}
	if o.HoldoutShare == 0 {
		o.HoldoutShare = decide.DefaultHoldout
	}
	if o.Training.Seed == 0 {
		o.Training.Seed = 42
	}
	if o.Applications == nil {
		o.Applications = apps.All()
	}
	return o
}

// Project is one project at work: it collects, serves, decides and learns. It is safe for concurrent use; turns run one at a time.
type Project struct {
	*app.Project
	o     Options
	turns learn.Turnstile
	worth app.Worth
}

// Open opens a project: its history catches up with the log, and the models that were in service are loaded again. One whose model can't
// be read is named in the log, and serves without it.
func Open(ctx context.Context, sp *store.Project, o Options) (*Project, error) {
	o = o.withDefaults()
	if o.Lake == nil {
		o.Lake = sp.Objects
	}
	p := &Project{o: o, Project: &app.Project{
		ID: sp.ID, Store: sp, Clock: o.Clock, Currency: o.Currency, Rates: o.Rates, Logger: o.Logger, Options: o.Options,
	}}
	if err := p.open(ctx); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	if err := p.Registry.Restore(ctx); err != nil {
		p.Logger.ErrorContext(ctx, "a model in service can't be read: plain answers take its place until the next turn", "error", err)
	}
	return p, nil
}

func (p *Project) open(ctx context.Context) (err error) {
	o := &p.o
	if p.History, err = history.Open(ctx, p.Store, history.Options{Clock: o.Clock, Currency: o.Currency, Rates: o.Rates, Logger: o.Logger}); err != nil {
		return err
	}
	if p.Collector, err = collect.New(ctx, p.Store, collect.Options{Clock: o.Clock, Currency: o.Currency, Rates: o.Rates, Nobody: o.Nobody}); err != nil {
		return err
	}
	p.Decider, err = decide.New(p.Store, p.History, decide.Options{
		Clock: o.Clock, HoldoutShare: o.HoldoutShare, Policies: o.Policies, Default: decide.Softmax{Temperature: o.Temperature},
	})
	if err != nil {
		return fmt.Errorf("opening the decisions: %w", err)
	}
	p.Registry, err = learn.NewRegistry(p.Store, app.Tasks(o.Applications), learn.Options{
		Clock: o.Clock, Logger: o.Logger, Currency: o.Currency, CacheBytes: o.CacheBytes, Recorder: p,
	})
	return err
}

// Training is what a turn spends, as configured.
func (p *Project) Training() learn.Training { return p.o.Training }

// Close releases the views. It does not close the store.
func (p *Project) Close() error {
	var errs []error
	if p.History != nil {
		errs = append(errs, p.History.Close())
	}
	if p.Collector != nil {
		errs = append(errs, p.Collector.Close())
	}
	return errors.Join(errs...)
}
