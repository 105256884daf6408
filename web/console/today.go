package console

import (
	"context"
	"net/http"

	"bellwether"
	"bellwether/web/page"
)

// freshest is how many decisions the first page shows.
const freshest = 6

// today is what today.html.tmpl reads.
type today struct {
	Earned    Earned
	Headline  page.Figure
	Figures   []page.Figure
	Truth     *page.Notice
	Attention []page.Notice
	Serving   page.Table
	Fresh     page.Table
	Empty     *page.Empty // instead of everything, before the first event
	Nothing   bool        // no decision yet
}

func (p pages) today(ctx context.Context, _ *http.Request) (any, error) {
	in, err := p.source.Today(ctx)
	if err != nil {
		return nil, err
	}
	out := today{Earned: in.Earned, Fresh: decisionTable("fresh", in.Decisions[:min(freshest, len(in.Decisions))]), Nothing: len(in.Decisions) == 0}
	out.Fresh.Fixed = true
	if in.Events == 0 {
		if out.Empty = nothingYet(in.Waiting); !in.Waiting {
			out.Empty.Button, out.Empty.Href = page.T("today.empty.button"), "/data"
		}
		return out, nil
	}
	out.Headline = headline(in.Earned)
	out.Headline.Href = "/report"
	unit := page.Money(in.Earned.Currency)
	out.Figures = []page.Figure{
		{Label: page.T("today.person"), Estimate: in.Earned.Person, Unit: unit},
		{Label: page.T("today.relative"), Estimate: in.Earned.Relative, Unit: page.Percent, Explain: "relative"},
		{Label: page.T("today.decided"), Estimate: bellwether.Estimate{Value: float64(in.Decided), Method: "count"}, Count: true, Note: page.T("today.events", in.Events, in.LastEvent)},
	}
	out.Truth = truthNotice(in.Earned)
	for _, a := range in.Attention {
		out.Attention = append(out.Attention, page.Notice{Level: a.Level, Title: page.Say(a.What), Advice: page.Say(a.Do), Href: a.Href, Link: page.T("today.look")})
	}
	out.Serving = servingTable(in.Serving)
	return out, nil
}

// nothingYet says what is missing before anything was read: events, or a turn that reads those that wait.
func nothingYet(waiting bool) *page.Empty {
	if waiting {
		return &page.Empty{Title: page.T("today.waiting.title"), Missing: page.T("today.waiting.missing"), Command: "bellwether turn"}
	}
	return &page.Empty{Title: page.T("today.empty.title"), Missing: page.T("today.empty.missing"), Command: "bellwether import FILE"}
}

// headline is the page's first number: all that was earned.
func headline(e Earned) page.Figure {
	f := page.Figure{
		Label: page.T("today.earned." + metricKey(e.Metric)), Estimate: e.Total, Unit: page.Money(e.Currency), Explain: "holdout", Big: true,
		Note: page.T("today.counted", e.Treated, e.Holdout),
	}
	if len(e.Total.Interval) == 2 {
		switch {
		case e.Total.Interval[0] > 0:
			f.Tone = "good"
		case e.Total.Interval[1] < 0:
			f.Tone = "bad"
		}
	}
	return f
}

func metricKey(metric string) string {
	if metric == "margin" {
		return "margin"
	}
	return "revenue"
}

// truthNotice compares the headline with what a simulator knows.
func truthNotice(e Earned) *page.Notice {
	if e.Truth == nil {
		return nil
	}
	amount := page.Amount{Value: *e.Truth, Unit: page.Money(e.Currency)}
	switch {
	case len(e.Total.Interval) != 2:
		return &page.Notice{Level: "info", Title: page.T("today.truth.title", amount), Text: page.T("today.truth.unmeasured")}
	case e.Total.Interval[0] <= *e.Truth && *e.Truth <= e.Total.Interval[1]:
		return &page.Notice{Level: "info", Title: page.T("today.truth.title", amount), Text: page.T("today.truth.inside")}
	}
	return &page.Notice{Level: "warning", Title: page.T("today.truth.title", amount), Text: page.T("today.truth.outside", page.Amount{Value: e.Total.Level, Unit: page.Percent})}
}

func servingTable(rows []Serving) page.Table {
	t := page.Table{ID: "serving", Fixed: true, Empty: page.T("today.serving.none"), Columns: []page.Column{
		{ID: "task", Title: page.T("models.task")}, {ID: "model", Title: page.T("models.model")}, {ID: "since", Title: page.T("models.since")},
	}}
	for _, s := range rows {
		t.Rows = append(t.Rows, page.Row{Cells: []any{page.Link{Address: "/models#" + s.Task, Of: taskName(s.Task)}, serving(s), s.Since}})
	}
	return t
}

// serving names what answers for a task.
func serving(s Serving) any {
	if s.Version == "" {
		return page.Two{First: page.T("models.fallback"), Second: page.T("models.fallback.why")}
	}
	return page.Two{First: modelName(s.Family), Second: string(s.Version)}
}

// taskName is what people call a task: the application's own text, else its name.
func taskName(name string) page.Text { return page.Named("task."+name, name) }

// modelName is what people call a family of models.
func modelName(family string) page.Text { return page.Named("model."+family, family) }
