package measure

import (
	_ "embed"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"math"
	"strconv"

	"bellwether"
)

// WriteJSON writes the report as one document (docs/formats/report.md).
func (r *Report) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

// csvHeader names the columns of WriteCSV.
var csvHeader = []string{"section", "surface", "name", "figure", "value", "low", "high", "level", "n", "method", "withheld"}

// WriteCSV writes every estimate of the report as one row.
func (r *Report) WriteCSV(w io.Writer) error {
	c := csv.NewWriter(w)
	_ = c.Write(csvHeader) // Flush reports its error
	row := func(section string, surface bellwether.Surface, name, figure string, e bellwether.Estimate) {
		low, high := "", ""
		if len(e.Interval) == 2 {
			low, high = number(e.Interval[0]), number(e.Interval[1])
		}
		_ = c.Write([]string{section, string(surface), name, figure, number(e.Value), low, high, number(e.Level), strconv.FormatInt(e.N, 10), e.Method, e.Withheld})
	}
	effect := func(section string, surface bellwether.Surface, e Effect) {
		row(section, surface, e.Metric, "treated", e.Treated)
		row(section, surface, e.Metric, "holdout", e.Holdout)
		row(section, surface, e.Metric, "absolute", e.Absolute)
		row(section, surface, e.Metric, "relative", e.Relative)
		if e.Adjusted != nil {
			row(section, surface, e.Metric, "absolute, adjusted", e.Adjusted.Absolute)
			row(section, surface, e.Metric, "relative, adjusted", e.Adjusted.Relative)
		}
	}
	for _, x := range []struct {
		figure string
		e      bellwether.Estimate
	}{{"total", r.Earned.Total}, {"person", r.Earned.Person}, {"relative", r.Earned.Relative}, {"anytime", r.Earned.Anytime}} {
		row("earned", "", r.Earned.Metric, x.figure, x.e)
	}
	for _, e := range r.Effects {
		effect("effect", "", e)
	}
	for _, s := range r.Surfaces {
		for _, e := range s.Effects {
			effect("surface", s.Surface, e)
		}
	}
	row("survey", "", "satisfaction", "mean", r.Survey.Mean)
	row("survey", "", "satisfaction", "csat", r.Survey.CSAT)
	row("survey", "", "satisfaction", "nps", r.Survey.NPS)
	row("survey", "", "satisfaction", "response", r.Survey.Response)
	row("cost", "", "roi", "roi", r.Cost.ROI)
	for i := range r.Policies {
		for m, e := range r.Policies[i].fields() {
			row("policy", r.Policies[i].Surface, r.Policies[i].Policy, methods[m], *e)
		}
	}
	c.Flush()
	return c.Error()
}

func number(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

//go:embed report.html.tmpl
var page string

var pageTemplate = template.Must(template.New("report").Funcs(template.FuncMap{
	"number": shown, "percent": percent, "level": level, "interval": interval, "share": shareInterval, "chart": chartOf,
}).Parse(page))

// WriteHTML writes the report as one page that needs nothing else: no script, no outside address.
func (r *Report) WriteHTML(w io.Writer) error { return pageTemplate.Execute(w, r) }

// shown prints a number for people: about four digits.
func shown(v float64) string {
	switch a := math.Abs(v); {
	case a >= 1000:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case a >= 1 || a == 0:
		return strconv.FormatFloat(v, 'f', 2, 64)
	default:
		return strconv.FormatFloat(v, 'g', 3, 64)
	}
}

func percent(v float64) string { return strconv.FormatFloat(100*v, 'f', 1, 64) + " %" }

// level prints a confidence level.
func level(v float64) string { return strconv.FormatFloat(100*v, 'g', 4, 64) + " %" }

// interval prints "low … high", or why there is none.
func interval(e bellwether.Estimate) string { return rangeOf(e, shown) }

// shareInterval is interval in per cent.
func shareInterval(e bellwether.Estimate) string { return rangeOf(e, percent) }

func rangeOf(e bellwether.Estimate, print func(float64) string) string {
	if len(e.Interval) != 2 {
		if e.Withheld != "" {
			return e.Withheld
		}
		return "a point estimate"
	}
	return fmt.Sprintf("%s … %s", print(e.Interval[0]), print(e.Interval[1]))
}

// chart is the relative effects as dots on lines, in the units of its viewBox.
type chart struct {
	Height, Zero float64
	Rows         []chartRow
}

type chartRow struct {
	Name, Label             string
	Y, Text, From, To, Mark float64
}

// Chart geometry: a viewBox 360 wide, so that text stays readable at phone width.
const (
	chartLeft, chartRight = 12.0, 348.0
	chartStep             = 44.0
	chartLimit            = 2.0 // effects beyond ± 200 % are cut at the edge
)

func chartOf(effects []Effect) chart {
	low, high := -0.05, 0.05
	var shownEffects []Effect
	for _, e := range effects {
		if len(e.Relative.Interval) == 2 {
			shownEffects = append(shownEffects, e)
			low = max(min(low, e.Relative.Interval[0]), -chartLimit)
			high = min(max(high, e.Relative.Interval[1]), chartLimit)
		}
	}
	x := func(v float64) float64 {
		return chartLeft + (chartRight-chartLeft)*(min(max(v, low), high)-low)/(high-low)
	}
	c := chart{Zero: x(0), Height: chartStep*float64(len(shownEffects)) + 28}
	for i, e := range shownEffects {
		y := chartStep*float64(i) + 30
		c.Rows = append(c.Rows, chartRow{
			Name: e.Metric, Label: fmt.Sprintf("%s (%s)", percent(e.Relative.Value), shareInterval(e.Relative)),
			Y: y, Text: y - 12, From: x(e.Relative.Interval[0]), To: x(e.Relative.Interval[1]), Mark: x(e.Relative.Value),
		})
	}
	return c
}
