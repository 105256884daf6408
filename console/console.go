// Package console is the pages: what the product earned against its own holdout, what each
// turn learned, and the decisions as they are taken, each with its candidates and propensities.
//
// Pages are html/template with one inline chart; the list of decisions renews itself. Texts are
// in English and in simplified Chinese, by the browser's preference or ?lang=en|zh.
package console

import (
	"bytes"
	"context"
	"embed"
	"html/template"
	"net/http"
	"strings"
	"time"

	"bellwether"
	"bellwether/measure"
)

// Source is what the pages show.
type Source interface {
	Report(ctx context.Context) (*measure.Report, error)
	Turns(ctx context.Context) ([]Turn, error) // oldest first
	Decisions(ctx context.Context, n int) ([]bellwether.Decision, error)
	Rejects(ctx context.Context, n int) ([]Reject, error)
	Title(action string) string // of an item, "" when it has none
}

// Turn is what one turn did.
type Turn struct {
	Number       int
	AsOf         time.Time
	Events       int64
	Decisions    int64
	Seconds      float64
	Applications []Application
	Cleaning     []Rule
}

// Application is what a turn learned for one application.
type Application struct {
	Name     string
	Version  bellwether.ModelVersion
	Chosen   string
	Promoted bool
	Reason   string
	Rows     []bellwether.CardRow
}

// Rule is what one cleaning rule did.
type Rule struct {
	Name                   string
	Seen, Changed, Dropped int64
}

// Reject is one message that was refused.
type Reject struct {
	Time         time.Time
	Source       string
	Line         int64
	Reason, Text string
}

//go:embed page.html.tmpl style.css
var files embed.FS

var pages = template.Must(template.New("page.html.tmpl").Funcs(functions).ParseFS(files, "page.html.tmpl"))

// Handler serves the pages of a source: / and the part of it that renews itself, /live.
func Handler(s Source) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) { overview(s, w, r) })
	mux.HandleFunc("GET /live", func(w http.ResponseWriter, r *http.Request) { live(s, w, r) })
	mux.HandleFunc("GET /report", func(w http.ResponseWriter, r *http.Request) { report(s, w, r) })
	mux.HandleFunc("GET /style.css", func(w http.ResponseWriter, r *http.Request) { http.ServeFileFS(w, r, files, "style.css") })
	return mux
}

// view is what the template reads.
type view struct {
	Texts     texts
	Report    *measure.Report
	Turns     []Turn // newest first
	Chart     chart
	Decisions []bellwether.Decision
	Rejects   []Reject
	Problem   string
	source    Source
}

// Name is what people call an action: an item's title, else its id.
func (v view) Name(action string) string {
	if title := v.source.Title(action); title != "" {
		return title
	}
	return action
}

func overview(s Source, w http.ResponseWriter, r *http.Request) {
	v, err := look(r.Context(), s)
	v.Texts, v.source = language(r), s
	if err != nil {
		v.Problem = err.Error()
	}
	render(w, "page", v)
}

func look(ctx context.Context, s Source) (v view, err error) {
	if v.Report, err = s.Report(ctx); err != nil {
		return v, err
	}
	turns, err := s.Turns(ctx)
	if err != nil {
		return v, err
	}
	v.Chart = chartOf(turns)
	for i := len(turns) - 1; i >= 0; i-- {
		v.Turns = append(v.Turns, turns[i])
	}
	if v.Decisions, err = s.Decisions(ctx, 12); err != nil {
		return v, err
	}
	v.Rejects, err = s.Rejects(ctx, 5)
	return v, err
}

func live(s Source, w http.ResponseWriter, r *http.Request) {
	d, err := s.Decisions(r.Context(), 12)
	v := view{Texts: language(r), Decisions: d, source: s}
	if err != nil {
		v.Problem = err.Error()
	}
	render(w, "live", v)
}

func report(s Source, w http.ResponseWriter, r *http.Request) {
	m, err := s.Report(r.Context())
	var b bytes.Buffer
	if err == nil {
		err = m.WriteHTML(&b)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	html(w, b.Bytes())
}

func render(w http.ResponseWriter, name string, v view) {
	var b bytes.Buffer
	if err := pages.ExecuteTemplate(&b, name, v); err != nil {
		http.Error(w, "the page could not be made: "+err.Error(), http.StatusInternalServerError)
		return
	}
	html(w, b.Bytes())
}

func html(w http.ResponseWriter, page []byte) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'self'; style-src 'self' 'unsafe-inline'; script-src 'self' 'unsafe-inline'; frame-ancestors 'none'")
	h.Set("Cache-Control", "no-store")
	_, _ = w.Write(page) // the browser left: nobody is left to tell
}

// language picks the texts: ?lang=, then the browser's first preference.
func language(r *http.Request) texts {
	wanted := r.URL.Query().Get("lang")
	if wanted == "" {
		wanted, _, _ = strings.Cut(r.Header.Get("Accept-Language"), ",")
	}
	if strings.HasPrefix(strings.ToLower(wanted), "zh") {
		return chinese
	}
	return english
}
