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
	Why     string
	Chart   *page.Chart
	Turns   []turnView // newest first
	Empty   *page.Empty
}

type turnView struct {
	Number int
	Latest bool
	Head   page.Text
	Badge  page.Badge
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
	v.Why = t.Turns[len(t.Turns)-1].Reason
	for _, turn := range t.Turns {
		if turn.Promoted && turn.Version == t.Serving.Version {
			v.Why = turn.Reason
		}
	}
	v.Chart = turnChart(t)
	for i, turn := range slices.Backward(t.Turns) {
		v.Turns = append(v.Turns, viewTurn(t, turn, i == len(t.Turns)-1))
	}
	return v
}

func viewTurn(t Task, turn Turn, latest bool) turnView {
	v := turnView{
		Number: turn.Number, Latest: latest, Head: page.T("models.turn", turn.Number), Reason: turn.Reason,
		Badge: page.Badge{Text: page.T("models.kept"), Tone: "quiet"},
		Facts: []page.Definition{
			{Name: page.T("models.asof"), Value: turn.AsOf}, {Name: page.T("models.events"), Value: turn.Events},
			{Name: page.T("models.decisions"), Value: turn.Decisions}, {Name: page.T("models.took"), Value: turn.Took},
		},
		Rows: page.Table{
			ID: t.Name + "-" + itoa(turn.Number), Caption: page.T("models.rows"), Sort: "-test",
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
