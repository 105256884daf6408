package host

import (
	"context"
	"strings"

	"bellwether/measure"
	"bellwether/pipeline"
	"bellwether/web/console"
	"bellwether/web/page"
)

// earned is the number on the first screen.
func (s source) earned(r *measure.Report) console.Earned {
	e := &r.Earned
	out := console.Earned{
		Currency: r.Currency, Metric: e.Metric, From: r.From, AsOf: r.AsOf, Treated: int64(e.Treated), Holdout: int64(e.Holdout), Crossover: int64(e.Crossover),
		Total: e.Total, Person: e.Person, Relative: e.Relative, Anytime: e.Anytime,
	}
	if s.truth != nil {
		if t, ok := s.truth(r.Project); ok {
			out.Truth = &t
		}
	}
	return out
}

// report is the whole report.
func (s source) report(r *measure.Report) console.Report {
	out := console.Report{
		Earned: s.earned(r), Rule: r.Rule, Decisions: r.Counts.Decisions, Credited: r.Counts.Credited, Organic: r.Counts.Organic, Hidden: r.Hidden,
		Effects: effects(r, r.Effects),
		Survey:  console.Survey{Mean: r.Survey.Mean, Satisfied: r.Survey.CSAT, Promoter: r.Survey.NPS, Response: r.Survey.Response},
		Cost:    console.Cost{Messages: int64(r.Cost.Messages), Sent: r.Cost.Sent, Other: r.Cost.Other, Return: r.Cost.ROI},
	}
	for _, x := range r.Surfaces {
		out.Surfaces = append(out.Surfaces, console.SurfaceEffects{Surface: x.Surface, Policies: x.Policies, Decisions: int64(x.Decisions), Effects: effects(r, x.Effects)})
	}
	for _, v := range r.Policies {
		out.Policies = append(out.Policies, console.PolicyValue{
			Surface: v.Surface, Policy: v.Policy, Metric: v.Metric, N: int64(v.N), ESS: v.ESS, Logged: v.Logged, SNDR: v.SNDR, SNIPS: v.SNIPS, DR: v.DR, Gain: v.Gain,
		})
	}
	if p := r.Plan; p != nil {
		out.Plan = &console.Plan{Metric: p.Metric, Effect: p.Effect, People: int64(p.People), Share: p.Share, SD: p.SD}
	}
	for _, c := range r.Checks {
		out.Checks = append(out.Checks, console.Check{Name: c.Name, Strength: string(c.Strength), Measured: c.Measured, Limit: c.Limit, Message: c.Message})
	}
	return out
}

// effects are figures with their units: money where the report's unit names its currency, shares, or counts.
func effects(r *measure.Report, in []measure.Effect) (out []console.Effect) {
	for _, e := range in {
		x := console.Effect{Metric: e.Metric, Treated: e.Treated, Holdout: e.Holdout, Absolute: e.Absolute, Relative: e.Relative}
		switch {
		case strings.HasPrefix(e.Unit, string(r.Currency)):
			x.Unit = page.Money(r.Currency)
		case strings.HasPrefix(e.Unit, "share"), strings.HasPrefix(e.Unit, "clicked"):
			x.Unit = page.Percent
		}
		if e.Adjusted != nil {
			x.Adjusted = &e.Adjusted.Absolute
		}
		out = append(out, x)
	}
	return out
}

// attention is what somebody should look at: assumptions that do not hold, tasks whose turn failed, messages that were refused.
func attention(ctx context.Context, p *pipeline.Project, r *measure.Report) (out []console.Attention, err error) {
	for _, c := range r.Checks {
		switch c.Strength {
		case measure.Failed:
			out = append(out, console.Attention{Level: "error", What: c.Message, Do: "look at the checks of the report", Href: "/report#checks"})
		case measure.Warning:
			out = append(out, console.Attention{Level: "warning", What: c.Message, Do: "look at the checks of the report", Href: "/report#checks"})
		}
	}
	turns, err := p.Registry.Turns(ctx, 1)
	if err != nil {
		return nil, err
	}
	for _, t := range turns {
		for _, task := range t.Tasks {
			if task.Version == "" {
				out = append(out, console.Attention{Level: "info", What: task.Reason, Do: "look at what the turn says", Href: "/models#" + task.Task})
			}
		}
	}
	_, refused, err := p.Collector.NewestDeadLetters(ctx, 1)
	if refused > 0 {
		out = append(out, console.Attention{Level: "warning", What: "messages were refused and wait with their reasons", Do: "mend what sends them, then read them again", Href: "/data#refused"})
	}
	return out, err
}
