package page

import (
	"errors"
	"flag"
	"html/template"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"bellwether"
)

var update = flag.Bool("update", false, "write the golden files of the components")

var noon = time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)

// sampleTexts are the texts of the tests' module.
var sampleTexts = fstest.MapFS{
	"en.json": {Data: []byte(`{"t": {"title": "Things", "above": "All", "label": "Margin", "n": "{0} {0|person|people}", "axis": "Turn"}, "glossary": {"holdout.word": "holdout", "holdout.text": "People who get nothing."}}`)},
	"zh.json": {Data: []byte(`{"t": {"title": "东西", "above": "全部", "label": "毛利", "n": "{0} 人", "axis": "轮次"}, "glossary": {"holdout.word": "对照组", "holdout.text": "什么都不接受的人。"}, "phrases": {"nobody is in the holdout yet": "对照组里还没有人", "{0} positives, fewer than {1}": "{0} 个正例，少于 {1}"}}`)},
}

func sampleModule() Module {
	return Module{
		Name: "things", Texts: sampleTexts,
		Templates: fstest.MapFS{
			"things.html.tmpl": {Data: []byte(`{{$.Live "list" 2}}{{$.Form "mend"}}{{define "list"}}{{$.Table .Data}}{{end}}`)},
			"thing.html.tmpl":  {Data: []byte(`<p>{{.Data}}</p>`)},
		},
		Pages: []Page{
			{Path: "/things", Group: "g", Title: "t.title", Template: "things.html.tmpl", Parts: []string{"list"}, Data: things, Actions: []Action{mend()}},
			{Path: "/things/{id}", Title: "t.title", Parent: "/things", Template: "thing.html.tmpl", Data: thing},
			{Path: "/secret", Role: "admin", Group: "g", Title: "t.above", Template: "thing.html.tmpl"},
		},
	}
}

func sampleFrame(t *testing.T, o Options) *Frame {
	t.Helper()
	o.Clock, o.Groups = func() time.Time { return noon }, []Group{{ID: "g"}}
	f, err := New(o, sampleModule())
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func sampleView(t *testing.T, lang, address string) *View {
	t.Helper()
	f := sampleFrame(t, Options{Project: func(*http.Request) string { return "shop" }})
	p := f.pages[0]
	return &View{Lang: lang, Page: p.Page, Request: httptest.NewRequest(http.MethodGet, address, nil), Now: noon, frame: f, tmpl: p.tmpl, Data: sampleTable()}
}

func sampleTable() Table {
	e := func(v float64) Measured {
		return Measured{bellwether.Estimate{Value: v, Interval: []float64{v - .01, v + .01}, Method: "bootstrap"}, ""}
	}
	return Table{
		ID: "rows", Caption: T("t.title"), Columns: []Column{{ID: "name", Title: Plain("Name")}, {ID: "score", Title: Plain("Score"), Explain: "holdout"}, {ID: "cost", Title: Plain("Cost"), Minor: true}},
		Rows: []Row{
			{Cells: []any{Two{Link{"/things/b", "b <i>"}, "second line"}, e(.2), bellwether.Money{Amount: 1999, Currency: "EUR"}}, Mark: true},
			{Cells: []any{"=cmd|' /C calc'!A0", e(.3), nil}},
			{Cells: []any{"c", Measured{Estimate: bellwether.Estimate{Withheld: "nobody is in the holdout yet"}}, bellwether.Money{Amount: 5, Currency: "JPY"}}},
		},
	}
}

// TestComponents compares what each component makes with testdata; -update writes it anew.
func TestComponents(t *testing.T) {
	interval := bellwether.Estimate{Value: 5.34, Interval: []float64{3.11, 7.57}, Level: .95, N: 2052, NEffective: 1800, Method: "Welch", Warnings: []string{"few people"}}
	weak := interval
	weak.Withheld = "12 positives, fewer than 20"
	chart := Chart{ID: "c", Title: T("t.title"), Kind: Lines, Axis: T("t.axis"), Labels: []any{1, 2}, Series: []Series{
		{Name: Plain("blend"), Quiet: true, Points: []bellwether.Estimate{interval, {}}}, {Name: Plain("large"), Points: Counted(4, 5)},
	}}
	failed := &pending{values: url.Values{"who": {"<ann>"}}, err: &Error{Status: 422, Title: Plain("Nobody is called that"), Advice: Plain("Look at the spelling."), Err: errors.New("no person")}}
	preview := &pending{values: url.Values{"who": {"<ann>"}}, preview: &Preview{Summary: T("t.n", 3), Facts: []Definition{{Plain("cost"), Amount{3.5, "EUR"}}}}}
	for _, test := range []struct {
		name, lang, address string
		make                func(v *View) (template.HTML, error)
	}{
		{"figure", "en", "/things", func(v *View) (template.HTML, error) {
			return v.Figure(Figure{Label: T("t.label"), Estimate: interval, Unit: "EUR", Explain: "holdout", Big: true, Tone: "good", Href: "/report", Note: T("t.n", 2052)})
		}},
		{"figure-doubt", "zh", "/things", func(v *View) (template.HTML, error) {
			return v.Figure(Figure{Label: T("t.label"), Estimate: weak})
		}},
		{"figure-withheld", "zh", "/things", func(v *View) (template.HTML, error) {
			return v.Figure(Figure{Label: T("t.label"), Estimate: bellwether.Estimate{Withheld: "nobody is in the holdout yet"}})
		}},
		{"figure-nodata", "en", "/things", func(v *View) (template.HTML, error) { return v.Figure(Figure{Label: T("t.label")}) }},
		{"figure-point", "en", "/things", func(v *View) (template.HTML, error) {
			return v.Figure(Figure{Label: T("t.label"), Estimate: bellwether.Estimate{Value: .05, Method: "plug-in", N: 9}, Unit: Percent})
		}},
		{"figure-count", "en", "/things", func(v *View) (template.HTML, error) {
			return v.Figure(Figure{Label: T("t.label"), Estimate: Counted(1482137)[0], Count: true})
		}},
		{"table", "en", "/things?q=a", func(v *View) (template.HTML, error) { return v.Table(sampleTable()) }},
		{"table-sorted", "en", "/things?q=a&sort=rows:-score", func(v *View) (template.HTML, error) { return v.Table(sampleTable()) }},
		{"table-page", "zh", "/things?page=rows:2", func(v *View) (template.HTML, error) {
			x := sampleTable()
			x.Size = 2
			return v.Table(x)
		}},
		{"table-fixed", "en", "/things?sort=rows:-score", func(v *View) (template.HTML, error) {
			x := sampleTable()
			x.Fixed = true
			return v.Table(x)
		}},
		{"table-empty", "en", "/things", func(v *View) (template.HTML, error) {
			return v.Table(Table{ID: "none", Columns: sampleTable().Columns, Empty: Plain("Nothing was refused.")})
		}},
		{"chart", "en", "/things", func(v *View) (template.HTML, error) { return v.Chart(chart) }},
		{"chart-nodata", "zh", "/things", func(v *View) (template.HTML, error) { return v.Chart(Chart{ID: "c", Title: T("t.title"), Kind: Bars}) }},
		{"empty", "en", "/things", func(v *View) (template.HTML, error) {
			return v.Empty(Empty{Title: Plain("Nothing yet"), Missing: Plain("No event came in."), Command: "bellwether import FILE", Button: Plain("Show me"), Href: "/data"})
		}},
		{"notice", "en", "/things", func(v *View) (template.HTML, error) {
			return v.Notices([]Notice{{Level: "info", Title: Plain("Good to know")}, {Level: "warning", Title: Plain("Look"), Advice: Plain("Do that."), Href: "/data"}, {Level: "error", Title: Plain("Broken <b>"), Detail: "disk full"}})
		}},
		{"explain", "zh", "/things", func(v *View) (template.HTML, error) { return v.Explain("holdout") }},
		{"definitions", "en", "/things", func(v *View) (template.HTML, error) {
			return v.Definitions([]Definition{{Plain("When"), noon}, {Plain("Day"), Day(noon)}, {Plain("Took"), 90 * time.Second}, {Plain("None"), nil}, {Plain("State"), List{Badge{Plain("fine"), "good"}, Code("x<y")}}, {Plain("Where"), Link{"javascript:alert(1)", "there"}}})
		}},
		{"search", "en", "/things?q=%22ann", func(v *View) (template.HTML, error) {
			return v.Search(Search{Label: Plain("Find"), Example: Plain("a person"), Part: "list"})
		}},
		{"live", "en", "/things?q=a", func(v *View) (template.HTML, error) { return v.Live("list", 2) }},
		{"progress", "en", "/things", func(v *View) (template.HTML, error) {
			return v.Progress(Progress{ID: "work", Title: Plain("Import"), Part: "list", Progress: bellwether.Progress{Step: "reading", Done: 40000, Total: 160000, Elapsed: 9 * time.Second}})
		}},
		{"progress-done", "zh", "/things", func(v *View) (template.HTML, error) {
			return v.Progress(Progress{ID: "work", Title: Plain("Import"), Done: true, Result: T("t.n", 1)})
		}},
		{"progress-failed", "en", "/things", func(v *View) (template.HTML, error) {
			return v.Progress(Progress{ID: "work", Title: Plain("Import"), Done: true, Failed: "disk full"})
		}},
		{"form", "en", "/things", func(v *View) (template.HTML, error) { return v.Form("mend") }},
		{"form-preview", "en", "/things", func(v *View) (template.HTML, error) {
			v.actions = map[string]*pending{"mend": preview}
			return v.Form("mend")
		}},
		{"form-failed", "en", "/things", func(v *View) (template.HTML, error) {
			v.actions = map[string]*pending{"mend": failed}
			return v.Form("mend")
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			h, err := test.make(sampleView(t, test.lang, test.address))
			if err != nil {
				t.Fatal(err)
			}
			got := tidy(string(h))
			name := filepath.Join("testdata", test.name+".html")
			if *update {
				if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("-want +got (go test -run Components -update writes it anew)\n%s", diff)
			}
			clean(t, got)
		})
	}
}

var blank = regexp.MustCompile(`\n\s*\n+`)

func tidy(s string) string { return strings.TrimSpace(blank.ReplaceAllString(s, "\n")) + "\n" }

var inline = regexp.MustCompile(`(?i)<[^>]*\s(style|on[a-z]+)\s*=|<style|<script(?:\s+(?:defer|type="module"))*\s*>|javascript:`)

// clean holds that a page has nothing that its policy would block.
func clean(t *testing.T, html string) {
	t.Helper()
	if found := inline.FindString(html); found != "" {
		t.Errorf("the page has %q, which its policy blocks", found)
	}
}
