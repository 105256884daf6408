// Package host is the server over open projects: one table of routes, those of the server itself, of a project, and of each application.
package host

import (
	"context"
	"log/slog"
	"net/http"

	"bellwether"
	"bellwether/apps"
	"bellwether/apps/app"
	"bellwether/collect"
	"bellwether/learn"
	"bellwether/measure"
	"bellwether/pipeline"
	"bellwether/web"
	"bellwether/web/console"
	"bellwether/web/page"
	"bellwether/web/routes"
)

// Options of a server. Keys and Project are required.
type Options struct {
	Keys    *web.Keys
	Project func(bellwether.ProjectID) *pipeline.Project // nil for one that is not open
	Prefix  string                                       // first-party path under which browsers send events too; "": none
	Limits  web.Limits
	Logger  *slog.Logger
	Truth   func(bellwether.ProjectID) (earned float64, ok bool) // what a simulator knows that was earned; nil: nobody does
}

// failures say what the errors answer that belong to no application.
var failures = []web.Failure{
	{Err: learn.ErrTurnRunning, Status: http.StatusConflict, Name: "turn-running", Advice: "wait for it to end"},
	{Err: collect.ErrMapping, Status: http.StatusBadRequest, Name: "mapping"},
}

// Failures say what the errors of projects and applications answer: the shell knows them again.
func Failures() []web.Failure { return append(app.Failures(apps.All()), failures...) }

// New makes a server.
func New(o Options) (*web.Server, error) {
	w := web.Options{
		Keys: o.Keys, Logger: o.Logger, Failures: Failures(), Routes: routesOf(&o), Prefix: o.Prefix, Limits: o.Limits,
		Project: func(id bellwether.ProjectID) any {
			if p := o.Project(id); p != nil {
				return p
			}
			return nil
		},
	}
	for _, a := range apps.All() {
		w.Routes = append(w.Routes, a.Routes...)
	}
	pages, refused, err := app.Console(apps.All(), page.Options{Groups: console.Groups(), Logger: o.Logger}, console.Module(source{truth: o.Truth}))
	if err != nil {
		return nil, err
	}
	w.Routes, w.Refused = append(w.Routes, pages...), refused
	return web.New(w)
}

// project finds the project of a call.
func project(ctx context.Context) (*pipeline.Project, error) {
	return web.ProjectOf[*pipeline.Project](ctx)
}

// part finds a part of the project of a call.
func part[T any](of func(*pipeline.Project) T) func(context.Context) (T, error) {
	return func(ctx context.Context) (T, error) {
		p, err := project(ctx)
		if err != nil {
			var none T
			return none, err
		}
		return of(p), nil
	}
}

// routesOf are the routes that belong to no application.
func routesOf(o *Options) []web.Route {
	groups := [][]web.Route{
		routes.Collect(part(func(p *pipeline.Project) routes.Collector { return p.Collector }), routes.CollectOptions{Prefix: o.Prefix}),
		routes.PostHog(part(func(p *pipeline.Project) routes.Collector { return p.Collector }), nil),
		routes.Items(func(ctx context.Context) (routes.Catalogue, error) { return project(ctx) }),
		routes.Import(part(func(p *pipeline.Project) routes.Importer { return p.Collector })),
		routes.ImportList(func(ctx context.Context) (routes.Imports, error) { return project(ctx) }),
		sqlRoutes(),
		routes.DeadLetters(part(func(p *pipeline.Project) routes.Rejects { return p.Collector })),
		routes.DecisionLog(part(func(p *pipeline.Project) routes.Decisions { return p.Decider })),
		routes.Worth(func(ctx context.Context) (routes.Report, error) {
			p, err := project(ctx)
			if err != nil {
				return nil, err
			}
			return p.Report(ctx)
		}),
		routes.Models(part(func(p *pipeline.Project) routes.Cards { return p.Registry })),
		routes.Export(func(ctx context.Context) (routes.Exporter, error) { return project(ctx) }, Exports()),
		learning(),
	}
	var out []web.Route
	for _, g := range groups {
		out = append(out, g...)
	}
	return out
}

var (
	_ routes.Report    = (*measure.Report)(nil)
	_ routes.Catalogue = (*pipeline.Project)(nil)
	_ routes.Imports   = (*pipeline.Project)(nil)
)

// Exports are the files that can be had.
func Exports() []routes.File {
	var out []routes.File
	for _, f := range pipeline.Exports() {
		out = append(out, routes.File{Name: f.Name, Doc: f.Doc, ContentType: f.ContentType})
	}
	return out
}
