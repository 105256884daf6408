package console

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"bellwether"
	"bellwether/web/page"
)

// decisionsView is what decisions.html.tmpl reads.
type decisionsView struct {
	Search   page.Search
	Surfaces []surfaceLink
	Rows     page.Table
	Pages    page.Pagination
	Empty    *page.Empty
	First    bool // the newest are shown, so the list renews itself
}

type surfaceLink struct {
	Name    bellwether.Surface // "": all
	Current bool
}

func (p pages) decisions(ctx context.Context, r *http.Request) (any, error) {
	q := r.URL.Query()
	asked := Query{Text: strings.TrimSpace(q.Get("q")), Surface: bellwether.Surface(q.Get("surface")), Page: 1}
	if n, err := strconv.Atoi(q.Get("page")); err == nil && n > 1 {
		asked.Page = n
	}
	in, err := p.source.Decisions(ctx, asked)
	if err != nil {
		return nil, err
	}
	out := decisionsView{
		Search: page.Search{Label: page.T("decisions.search"), Example: page.T("decisions.example"), Part: "list"},
		Rows:   decisionTable("decisions", in.Rows), Pages: page.Pagination{Name: "page", Page: asked.Page, Pages: in.Pages},
		First: asked.Page == 1,
	}
	out.Rows.Empty = page.T("decisions.nothing")
	for _, s := range append([]bellwether.Surface{""}, in.Surfaces...) {
		out.Surfaces = append(out.Surfaces, surfaceLink{s, s == asked.Surface})
	}
	if len(in.Rows) == 0 && asked == (Query{Page: 1}) {
		out.Empty = &page.Empty{Title: page.T("decisions.empty.title"), Missing: page.T("decisions.empty.missing"), Command: in.Command}
	}
	return out, nil
}

// decisionTable lists decisions: who, where, what was shown first and with which chance.
func decisionTable(id string, rows []Decision) page.Table {
	t := page.Table{ID: id, Columns: []page.Column{
		{ID: "time", Title: page.T("decisions.time")},
		{ID: "person", Title: page.T("decisions.person")},
		{ID: "surface", Title: page.T("decisions.surface")},
		{ID: "shown", Title: page.T("decisions.shown")},
		{ID: "chance", Title: page.T("decisions.chance"), Explain: "propensity"},
		{ID: "candidates", Title: page.T("decisions.candidates"), Minor: true},
	}}
	for _, d := range rows {
		who := page.List{string(d.Subject)}
		if d.Holdout {
			who = append(who, page.Badge{Text: page.T("decisions.holdout"), Tone: "quiet"})
		}
		t.Rows = append(t.Rows, page.Row{Cells: []any{
			page.Link{Address: "/decisions/" + url.PathEscape(string(d.ID)), Of: d.Time}, who, string(d.Surface), d.firsts(3), chance(d.first()), len(d.Candidates),
		}})
	}
	return t
}

// title is what people call an action.
func (d Decision) title(action string) string {
	if t := d.Titles[action]; t != "" {
		return t
	}
	return action
}

// firsts are the titles of the first n that were shown.
func (d Decision) firsts(n int) any {
	var out []string
	for _, a := range d.Actions[:min(n, len(d.Actions))] {
		out = append(out, d.title(d.Candidates[a].Action))
	}
	text := strings.Join(out, ", ")
	if more := len(d.Actions) - n; more > 0 {
		return page.Two{First: text, Second: page.T("decisions.more", more)}
	}
	return text
}

// first is the propensity of what was shown first.
func (d Decision) first() float64 {
	if len(d.Actions) == 0 {
		return d.Propensity
	}
	return d.Candidates[d.Actions[0]].Propensity
}

// chance is a probability as people read it.
func chance(p float64) any {
	if p > 0 && p < 1e-5 {
		return page.Text{Words: "< 0.001%"}
	}
	return page.Share(p)
}

// oneDecision is what decision.html.tmpl reads.
type oneDecision struct {
	Decision   Decision
	Facts      []page.Definition
	Shown      page.Table
	Chart      page.Chart
	Candidates page.Table
	Followed   []page.Definition
	Pending    bool // windows are still open
	Details    []page.Definition
}

// PageTitle names the decision by its person and surface.
func (d oneDecision) PageTitle() page.Text {
	return page.T("decision.of", string(d.Decision.Subject), string(d.Decision.Surface))
}

func decisionView(d Decision) oneDecision {
	out := oneDecision{Decision: d, Shown: shownTable(d), Candidates: candidateTable(d), Chart: candidateChart(d)}
	arm := page.Badge{Text: page.T("decision.treated"), Tone: "good"}
	if d.Holdout {
		arm = page.Badge{Text: page.T("decision.holdout"), Tone: "quiet"}
	}
	out.Facts = []page.Definition{
		{Name: page.T("decisions.time"), Value: d.Time},
		{Name: page.T("decisions.person"), Value: string(d.Subject)},
		{Name: page.T("decisions.surface"), Value: string(d.Surface)},
		{Name: page.T("decision.arm"), Value: arm},
		{Name: page.T("decision.model"), Value: string(d.Model)},
		{Name: page.T("decision.explored"), Value: explored(d)},
	}
	for _, f := range d.Filters {
		name, n, _ := strings.Cut(f, ":")
		if count, err := strconv.Atoi(n); err == nil {
			out.Facts = append(out.Facts, page.Definition{Name: page.T("decision.left", page.Named("filter."+name, name)), Value: count})
		}
	}
	out.Details = details(d)
	if o := d.Outcome; o != nil {
		out.Pending = !o.Matured
		for _, metric := range slices.Sorted(maps.Keys(o.Rewards)) {
			var value any = o.Rewards[metric]
			if metric == "revenue" || metric == "margin" {
				value = page.Amount{Value: o.Rewards[metric], Unit: page.Money(d.Value)}
			}
			out.Followed = append(out.Followed, page.Definition{Name: page.Named("effect."+metric, metric), Value: value})
		}
	}
	return out
}

func explored(d Decision) any {
	if !d.Evaluable {
		return page.T("decision.deterministic")
	}
	return page.T("decision.floor", page.Share(d.Floor))
}

// details are what an auditor reads.
func details(d Decision) []page.Definition {
	out := []page.Definition{
		{Name: page.T("decision.id"), Value: page.Code(d.ID)},
		{Name: page.T("decision.policy"), Value: page.Code(d.Policy)},
		{Name: page.T("decision.propensity"), Value: page.Code(fmt.Sprintf("%.6g", d.Propensity))},
		{Name: page.T("decision.seed"), Value: page.Code(strconv.FormatUint(d.Seed, 10))},
	}
	if d.Snapshot != "" {
		out = append(out, page.Definition{Name: page.T("decision.snapshot"), Value: page.Code(d.Snapshot)})
	}
	for _, name := range slices.Sorted(maps.Keys(d.Arms)) {
		out = append(out, page.Definition{Name: page.T("decision.experiment", name), Value: d.Arms[name]})
	}
	var consent []string
	for _, c := range d.Consent {
		consent = append(consent, string(c))
	}
	if len(consent) > 0 {
		out = append(out, page.Definition{Name: page.T("decision.consent"), Value: strings.Join(consent, ", ")})
	}
	return out
}

func shownTable(d Decision) page.Table {
	t := page.Table{ID: "shown", Fixed: true, Narrow: true, Columns: []page.Column{
		{Title: page.T("decision.place")}, {Title: page.T("decision.item")}, {Title: page.T("decisions.chance"), Explain: "propensity"},
	}}
	for i, a := range d.Actions {
		c := d.Candidates[a]
		t.Rows = append(t.Rows, page.Row{Cells: []any{i + 1, named(d, c.Action), chance(c.Propensity)}})
	}
	t.Columns[0].Left = true
	return t
}

// named is an action's title with its id below, where they differ.
func named(d Decision, action string) any {
	if t := d.title(action); t != action {
		return page.Two{First: t, Second: action}
	}
	return action
}

func candidateTable(d Decision) page.Table {
	t := page.Table{ID: "candidates", Caption: page.T("decision.candidates", len(d.Candidates)), Sort: "-chance", Size: 25, Columns: []page.Column{
		{ID: "item", Title: page.T("decision.item")},
		{ID: "score", Title: page.T("decision.score"), Explain: "score"},
		{ID: "chance", Title: page.T("decisions.chance"), Explain: "propensity"},
		{ID: "place", Title: page.T("decision.place")},
	}}
	place := map[int]int{}
	for i, a := range d.Actions {
		place[a] = i + 1
	}
	for i, c := range d.Candidates {
		r := page.Row{Cells: []any{named(d, c.Action), c.Score, chance(c.Propensity), nil}}
		if place[i] > 0 {
			r.Cells[3], r.Mark = place[i], true
		} else {
			r.Cells[3] = page.T("decision.notshown")
		}
		t.Rows = append(t.Rows, r)
	}
	return t
}

// chartCandidates is how many candidates the chart of a decision shows.
const chartCandidates = 12

func candidateChart(d Decision) page.Chart {
	c := page.Chart{ID: "chances", Kind: page.Ranks, Unit: page.Percent, Title: page.T("decision.chart"), Axis: page.T("decision.item")}
	order := make([]int, len(d.Candidates))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(d.Candidates[b].Propensity, d.Candidates[a].Propensity) })
	s := page.Series{Name: page.T("decisions.chance")}
	for _, i := range order[:min(chartCandidates, len(order))] {
		c.Labels = append(c.Labels, d.title(d.Candidates[i].Action))
		s.Points = append(s.Points, page.Counted(d.Candidates[i].Propensity)...)
	}
	c.Series = []page.Series{s}
	return c
}

func itoa(n int) string { return strconv.Itoa(n) }

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
