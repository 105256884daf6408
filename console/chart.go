package console

import (
	"fmt"
	"html/template"
	"math"
	"strconv"

	"bellwether"
)

var functions = template.FuncMap{
	"number":   number,
	"percent":  func(v float64) string { return strconv.FormatFloat(100*v, 'f', 1, 64) + " %" },
	"interval": interval,
	"metric":   metric,
	"figure":   func(rows map[string]bellwether.Estimate, name string) string { return figure(rows[name]) },
	"top":      top,
	"first":    first,
	"add":      func(a, b int) int { return a + b },
}

// number writes a value as short as a person reads it.
func number(v float64) string {
	switch a := math.Abs(v); {
	case a >= 1000:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case a >= 10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	case a >= 1:
		return strconv.FormatFloat(v, 'f', 2, 64)
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}

func interval(e bellwether.Estimate) string {
	if len(e.Interval) != 2 {
		return ""
	}
	return number(e.Interval[0]) + " … " + number(e.Interval[1])
}

func figure(e bellwether.Estimate) string {
	if e.Method == "" {
		return "–"
	}
	if len(e.Interval) != 2 {
		return fmt.Sprintf("%.4f", e.Value)
	}
	return fmt.Sprintf("%.4f (%.4f–%.4f)", e.Value, e.Interval[0], e.Interval[1])
}

// metric is the figure that chooses between the rows of an application.
func metric(application string) string {
	if application == "behaviour" {
		return "auc"
	}
	return "ndcg@10"
}

// choice is one drawn action of a decision.
type choice struct {
	Action            string
	Score, Propensity float64
}

// top returns the actions of d in order, at most n.
func top(d bellwether.Decision, n int) []choice {
	var out []choice
	for _, at := range d.Actions[:min(n, len(d.Actions))] {
		c := d.Candidates[at]
		out = append(out, choice{c.Action, c.Score, c.Propensity})
	}
	return out
}

// first returns the first n candidates of d.
func first(d bellwether.Decision, n int) []bellwether.Candidate {
	return d.Candidates[:min(n, len(d.Candidates))]
}

// chart is the quality of every row of the recommender by turn, as an SVG reads it.
type chart struct {
	Width, Height int
	Ticks         []tick
	Turns         []tick
	Lines         []line
}

type tick struct {
	At    float64
	Label string
}

type line struct {
	Name   string
	Class  string
	Points []point
	Label  float64 // y of the name at the right end
}

type point struct{ X, Y, Low, High float64 }

// Shape of the chart, in units of its view box.
const (
	chartWidth, chartHeight                         = 640, 300
	marginLeft, marginRight, marginTop, marginBelow = 44, 130, 12, 28
)

// chartRows are the rows that the chart shows, of those there are.
var chartRows = []string{"popularity", "item-knn", "blend", "transformer", "ensemble"}

func chartOf(turns []Turn) chart {
	c := chart{Width: chartWidth, Height: chartHeight}
	var learned []Application
	for _, t := range turns {
		for _, a := range t.Applications {
			if a.Name == "recommend" && len(a.Rows) > 0 {
				learned = append(learned, a)
				c.Turns = append(c.Turns, tick{Label: strconv.Itoa(t.Number)})
			}
		}
	}
	if len(learned) == 0 {
		return chart{}
	}
	highest := 0.0
	for _, a := range learned {
		for _, r := range a.Rows {
			highest = max(highest, upper(r.Test["ndcg@10"]))
		}
	}
	y := func(v float64) float64 {
		return marginTop + (1-v/highest)*(chartHeight-marginTop-marginBelow)
	}
	x := func(i int) float64 {
		return marginLeft + (float64(i)+0.5)*(chartWidth-marginLeft-marginRight)/float64(len(learned))
	}
	for i := range c.Turns {
		c.Turns[i].At = x(i)
	}
	for i := range 5 {
		v := highest * float64(i) / 4
		c.Ticks = append(c.Ticks, tick{At: y(v), Label: strconv.FormatFloat(v, 'f', 3, 64)})
	}
	for k, name := range chartRows {
		l := line{Name: name, Class: "line" + strconv.Itoa(k)}
		for i, a := range learned {
			for _, r := range a.Rows {
				if e := r.Test["ndcg@10"]; r.Name == name {
					shift := float64(k-2) * 5 // so that intervals do not cover each other
					l.Points = append(l.Points, point{x(i) + shift, y(e.Value), y(lower(e)), y(upper(e))})
				}
			}
		}
		if len(l.Points) > 0 {
			l.Label = l.Points[len(l.Points)-1].Y
			c.Lines = append(c.Lines, l)
		}
	}
	separate(c.Lines)
	return c
}

// separate moves names apart that would cover each other.
func separate(lines []line) {
	const apart = 15
	for range lines {
		for i := range lines {
			for j := range lines {
				if d := lines[j].Label - lines[i].Label; i != j && d >= 0 && d < apart && (d > 0 || j > i) {
					lines[j].Label += (apart - d) / 2
					lines[i].Label -= (apart - d) / 2
				}
			}
		}
	}
}

// Path joins the points of a line.
func (l line) Path() string {
	s := ""
	for i, p := range l.Points {
		s += map[bool]string{true: "M", false: "L"}[i == 0] + fmt.Sprintf("%.1f %.1f", p.X, p.Y)
	}
	return s
}

func lower(e bellwether.Estimate) float64 {
	if len(e.Interval) == 2 {
		return e.Interval[0]
	}
	return e.Value
}

func upper(e bellwether.Estimate) float64 {
	if len(e.Interval) == 2 {
		return e.Interval[1]
	}
	return e.Value
}
