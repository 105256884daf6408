package console

import (
	"context"
	"net/http"
	"slices"

	"bellwether"
	"bellwether/web/page"
)

// modelsView is what models.html.tmpl reads.
type modelsView struct {
	Tasks []taskView
	Empty *page.Empty
}

// taskView is one task: which model serves and why, the chart over turns, and each turn.
type taskView struct {
	Name    string
	Title   page.Text
	Serving []page.Definition
	Why     page.Text // in words for everybody
	Reason  string    // as the turn gave it
	Chart   *page.Chart
	Turns   []turnView // newest first
	Empty   *page.Empty
}

type turnView struct {
	Number int
	Latest bool
	Head   page.Text
	Badge  page.Badge
	Why    page.Text
	Reason string
	Facts  []page.Definition
	Rows   page.Table
}

func (p pages) models(ctx context.Context, _ *http.Request) (any, error) {
	in, err := p.source.Models(ctx)
	if err != nil {
		return nil, err
	}
	var out modelsView
	for _, t := range in.Tasks {
		out.Tasks = append(out.Tasks, viewTask(t))
	}
	if len(in.Tasks) == 0 {
		out.Empty = noTurns()
	}
	return out, nil
}

func noTurns() *page.Empty {
	return &page.Empty{Title: page.T("models.empty.title"), Missing: page.T("models.empty.missing"), Command: "bellwether turn"}
}

func viewTask(t Task) taskView {
	v := taskView{Name: t.Name, Title: taskName(t.Name)}
	v.Serving = []page.Definition{{Name: page.T("models.serves"), Value: serving(t.Serving)}, {Name: page.T("models.since"), Value: t.Serving.Since}}
	if len(t.Turns) == 0 {
		v.Empty = noTurns()
		return v
	}
	decided := t.Turns[len(t.Turns)-1]
	for _, turn := range t.Turns {
		if turn.Promoted && turn.Version == t.Serving.Version {
			decided = turn
		}
	}
	v.Why, v.Reason = because(t, decided), decided.Reason
	v.Chart = turnChart(t)
	for i, turn := range slices.Backward(t.Turns) {
		v.Turns = append(v.Turns, viewTurn(t, turn, i == len(t.Turns)-1))
	}
	return v
}

// because says in words why a turn chose the row that it did.
func because(t Task, turn Turn) page.Text {
	of := func(r bellwether.CardRow) page.Measured { return page.Measured{Estimate: r.Validation[t.Metric]} }
	chosen := slices.IndexFunc(turn.Rows, func(r bellwether.CardRow) bool { return r.Name == turn.Chosen })
	if chosen < 0 {
		return page.Text{}
	}
	rule := -1
	for i, r := range turn.Rows {
		if r.Baseline && i != chosen && (rule < 0 || (of(r).Value > of(turn.Rows[rule]).Value) != t.Lower) {
			rule = i
		}
	}
	won := turn.Rows[chosen]
	if rule < 0 {
		return page.T("models.because", modelName(won.Name), of(won))
	}
	return page.T("models.because.rule", modelName(won.Name), of(won), modelName(turn.Rows[rule].Name), of(turn.Rows[rule]))
}

func viewTurn(t Task, turn Turn, latest bool) turnView {
	v := turnView{
		Number: turn.Number, Latest: latest, Head: page.T("models.turn", turn.Number), Why: because(t, turn), Reason: turn.Reason,
		Badge: page.Badge{Text: page.T("models.kept"), Tone: "quiet"},
		Facts: []page.Definition{
			{Name: page.T("models.asof"), Value: turn.AsOf},
			{Name: page.T("models.events"), Value: turn.Events},
			{Name: page.T("models.decisions"), Value: turn.Decisions},
			{Name: page.T("models.took"), Value: turn.Took},
		},
		Rows: page.Table{
			ID: t.Name + "-" + itoa(turn.Number), Caption: page.T("models.rows"), Sort: map[bool]string{true: "test", false: "-test"}[t.Lower],
			Columns: []page.Column{
				{ID: "model", Title: page.T("models.model")},
				{ID: "validation", Title: page.T("models.validation"), Explain: "validation"},
				{ID: "test", Title: page.T("models.test"), Explain: "test"},
				{ID: "seconds", Title: page.T("models.fit")},
			},
		},
	}
	if turn.Promoted {
		v.Badge = page.Badge{Text: page.T("models.promoted"), Tone: "good"}
	}
	for _, r := range turn.Rows {
		v.Rows.Rows = append(v.Rows.Rows, page.Row{Mark: r.Name == turn.Chosen, Cells: []any{
			rowName(r, r.Name == turn.Chosen), page.Measured{Estimate: r.Validation[t.Metric]}, page.Measured{Estimate: r.Test[t.Metric]}, seconds(r.FitSeconds),
		}})
	}
	return v
}

// rowName is a row's name for people with its technical name, and what it stands there as.
func rowName(r bellwether.CardRow, chosen bool) any {
	name := page.List{modelName(r.Name)}
	if chosen {
		name = append(name, page.Badge{Text: page.T("models.chosen"), Tone: "good"})
	}
	if r.Baseline {
		name = append(name, page.Badge{Text: page.T("models.baseline"), Tone: "quiet"})
	}
	return page.Two{First: name, Second: r.Name}
}

// turnChart is the test figure of each row over the turns; simple rows are drawn softly.
func turnChart(t Task) *page.Chart {
	c := &page.Chart{
		ID: "chart-" + t.Name, Kind: page.Lines, Axis: page.T("models.axis"),
		Title: page.Named("metric."+t.Metric, t.Metric), Note: page.T("models.chart"),
	}
	if t.Lower {
		c.Note = page.T("models.chart.lower")
	}
	at := map[string]int{}
	for i, turn := range t.Turns {
		c.Labels = append(c.Labels, turn.Number)
		for _, r := range turn.Rows {
			k, there := at[r.Name]
			if !there {
				k = len(c.Series)
				at[r.Name] = k
				c.Series = append(c.Series, page.Series{Name: modelName(r.Name), Quiet: r.Baseline, Points: make([]bellwether.Estimate, len(t.Turns))})
			}
			c.Series[k].Points[i] = r.Test[t.Metric]
		}
	}
	return c
}
