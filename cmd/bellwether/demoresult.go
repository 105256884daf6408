package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"bellwether"
	"bellwether/apps"
	"bellwether/apps/app"
	"bellwether/collect"
	"bellwether/internal/market"
	"bellwether/measure"
	"bellwether/pipeline"
)

// demoResult is the document of demo --json.
type demoResult struct {
	World     string            `json:"world"`
	Seed      uint64            `json:"seed"`
	Customers int               `json:"customers"`
	Days      int               `json:"days"`
	Events    int64             `json:"events"`   // in the log, from the messages that were accepted
	Messages  int64             `json:"messages"` // sent over HTTP
	Decisions int64             `json:"decisions"`
	Turns     []demoTurn        `json:"turns"`
	Lift      demoLift          `json:"lift"`
	Plan      *measure.Plan     `json:"plan"`
	Planned   string            `json:"plan_problem,omitempty"`
	Tally     demoTally         `json:"tally"`
	Policies  []demoPolicy      `json:"policies"`
	Seconds   float64           `json:"seconds"`
	Checks    map[string]string `json:"checks"` // strength by name, of those that did not pass
}

type demoTurn struct {
	AsOf         time.Time         `json:"as_of"`
	Events       int64             `json:"events"`
	Decisions    int64             `json:"decisions"`
	Applications []demoApplication `json:"applications"`
	Seconds      float64           `json:"seconds"`
}

type demoApplication struct {
	Application string                         `json:"application"`
	Version     bellwether.ModelVersion        `json:"version"`
	Chosen      string                         `json:"chosen"`
	Promoted    bool                           `json:"promoted"`
	Reason      string                         `json:"reason"`
	Test        map[string]bellwether.Estimate `json:"test"` // by model, the figure that chooses
}

// demoLift is margin a customer, treated less holdout, against the truth.
type demoLift struct {
	Metric   string    `json:"metric"`
	Currency string    `json:"currency"`
	Estimate float64   `json:"estimate"`
	Interval []float64 `json:"interval"`
	Relative float64   `json:"relative"`
	Truth    float64   `json:"truth"`
	Covered  bool      `json:"covered"`
	Positive bool      `json:"positive"` // the interval excludes 0
	Treated  int       `json:"treated"`
	Holdout  int       `json:"holdout"`
	Method   string    `json:"method"`
}

// demoTally sets what the market's dirt was beside what the program found.
type demoTally struct {
	Generated market.Tally `json:"generated"`
	Found     demoFound    `json:"found"`
	Equal     bool         `json:"equal"`
	Different []string     `json:"different,omitempty"`
}

type demoFound struct {
	Duplicates int64                   `json:"duplicates"`
	Refused    int64                   `json:"refused"`
	Events     int64                   `json:"events"`
	Rules      map[string]market.Count `json:"rules"`
}

type demoPolicy struct {
	Surface string              `json:"surface"`
	Policy  string              `json:"policy"`
	Metric  string              `json:"metric"`
	N       int                 `json:"n"`
	ESS     float64             `json:"ess"`
	Logged  bellwether.Estimate `json:"logged"`
	SNIPS   bellwether.Estimate `json:"snips"`
	DR      bellwether.Estimate `json:"dr"`
}

func (d *demo) print(ctx context.Context, w io.Writer) error {
	r, err := d.result(ctx)
	if err != nil {
		return err
	}
	return d.shell.Print(w, r, func(w io.Writer) error { return r.write(w) })
}

func (d *demo) result(ctx context.Context) (*demoResult, error) {
	end, err := d.opened.project.Refresh(ctx)
	if err != nil {
		return nil, err
	}
	report, err := d.opened.project.Report(ctx)
	if err != nil {
		return nil, err
	}
	totals, truth := d.client.Totals(), d.client.Truth()
	out := &demoResult{
		World: d.world.Name(), Seed: d.seed, Customers: d.customers, Days: d.days, Messages: totals.Messages, Decisions: totals.Decisions,
		Plan: d.plan, Checks: map[string]string{},
	}
	if d.planned != nil {
		out.Planned = d.planned.Error()
	}
	for _, t := range d.turns {
		out.Turns = append(out.Turns, shortTurn(&t))
	}
	out.Lift = liftOf(report, truth.Lift/100)
	for _, p := range report.Policies {
		out.Policies = append(out.Policies, demoPolicy{Surface: string(p.Surface), Policy: p.Policy, Metric: p.Metric, N: p.N, ESS: p.ESS, Logged: p.Logged, SNIPS: p.SNIPS, DR: p.DR})
	}
	for _, c := range report.Checks {
		if c.Strength != measure.Passed {
			out.Checks[c.Name] = string(c.Strength)
		}
	}
	if out.Tally, err = d.tally(ctx, &end); err != nil {
		return nil, err
	}
	out.Events = out.Tally.Found.Events
	out.Seconds = time.Since(d.start).Seconds()
	return out, nil
}

func shortTurn(t *pipeline.TurnReport) demoTurn {
	out := demoTurn{AsOf: t.AsOf, Events: t.Events, Decisions: t.Decisions, Seconds: t.Seconds}
	for _, a := range t.Tasks {
		name := ""
		for _, task := range app.Tasks(apps.All()) {
			if task.Name == a.Task {
				name = task.Metric
			}
		}
		short := demoApplication{Application: a.Task, Version: a.Version, Chosen: a.Chosen, Promoted: a.Promoted, Reason: a.Reason, Test: map[string]bellwether.Estimate{}}
		for _, row := range a.Rows {
			short.Test[row.Name] = row.Test[name]
		}
		out.Applications = append(out.Applications, short)
	}
	return out
}

func liftOf(r *measure.Report, truth float64) demoLift {
	e := r.Earned.Person
	out := demoLift{
		Metric: r.Earned.Metric, Currency: string(r.Currency), Estimate: e.Value, Interval: e.Interval, Relative: r.Earned.Relative.Value,
		Truth: truth, Treated: r.Earned.Treated, Holdout: r.Earned.Holdout, Method: e.Method,
	}
	if len(e.Interval) == 2 {
		out.Covered = e.Interval[0] <= truth && truth <= e.Interval[1]
		out.Positive = e.Interval[0] > 0
	}
	return out
}

// tally compares the dirt that the market sent with what collect and prepare found.
func (d *demo) tally(ctx context.Context, end *pipeline.TurnReport) (demoTally, error) {
	out := demoTally{Generated: d.client.Tally(), Found: demoFound{Rules: map[string]market.Count{}}}
	for _, r := range end.Cleaning {
		if r.Seen+r.Changed+r.Dropped > 0 {
			out.Found.Rules[r.Rule] = market.Count{Seen: r.Seen, Changed: r.Changed, Dropped: r.Dropped}
		}
	}
	err := d.opened.project.Collector.DeadLetters(ctx, func(collect.Rejected) bool {
		out.Found.Refused++
		return true
	})
	if err != nil {
		return out, err
	}
	out.Found.Events = end.Read
	out.Found.Duplicates = d.counted.Duplicates + d.opened.project.Collector.Totals().Duplicates
	out.compare()
	return out, nil
}

func (t *demoTally) compare() {
	differ := func(what string, generated, found any) {
		if generated != found {
			t.Different = append(t.Different, fmt.Sprintf("%s: generated %v, found %v", what, generated, found))
		}
	}
	differ("events", t.Generated.Events, t.Found.Events)
	differ("duplicates", t.Generated.Duplicates, t.Found.Duplicates)
	differ("refused", t.Generated.Rejected(), t.Found.Refused)
	for name, c := range t.Generated.Rules {
		differ(name, c, t.Found.Rules[name])
	}
	for name, c := range t.Found.Rules {
		if _, known := t.Generated.Rules[name]; !known {
			differ(name, market.Count{}, c)
		}
	}
	t.Equal = len(t.Different) == 0
}

// write prints the result for a person.
func (r *demoResult) write(w io.Writer) error {
	l := r.Lift
	fmt.Fprintf(w, "%s: %d events over HTTP in %d messages, %d decisions, %d turns, %.0f s\n\n", r.World, r.Events, r.Messages, r.Decisions, len(r.Turns), r.Seconds)
	fmt.Fprintf(w, "%s a customer against the holdout: %+.2f %s", l.Metric, l.Estimate, l.Currency)
	if len(l.Interval) == 2 {
		fmt.Fprintf(w, ", 95%% interval %+.2f to %+.2f", l.Interval[0], l.Interval[1])
	}
	fmt.Fprintf(w, " (%+.1f%%); the market's truth is %+.2f\n", 100*l.Relative, l.Truth)
	fmt.Fprintf(w, "%d customers treated, %d in the holdout", l.Treated, l.Holdout)
	if r.Plan != nil && r.Planned == "" {
		fmt.Fprintf(w, ", sized to show %.2f %s with %d people: %.1f%%", r.Plan.Effect, l.Currency, r.Plan.People, 100*r.Plan.Share)
	}
	fmt.Fprintln(w)
	for i, t := range r.Turns {
		for _, a := range t.Applications {
			fmt.Fprintf(w, "turn %d, %s: %s. %s\n", i+1, a.Application, a.Chosen, a.Reason)
		}
	}
	if r.Tally.Equal {
		fmt.Fprintf(w, "the tally of cleaned, merged and refused events equals the market's own\n")
	}
	for _, line := range r.Tally.Different {
		fmt.Fprintf(w, "tally differs: %s\n", line)
	}
	return nil
}
