package console

import (
	"slices"

	"bellwether"
	"bellwether/web/page"
)

// reportPage is what report.html.tmpl reads.
type reportPage struct {
	Empty    *page.Empty // instead of all but the headline, before the first decision
	Headline page.Figure
	Anytime  page.Figure
	Range    page.Text
	Crossed  page.Text
	Hidden   *page.Notice
	Chart    *page.Chart
	Effects  page.Table
	Surfaces page.Table
	Survey   []page.Figure
	Cost     []page.Definition
	Return   page.Figure
	Policies page.Table
	Plan     page.Text
	Broken   []page.Notice
	Checks   page.Table
}

func reportView(r Report) reportPage {
	if r.Decisions == 0 {
		return reportPage{Headline: headline(r.Earned), Empty: &page.Empty{
			Title: page.T("report.empty.title"), Missing: page.T("report.empty.missing"), Button: page.T("report.empty.button"), Href: "/decisions",
		}}
	}
	money := page.Money(r.Earned.Currency)
	out := reportPage{
		Headline: headline(r.Earned),
		Anytime:  page.Figure{Label: page.T("report.anytime"), Estimate: r.Earned.Anytime, Unit: money, Explain: "anytime"},
		Range:    page.T("report.range", page.Day(r.Earned.From), page.Day(r.Earned.AsOf), r.Decisions, r.Credited, r.Organic),
		Effects:  effectTable(r.Effects), Surfaces: surfaceTable(r.Surfaces), Policies: policyTable(r.Policies, money),
		Survey: []page.Figure{
			{Label: page.T("report.mean"), Estimate: r.Survey.Mean},
			{Label: page.T("report.satisfied"), Estimate: r.Survey.Satisfied, Unit: page.Percent},
			{Label: page.T("report.promoter"), Estimate: r.Survey.Promoter, Unit: page.Percent, Explain: "promoter"},
			{Label: page.T("report.response"), Estimate: r.Survey.Response, Unit: page.Percent},
		},
		Cost: []page.Definition{
			{Name: page.T("report.messages"), Value: r.Cost.Messages},
			{Name: page.T("report.sent"), Value: page.Amount{Value: r.Cost.Sent, Unit: money}},
			{Name: page.T("report.other"), Value: page.Amount{Value: r.Cost.Other, Unit: money}},
		},
		Return: page.Figure{Label: page.T("report.return"), Estimate: r.Cost.Return, Unit: page.Percent},
		Checks: checkTable(r.Checks),
	}
	if r.Hidden != "" {
		out.Hidden = &page.Notice{Level: "error", Title: page.T("report.hidden"), Text: page.Say(r.Hidden)}
	}
	if c := effectChart(r.Effects); len(c.Labels) > 0 {
		out.Chart = &c
	}
	if r.Earned.Crossover > 0 {
		out.Crossed = page.T("report.crossed", r.Earned.Crossover)
	}
	if p := r.Plan; p != nil {
		out.Plan = page.T("report.plan", page.Amount{Value: p.Effect, Unit: money}, page.Named("effect."+p.Metric, p.Metric), p.People, page.Share(p.Share), p.SD)
	}
	for _, c := range r.Checks {
		if c.Strength != "passed" {
			out.Broken = append(out.Broken, page.Notice{Level: checkLevel(c.Strength), Title: page.Say(c.Name), Text: page.Say(c.Message)})
		}
	}
	return out
}

func checkLevel(strength string) string {
	if strength == "error" {
		return "error"
	}
	return "warning"
}

func effectName(metric string) page.Text { return page.Named("effect."+metric, metric) }

// effectChart is each figure's effect relative to the holdout, with its interval.
func effectChart(effects []Effect) page.Chart {
	c := page.Chart{ID: "relative", Kind: page.Intervals, Unit: page.Percent, Axis: page.T("report.figure"), Title: page.T("report.chart"), Note: page.T("report.chart.note")}
	s := page.Series{Name: page.T("report.relative")}
	for _, e := range effects {
		if len(e.Relative.Interval) == 2 {
			c.Labels = append(c.Labels, page.Capital(effectName(e.Metric)))
			s.Points = append(s.Points, e.Relative)
		}
	}
	c.Series = []page.Series{s}
	return c
}

func effectColumns() []page.Column {
	return []page.Column{
		{ID: "figure", Title: page.T("report.figure")},
		{ID: "treated", Title: page.T("report.treated")},
		{ID: "holdout", Title: page.T("report.holdout"), Explain: "holdout"},
		{ID: "difference", Title: page.T("report.difference")},
		{ID: "adjusted", Title: page.T("report.adjusted"), Explain: "adjusted"},
	}
}

func effectCells(e Effect) []any {
	var adjusted any
	if e.Adjusted != nil {
		adjusted = page.Measured{Estimate: *e.Adjusted, Unit: e.Unit}
	}
	of := func(x bellwether.Estimate) any { return page.Measured{Estimate: x, Unit: e.Unit} }
	return []any{page.Capital(effectName(e.Metric)), of(e.Treated), of(e.Holdout), of(e.Absolute), adjusted}
}

func effectTable(effects []Effect) page.Table {
	t := page.Table{ID: "effects", Caption: page.T("report.effects"), Columns: effectColumns()}
	for _, e := range effects {
		t.Rows = append(t.Rows, page.Row{Cells: effectCells(e)})
	}
	return t
}

func surfaceTable(surfaces []SurfaceEffects) page.Table {
	t := page.Table{ID: "surfaces", Caption: page.T("report.surfaces"), Columns: slices.Insert(effectColumns()[:4], 0, page.Column{ID: "surface", Title: page.T("decisions.surface")})}
	for _, s := range surfaces {
		for _, e := range s.Effects {
			t.Rows = append(t.Rows, page.Row{Cells: append([]any{page.Two{First: string(s.Surface), Second: page.T("report.ofdecisions", s.Decisions)}}, effectCells(e)[:4]...)})
		}
	}
	return t
}

func policyTable(policies []PolicyValue, money page.Unit) page.Table {
	t := page.Table{ID: "policies", Caption: page.T("report.policies"), Columns: []page.Column{
		{ID: "policy", Title: page.T("report.policy")},
		{ID: "surface", Title: page.T("decisions.surface")},
		{ID: "logged", Title: page.T("report.logged")},
		{ID: "sndr", Title: page.T("report.value"), Explain: "sndr"},
		{ID: "gain", Title: page.T("report.gain")},
		{ID: "snips", Title: page.Plain("SNIPS")},
		{ID: "dr", Title: page.Plain("DR")},
	}}
	for _, p := range policies {
		unit := page.Unit("")
		switch p.Metric {
		case "revenue", "margin":
			unit = money
		case "conversion", "click":
			unit = page.Percent
		}
		of := func(e bellwether.Estimate) any { return page.Measured{Estimate: e, Unit: unit} }
		t.Rows = append(t.Rows, page.Row{Cells: []any{
			page.Two{First: p.Policy, Second: page.T("report.worth", p.N, int64(p.ESS))},
			page.Two{First: string(p.Surface), Second: page.Capital(effectName(p.Metric))},
			of(p.Logged), of(p.SNDR), of(p.Gain), of(p.SNIPS), of(p.DR),
		}})
	}
	return t
}

func checkTable(checks []Check) page.Table {
	t := page.Table{ID: "checks", Caption: page.T("report.checks"), Columns: []page.Column{
		{ID: "check", Title: page.T("report.check")},
		{ID: "result", Title: page.T("report.result")},
		{ID: "measured", Title: page.T("report.measured")},
		{ID: "limit", Title: page.T("report.limit")},
	}}
	tones := map[string]string{"passed": "good", "error": "bad"}
	for _, c := range checks {
		tone := tones[c.Strength]
		if tone == "" {
			tone = "warning"
		}
		t.Rows = append(t.Rows, page.Row{Cells: []any{page.Capital(page.Say(c.Name)), page.Badge{Text: page.Named("check."+c.Strength, c.Strength), Tone: tone}, c.Measured, c.Limit}})
	}
	return t
}
