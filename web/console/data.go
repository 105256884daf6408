package console

import (
	"context"
	"net/http"
	"net/url"

	"bellwether"
	"bellwether/web/page"
)

// dataView is what data.html.tmpl reads.
type dataView struct {
	Empty   *page.Empty
	Figures []page.Figure
	Chart   *page.Chart
	Types   page.Table
	Rules   page.Table
	Found   []foundRule
	Refused page.Table
	Replay  bool // there is something to read again
	Imports page.Table
	Undo    bool // there is an import to take back
}

// foundRule is a rule with what it found, for the examples.
type foundRule struct {
	Title    page.Text
	Examples page.Table
}

func (p pages) data(ctx context.Context, _ *http.Request) (any, error) {
	in, err := p.source.Data(ctx)
	if err != nil {
		return nil, err
	}
	out := dataView{Refused: refusedTable("refused", in.Refused), Replay: in.RefusedTotal > 0, Imports: importTable(in.Imports)}
	for _, i := range in.Imports {
		out.Undo = out.Undo || i.Undone.IsZero()
	}
	if in.Events == 0 {
		out.Empty = nothingYet(in.Waiting)
	} else {
		out.Figures = dataFigures(in)
		out.Types, out.Rules = typeTable(in.Types), ruleTable(in.Rules)
		out.Found = found(in.Rules)
	}
	if len(in.Days) > 1 {
		out.Chart = dayChart(in.Days)
	}
	if more := in.RefusedTotal - int64(len(in.Refused)); more > 0 {
		out.Refused.Caption = page.T("data.refused.newest", len(in.Refused), in.RefusedTotal)
	}
	return out, nil
}

func dataFigures(in Data) []page.Figure {
	counted := func(n int64) bellwether.Estimate { return bellwether.Estimate{Value: float64(n), Method: "count"} }
	refused := page.Figure{Label: page.T("data.refused.count"), Estimate: counted(in.RefusedTotal), Href: "#refused", Count: true, Note: page.T("data.refused.none")}
	if in.RefusedTotal > 0 {
		refused.Note, refused.Tone = page.T("data.refused.kept"), "warning"
	}
	return []page.Figure{
		{Label: page.T("data.events"), Estimate: counted(in.Events), Count: true, Note: page.T("data.range", page.Day(in.First), in.Last)},
		{Label: page.T("data.people"), Estimate: counted(in.People), Count: true},
		refused,
	}
}

func dayChart(days []DayCount) *page.Chart {
	c := &page.Chart{ID: "days", Kind: page.Bars, Title: page.T("data.days"), Axis: page.T("data.day")}
	s := page.Series{Name: page.T("data.events")}
	for _, d := range days {
		c.Labels = append(c.Labels, page.Day(d.Day))
		s.Points = append(s.Points, page.Counted(float64(d.Events))...)
	}
	c.Series = []page.Series{s}
	return c
}

func typeTable(types []TypeCount) page.Table {
	t := page.Table{ID: "types", Caption: page.T("data.types"), Sort: "-events", Columns: []page.Column{
		{ID: "type", Title: page.T("data.type")}, {ID: "events", Title: page.T("data.events")}, {ID: "last", Title: page.T("data.last")},
	}}
	for _, x := range types {
		t.Rows = append(t.Rows, page.Row{Cells: []any{page.Two{First: page.Named("event."+x.Type, x.Type), Second: x.Type}, x.Events, x.Last}})
	}
	return t
}

// ruleTable lists the rules that found something, with their reasons.
func ruleTable(rules []Rule) page.Table {
	t := page.Table{ID: "rules", Caption: page.T("data.rules"), Empty: page.T("data.rules.none"), Columns: []page.Column{
		{ID: "rule", Title: page.T("data.rule")},
		{ID: "found", Title: page.T("data.found")},
		{ID: "changed", Title: page.T("data.changed")},
		{ID: "dropped", Title: page.T("data.dropped")},
	}}
	for _, r := range rules {
		if r.Seen > 0 {
			t.Rows = append(t.Rows, page.Row{Cells: []any{page.Two{First: ruleName(r.Name), Second: page.Say(r.Why)}, r.Seen, r.Changed, r.Dropped}})
		}
	}
	return t
}

func ruleName(name string) page.Text { return page.Named("rule."+name, name) }

func found(rules []Rule) (out []foundRule) {
	for _, r := range rules {
		if len(r.Examples) == 0 {
			continue
		}
		t := page.Table{Fixed: true, Columns: []page.Column{{Title: page.T("data.event")}, {Title: page.T("data.before")}, {Title: page.T("data.after")}}}
		for _, x := range r.Examples {
			var after any = page.T("data.unchanged")
			switch {
			case x.After != "":
				after = page.Code(x.After)
			case r.Dropped > 0:
				after = page.T("data.leftout")
			}
			t.Rows = append(t.Rows, page.Row{Cells: []any{page.Code(x.ID), page.Code(x.Before), after}})
		}
		out = append(out, foundRule{ruleName(r.Name), t})
	}
	return out
}

func refusedTable(id string, rows []Refused) page.Table {
	t := page.Table{ID: id, Caption: page.T("data.refused"), Size: 20, Empty: page.T("data.refused.none"), Columns: []page.Column{
		{ID: "time", Title: page.T("data.time")},
		{ID: "source", Title: page.T("data.source")},
		{ID: "reason", Title: page.T("data.reason")},
		{ID: "message", Title: page.T("data.message")},
	}}
	for _, r := range rows {
		from := r.Source
		if r.Line > 0 {
			from += ":" + itoa(int(r.Line))
		}
		t.Rows = append(t.Rows, page.Row{Cells: []any{r.Time, from, page.Say(r.Reason), page.Code(r.Text)}})
	}
	return t
}

func importTable(rows []Import) page.Table {
	t := page.Table{ID: "imports", Caption: page.T("data.imports"), Empty: page.T("data.imports.none"), Size: 20, Columns: []page.Column{
		{ID: "file", Title: page.T("data.file")},
		{ID: "time", Title: page.T("data.time")},
		{ID: "read", Title: page.T("data.read")},
		{ID: "kept", Title: page.T("data.kept")},
		{ID: "repeated", Title: page.T("data.repeated")},
		{ID: "refused", Title: page.T("data.aside")},
		{ID: "state", Title: page.T("data.state")},
	}}
	for _, i := range rows {
		state := page.Badge{Text: page.T("data.holds"), Tone: "good"}
		if !i.Undone.IsZero() {
			state = page.Badge{Text: page.T("data.undone"), Tone: "quiet"}
		}
		t.Rows = append(t.Rows, page.Row{Cells: []any{page.Two{First: i.File, Second: i.Format + " · " + i.ID}, i.Time, i.Read, i.Kept, i.Repeated, i.Refused, state}})
	}
	return t
}

// undo takes an import back, after showing what goes.
func (p pages) undo() page.Action {
	find := func(ctx context.Context, id string) (Import, error) {
		in, err := p.source.Data(ctx)
		for _, i := range in.Imports {
			if i.ID == id {
				return i, err
			}
		}
		return Import{}, err
	}
	return page.Action{
		Name: "undo", Role: Operator, Title: page.T("data.undo.title"), Button: page.T("data.undo.button"),
		Fields: []page.Field{{Name: "id", Label: page.T("data.undo.id"), Help: page.T("data.undo.help")}},
		Preview: func(ctx context.Context, v url.Values) (page.Preview, error) {
			i, err := find(ctx, v.Get("id"))
			if err != nil {
				return page.Preview{}, err
			}
			if i.ID == "" || !i.Undone.IsZero() {
				return page.Preview{Summary: page.T("data.undo.none"), Nothing: true}, nil
			}
			return page.Preview{Summary: page.T("data.undo.would", i.File, i.Kept)}, nil
		},
		Do: func(ctx context.Context, v url.Values) (page.Text, error) {
			i, err := p.source.UndoImport(ctx, v.Get("id"))
			return page.T("data.undo.done", i.File, i.Kept), err
		},
	}
}

// replay reads kept-aside messages again, after showing how many would then be accepted.
func (p pages) replay() page.Action {
	return page.Action{
		Name: "replay", Role: Operator, Title: page.T("data.replay.title"), Button: page.T("data.replay.button"),
		Fields: []page.Field{{Name: "source", Label: page.T("data.replay.source"), Help: page.T("data.replay.help")}},
		Preview: func(ctx context.Context, v url.Values) (page.Preview, error) {
			r, err := p.source.Replay(ctx, v.Get("source"), true)
			if err != nil {
				return page.Preview{}, err
			}
			out := page.Preview{Summary: page.T("data.replay.would", r.Accepted, r.Tried), Nothing: r.Accepted == 0}
			if len(r.Still) > 0 {
				t := refusedTable("still", r.Still)
				t.Fixed, t.Caption = true, page.T("data.replay.still")
				out.Table = &t
			}
			return out, nil
		},
		Do: func(ctx context.Context, v url.Values) (page.Text, error) {
			r, err := p.source.Replay(ctx, v.Get("source"), false)
			return page.T("data.replay.done", r.Accepted, r.Tried), err
		},
	}
}
