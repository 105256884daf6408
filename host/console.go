package host

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"bellwether"
	"bellwether/pipeline"
	"bellwether/web/console"
	"bellwether/web/page"
)

// source shows the project of the call on the pages that belong to no application.
type source struct {
	truth func(bellwether.ProjectID) (float64, bool) // what a simulator knows; nil: nobody does
}

var _ console.Source = source{}

// fresh is how many decisions the first page asks for.
const fresh = 6

// Today implements [console.Source].
func (s source) Today(ctx context.Context) (console.Today, error) {
	p, err := project(ctx)
	if err != nil {
		return console.Today{}, err
	}
	seen, ok, err := p.Registry.Seen(ctx)
	if err != nil {
		return console.Today{}, err
	}
	out := console.Today{Events: seen.Events, Decided: seen.Decisions, LastEvent: seen.Calendar.Last}
	if !ok || seen.Events == 0 {
		out.Waiting, err = waiting(ctx, p)
		return out, err
	}
	r, err := p.Report(ctx)
	if err != nil {
		return out, err
	}
	out.Earned = s.earned(r)
	if out.Attention, err = attention(ctx, p, r); err != nil {
		return out, err
	}
	turns, err := p.Registry.Turns(ctx, shownTurns)
	if err != nil {
		return out, err
	}
	for _, t := range p.Registry.Tasks() {
		now, err := serving(ctx, p, t.Name, turns)
		if err != nil {
			return out, err
		}
		out.Serving = append(out.Serving, now)
	}
	decisions, err := p.Decider.Recent(ctx, fresh)
	if err != nil {
		return out, err
	}
	out.Decisions, err = titled(p, decisions)
	return out, err
}

// waiting reports whether something came in.
func waiting(ctx context.Context, p *pipeline.Project) (bool, error) {
	last, err := p.Store.Log.Last(ctx)
	return last > 0, err
}

// Report implements [console.Source].
func (s source) Report(ctx context.Context) (console.Report, error) {
	p, err := project(ctx)
	if err != nil {
		return console.Report{}, err
	}
	if _, ok, err := p.Registry.Seen(ctx); err != nil || !ok {
		return console.Report{Earned: console.Earned{Currency: p.Currency, Total: bellwether.Estimate{Withheld: "nobody is in the holdout yet"}}}, err
	}
	r, err := p.Report(ctx)
	if err != nil {
		return console.Report{}, err
	}
	return s.report(r), nil
}

// missing makes an error a page that says that there is nothing here.
func missing(err, is error) error {
	if errors.Is(err, is) {
		return page.NotFound(err)
	}
	return err
}

// unprocessable is an error that says what to enter instead.
func unprocessable(err error) error {
	return &page.Error{Status: http.StatusUnprocessableEntity, Err: err}
}

// within reports whether one of texts holds words, case aside.
func within(words string, texts ...string) bool {
	for _, t := range texts {
		if strings.Contains(strings.ToLower(t), words) {
			return true
		}
	}
	return false
}
