package console

import (
	"context"
	"embed"
	"io/fs"
	"net/http"

	"bellwether"
	"bellwether/web/page"
)

//go:embed templates texts
var files embed.FS

// Reader and Operator are the roles that the pages ask for: to look, and to change something.
const (
	Reader   = "read"
	Operator = "admin"
)

// Texts are the pages' texts.
func Texts() fs.FS { return page.Sub(files, "texts") }

// Templates are the pages' templates.
func Templates() fs.FS { return page.Sub(files, "templates") }

// Groups are the groups of the navigation, in order. Applications may put their pages into them.
func Groups() []page.Group {
	return []page.Group{{ID: "worth"}, {ID: "learn", Title: "group.learn"}, {ID: "act", Title: "group.act"}, {ID: "data", Title: "group.data"}}
}

// Module returns the pages of a source.
func Module(s Source) page.Module {
	p := pages{s}
	return page.Module{
		Name: "console", Templates: Templates(), Texts: Texts(),
		Pages: []page.Page{
			{
				Path: "/", Role: Reader, Group: "worth", Title: "today.title", Template: "today.html.tmpl", Parts: []string{"fresh"},
				Doc: "what was earned against the holdout, and what needs attention", Data: p.today,
			},
			{
				Path: "/report", Role: Reader, Group: "worth", Title: "report.title", Summary: "report.summary", Parent: "/", Template: "report.html.tmpl",
				Doc: "the whole report of what the decisions were worth", Data: p.report,
			},
			{
				Path: "/models", Role: Reader, Group: "learn", Title: "models.title", Summary: "models.summary", Template: "models.html.tmpl",
				Doc: "what each turn learned, and which model serves", Data: p.models,
			},
			{
				Path: "/decisions", Role: Reader, Group: "act", Title: "decisions.title", Summary: "decisions.summary", Template: "decisions.html.tmpl", Parts: []string{"list"},
				Doc: "the decisions, newest first", Data: p.decisions,
			},
			{
				Path: "/decisions/{id}", Role: Reader, Title: "decision.title", Parent: "/decisions", Template: "decision.html.tmpl",
				Doc: "one decision: what could have been chosen, with which chance, and what followed", Data: p.decision,
			},
			{
				Path: "/data", Role: Reader, Group: "data", Title: "data.title", Summary: "data.summary", Template: "data.html.tmpl",
				Doc: "what came in, what the cleaning rules did, and what was kept aside", Data: p.data, Actions: []page.Action{p.replay(), p.undo()},
			},
		},
	}
}

// pages makes what the templates read from a source.
type pages struct{ source Source }

func (p pages) report(ctx context.Context, _ *http.Request) (any, error) {
	r, err := p.source.Report(ctx)
	if err != nil {
		return nil, err
	}
	return reportView(r), nil
}

func (p pages) decision(ctx context.Context, r *http.Request) (any, error) {
	d, err := p.source.Decision(ctx, bellwether.DecisionID(r.PathValue("id")))
	if err != nil {
		return nil, err
	}
	return decisionView(d), nil
}
