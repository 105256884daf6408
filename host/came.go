package host

import (
	"context"
	"errors"
	"fmt"

	"bellwether/collect"
	"bellwether/store"
	"bellwether/web/console"
)

// Limits of the page of data: refused messages that it lists, and that are read again at once.
const (
	shownRefused = 50
	replayedMost = 10_000
	shownStill   = 10
)

// Data implements [console.Source].
func (source) Data(ctx context.Context) (console.Data, error) {
	p, err := project(ctx)
	if err != nil {
		return console.Data{}, err
	}
	seen, _, err := p.Registry.Seen(ctx)
	if err != nil {
		return console.Data{}, err
	}
	out := console.Data{Events: seen.Events, People: seen.People, First: seen.Calendar.First, Last: seen.Calendar.Last}
	if seen.Events == 0 {
		if out.Waiting, err = waiting(ctx, p); err != nil {
			return out, err
		}
	}
	for _, d := range seen.Calendar.Days {
		out.Days = append(out.Days, console.DayCount(d))
	}
	for _, t := range seen.Calendar.Types {
		out.Types = append(out.Types, console.TypeCount{Type: string(t.Type), Events: t.Events, Last: t.Last})
	}
	for _, r := range seen.Cleaning {
		x := console.Rule{Name: r.Rule, Why: r.Why, Seen: r.Seen, Changed: r.Changed, Dropped: r.Dropped}
		for _, e := range r.Examples {
			x.Examples = append(x.Examples, console.Example(e))
		}
		out.Rules = append(out.Rules, x)
	}
	letters, total, err := p.Collector.NewestDeadLetters(ctx, shownRefused)
	out.Refused, out.RefusedTotal = refused(letters), total
	if err != nil {
		return out, err
	}
	batches, err := p.Imports(ctx)
	for _, b := range batches {
		i := console.Import{ID: b.ID, File: b.Name, Format: b.Format, Time: b.Began, Read: b.Rows, Kept: b.Accepted, Refused: b.Rejected, Repeated: b.Duplicates}
		if b.Undone != nil {
			i.Undone = *b.Undone
		}
		out.Imports = append(out.Imports, i)
	}
	return out, err
}

// UndoImport implements [console.Source].
func (source) UndoImport(ctx context.Context, id string) (console.Import, error) {
	p, err := project(ctx)
	if err != nil {
		return console.Import{}, err
	}
	b, err := p.UndoImport(ctx, id)
	switch {
	case errors.Is(err, store.ErrNotFound), errors.Is(err, store.ErrConflict):
		err = unprocessable(err)
	}
	return console.Import{ID: b.ID, File: b.Name, Kept: b.Accepted}, err
}

func refused(letters []collect.Rejected) (out []console.Refused) {
	for _, l := range letters {
		out = append(out, console.Refused{Time: l.Time, Source: l.Source, Line: l.Line, Reason: l.Reason, Text: string(l.Raw)})
	}
	return out
}

// Replay implements [console.Source].
func (source) Replay(ctx context.Context, from string, dry bool) (console.Replayed, error) {
	p, err := project(ctx)
	if err != nil {
		return console.Replayed{}, err
	}
	var ids []string
	err = p.Collector.DeadLetters(ctx, func(r collect.Rejected) bool {
		if !r.Replayed && (from == "" || r.Source == from) {
			ids = append(ids, r.ID)
		}
		return len(ids) < replayedMost
	})
	if err != nil {
		return console.Replayed{}, err
	}
	if len(ids) == 0 {
		return console.Replayed{}, unprocessable(fmt.Errorf("no message waits that came from %q", from))
	}
	if dry {
		r, still, err := p.Collector.Rehearse(ctx, ids)
		return console.Replayed{Tried: int64(len(ids)), Accepted: r.Accepted, Still: refused(still[:min(len(still), shownStill)])}, err
	}
	r, err := p.Collector.Replay(ctx, ids, nil)
	return console.Replayed{Tried: int64(len(ids)), Accepted: r.Accepted}, err
}
