package pipeline

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"
	"time"

	"bellwether"
	"bellwether/collect"
	"bellwether/measure"
	"bellwether/prepare"
	"bellwether/store"
	"bellwether/train"
)

// turn is the state that the steps of a turn hand on.
type turn struct {
	e       *Engine
	report  func(bellwether.Progress)
	asOf    time.Time
	cursor  uint64
	cleaned *prepare.Cleaned
	joined  *measure.Joined // what each decision earned
	result  TurnReport
	work    *work // of the application under way; nil before
}

// work is the state of one application within a turn.
type work struct {
	application string
	data        *bellwether.Dataset
	run         run
	fitted      []train.Fitted
	card        bellwether.Card
	promoted    bool
	reason      string
}

// CleaningRow is what one cleaning rule did.
type CleaningRow struct {
	Rule    string `json:"rule"`
	Seen    int64  `json:"seen"`
	Changed int64  `json:"changed"`
	Dropped int64  `json:"dropped"`
}

func newTurn(e *Engine, report func(bellwether.Progress)) *turn {
	if report == nil {
		report = func(bellwether.Progress) {}
	}
	t := &turn{e: e, report: report, asOf: e.o.Clock()}
	t.result.AsOf = t.asOf
	return t
}

// cleanEvents cleans every event of the log up to now.
func cleanEvents(ctx context.Context, t *turn) error {
	last, err := t.e.project.Log.Last(ctx)
	if err != nil {
		return fmt.Errorf("reading the end of the log: %w", err)
	}
	items, err := t.e.catalogue.all()
	if err != nil {
		return err
	}
	catalogue := make([]bellwether.Item, 0, len(items))
	for _, id := range slices.Sorted(maps.Keys(items)) {
		catalogue = append(catalogue, *items[id])
	}
	t.cleaned, err = prepare.Clean(ctx, prepare.Input{
		Events: t.e.Events(ctx), Items: catalogue, AsOf: t.asOf,
		Rules: t.e.rules(),
	})
	if err != nil {
		return fmt.Errorf("cleaning the events: %w", err)
	}
	t.cursor, t.result.Cursor = last, last
	t.result.Events = int64(len(t.cleaned.Events))
	for _, r := range t.cleaned.Report.Rules {
		t.result.Cleaning = append(t.result.Cleaning, CleaningRow{Rule: r.Rule, Seen: r.Seen, Changed: r.Changed, Dropped: r.Dropped})
	}
	return nil
}

func (e *Engine) rules() prepare.Rules {
	return prepare.Rules{Currency: e.o.Currency, Rates: e.o.Rates}
}

// backfilled reports whether most of the history was imported after the fact, so that nothing
// of it was known at any cut.
func (t *turn) backfilled() bool {
	return 2*t.cleaned.Report.Rule("late").Seen > int64(len(t.cleaned.Events))
}

// Limits below which an application has too little data to learn from.
const (
	minPeople   = 20
	minSubjects = 100
)

// assembleData cuts what the application learns from.
func assembleData(_ context.Context, t *turn) error {
	d := &bellwether.Dataset{Project: t.e.project.ID, Name: t.work.application, AsOf: t.asOf}
	switch t.work.application {
	case "recommend":
		q, err := prepare.Sequences(t.cleaned, prepare.SequenceOptions{Types: t.e.o.Types, Backfilled: t.backfilled(), Collapse: true, Unprompted: true})
		if err != nil {
			return fmt.Errorf("%w: %w", ErrNoData, err)
		}
		if len(q.Validation) < minPeople {
			return fmt.Errorf("%w: %d people have 3 events with items or more, %d are needed", ErrNoData, len(q.Validation), minPeople)
		}
		d.Sequences = q
	case "behaviour":
		table, err := prepare.CustomerTable(t.cleaned, prepare.TableOptions{Backfilled: t.backfilled()})
		if err != nil {
			return fmt.Errorf("%w: %w", ErrNoData, err)
		}
		if err := enoughOfBoth(table); err != nil {
			return err
		}
		d.Table = table
	}
	var err error
	if d.Digest, err = digest(d); err != nil {
		return err
	}
	t.work.data = d
	return nil
}

// enoughOfBoth wants 100 people, and 10 of either class in each part of the split.
func enoughOfBoth(t *bellwether.Table) error {
	if t.Rows() < minSubjects {
		return fmt.Errorf("%w: %d people are in the table, %d are needed", ErrNoData, t.Rows(), minSubjects)
	}
	var count [3][2]int
	for i, y := range t.Target {
		count[t.Split[i]][int(y)]++
	}
	for _, split := range []bellwether.Split{bellwether.Train, bellwether.Test} {
		for class, n := range count[split] {
			if n < 10 {
				return fmt.Errorf("%w: class %d has %d people in a part of the split, 10 are needed", ErrNoData, class, n)
			}
		}
	}
	return nil
}

// Events yields the events of the log in its order.
func (e *Engine) Events(ctx context.Context) iter.Seq2[bellwether.Event, error] {
	return records[bellwether.Event](ctx, e, store.KindEvent)
}

// Decisions yields the decisions of the log in its order, those of one moment by their ids: which
// of two requests at once was written first means nothing.
func (e *Engine) Decisions(ctx context.Context) iter.Seq2[bellwether.Decision, error] {
	logged := records[bellwether.Decision](ctx, e, store.KindDecision)
	return func(yield func(bellwether.Decision, error) bool) {
		var moment []bellwether.Decision
		flush := func() bool {
			slices.SortFunc(moment, func(a, b bellwether.Decision) int { return cmp.Compare(a.ID, b.ID) })
			for _, d := range moment {
				if !yield(d, nil) {
					return false
				}
			}
			moment = moment[:0]
			return true
		}
		for d, err := range logged {
			if err != nil {
				yield(d, err)
				return
			}
			if len(moment) > 0 && !d.Time.Equal(moment[0].Time) && !flush() {
				return
			}
			moment = append(moment, d)
		}
		flush()
	}
}

func records[T any](ctx context.Context, e *Engine, kind store.Kind) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		stop := fmt.Errorf("stopped")
		err := e.project.Log.Read(ctx, 0, func(b store.Batch) error {
			for _, r := range b.Records {
				if r.Kind != kind {
					continue
				}
				var v T
				if err := store.Decode(r.Data, &v); err != nil {
					return fmt.Errorf("reading record %s: %w", r.ID, err)
				}
				if !yield(v, nil) {
					return stop
				}
			}
			return nil
		})
		if err != nil && err != stop {
			var zero T
			yield(zero, fmt.Errorf("reading the log: %w", err))
		}
	}
}

// note logs a record of the system's own.
func (e *Engine) note(ctx context.Context, kind bellwether.EventType, traits map[string]any) error {
	now := e.o.Clock()
	last, err := e.project.Log.Last(ctx)
	if err != nil {
		return fmt.Errorf("logging %s: %w", kind, err)
	}
	id := bellwether.EventID("system-" + string(kind) + "-" + strconv.FormatUint(last, 10) + "-" + strconv.FormatInt(now.UnixNano(), 36))
	_, err = e.Collector.Accept(ctx, []collect.Incoming{{
		Event:  bellwether.Event{ID: id, Type: kind, Occurred: now, Received: now, Traits: traits},
		Source: "pipeline",
	}})
	if err != nil {
		return fmt.Errorf("logging %s: %w", kind, err)
	}
	return nil
}
