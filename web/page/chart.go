package page

import (
	"encoding/json"
	"html/template"

	"bellwether"
)

// Kind is what a chart draws.
type Kind string

// The charts that there are.
const (
	Lines     Kind = "line"     // points joined along the labels, each with its interval
	Bars      Kind = "bar"      // a bar a label and series
	Ranks     Kind = "rank"     // lying bars, a row a label: for labels that are names
	Intervals Kind = "interval" // a row a label: the estimate as a point, its interval as a line, beside zero
)

// Chart is a drawing with the table of the same figures beside it. Without JavaScript the table is what is seen.
type Chart struct {
	ID     string // unique on the page, of letters, digits and "-"
	Title  Text
	Kind   Kind
	Unit   Unit
	Axis   Text  // what the labels are: "turn"
	Labels []any // values, in order
	Series []Series
	Note   Text // how to read it
}

// Series is one line, or the bars of one colour.
type Series struct {
	Name   Text
	Points []bellwether.Estimate // one a label; without a method there is no point
	Quiet  bool                  // drawn softly: something to compare with
}

// Counted makes points of plain numbers, which have no interval.
func Counted(values ...float64) []bellwether.Estimate {
	out := make([]bellwether.Estimate, len(values))
	for i, v := range values {
		out[i] = bellwether.Estimate{Value: v, Method: "count"}
	}
	return out
}

// chart is what the template reads.
type chart struct {
	Chart
	Spec  string // JSON for console.js
	Table Table
	Any   bool
}

// drawing is what console.js reads.
type drawing struct {
	Kind   Kind       `json:"kind"`
	Unit   Unit       `json:"unit"`
	Axis   string     `json:"axis"`
	Title  string     `json:"title"`
	Labels []string   `json:"labels"`
	Series []drawnRow `json:"series"`
}

type drawnRow struct {
	Name   string     `json:"name"`
	Quiet  bool       `json:"quiet,omitempty"`
	Points []*drawnAt `json:"points"` // null: no data
}

type drawnAt struct {
	Value float64  `json:"v"`
	Low   *float64 `json:"l,omitempty"`
	High  *float64 `json:"h,omitempty"`
	Text  string   `json:"t"` // value and interval in words
}

// Chart shows a chart and its table.
func (v *View) Chart(c Chart) (template.HTML, error) {
	in := chart{Chart: c, Table: c.table()}
	d := drawing{Kind: c.Kind, Unit: c.Unit, Axis: v.Say(c.Axis), Title: v.Say(c.Title), Labels: []string{}}
	for _, l := range c.Labels {
		d.Labels = append(d.Labels, v.words(l))
	}
	for _, s := range c.Series {
		row := drawnRow{Name: v.Say(s.Name), Quiet: s.Quiet, Points: make([]*drawnAt, len(c.Labels))}
		for i := range min(len(s.Points), len(c.Labels)) {
			e := s.Points[i]
			if !known(e) {
				continue
			}
			row.Points[i] = &drawnAt{Value: e.Value, Text: v.words(Measured{e, c.Unit})}
			if len(e.Interval) == 2 {
				row.Points[i].Low, row.Points[i].High = &e.Interval[0], &e.Interval[1]
			}
			in.Any = true
		}
		d.Series = append(d.Series, row)
	}
	spec, err := json.Marshal(d)
	if err != nil {
		return "", err
	}
	in.Spec = string(spec)
	if v.csv != nil {
		return v.Table(in.Table)
	}
	return v.component("chart", in)
}

// colours is how many colours the style sheet has for series.
const colours = 6

// Colour is the number of the colour of the i-th series, from 1.
func (v *View) Colour(i int) int { return i%colours + 1 }

// table has a row a label and a column a series.
func (c Chart) table() Table {
	t := Table{ID: c.ID, Columns: []Column{{ID: "label", Title: c.Axis, Left: true}}}
	for i, s := range c.Series {
		id := s.Name.Words
		if id == "" {
			id = "series" + string(rune('a'+i%26))
		}
		t.Columns = append(t.Columns, Column{ID: id, Title: s.Name})
	}
	for i, l := range c.Labels {
		r := Row{Cells: []any{l}}
		for _, s := range c.Series {
			var e bellwether.Estimate
			if i < len(s.Points) {
				e = s.Points[i]
			}
			r.Cells = append(r.Cells, Measured{e, c.Unit})
		}
		t.Rows = append(t.Rows, r)
	}
	return t
}
