package main

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"time"

	"bellwether"
	"bellwether/apps"
	"bellwether/collect"
	"bellwether/learn"
	"bellwether/measure"
	"bellwether/pipeline"
	"bellwether/web"
	"bellwether/web/routes"
)

// serving is what a server is made from.
type serving struct {
	keys   *web.Keys
	conf   *configuration
	find   func(bellwether.ProjectID) *pipeline.Project
	logger *slog.Logger
}

// noExpiry is when a key ends that doesn't.
var noExpiry time.Time

// pipelineFailures say what the errors answer that belong to no application.
var pipelineFailures = []web.Failure{
	{Err: pipeline.ErrTurnRunning, Status: http.StatusConflict, Name: "turn-running", Advice: "wait for it to end"},
	{Err: collect.ErrMapping, Status: http.StatusBadRequest, Name: "mapping"},
}

// newServer makes the one table of routes: those of the server, of the project, and of each application.
func newServer(s serving) (*web.Server, error) {
	o := web.Options{
		Keys: s.keys, Logger: s.logger, Failures: failures(), Routes: projectRoutes(s.conf),
		Project: func(id bellwether.ProjectID) any {
			if p := s.find(id); p != nil {
				return p
			}
			return nil
		},
	}
	for _, a := range apps.All() {
		o.Routes = append(o.Routes, a.Routes...)
		o.Pages = append(o.Pages, a.Pages...)
	}
	return web.New(o)
}

// project finds the project of a call.
func project(ctx context.Context) (*pipeline.Project, error) {
	return web.ProjectOf[*pipeline.Project](ctx)
}

// projectRoutes are the routes that belong to no application.
func projectRoutes(conf *configuration) []web.Route {
	groups := [][]web.Route{
		routes.Collect(func(ctx context.Context) (routes.Collector, error) {
			p, err := project(ctx)
			if err != nil {
				return nil, err
			}
			return p.Collector, nil
		}, routes.CollectOptions{Prefix: conf.Prefix}),
		routes.Items(func(ctx context.Context) (routes.Catalogue, error) { return project(ctx) }),
		routes.Import(func(ctx context.Context) (routes.Importer, error) {
			p, err := project(ctx)
			if err != nil {
				return nil, err
			}
			return p.Collector, nil
		}),
		sqlRoutes(),
		routes.DeadLetters(func(ctx context.Context) (routes.Rejects, error) {
			p, err := project(ctx)
			if err != nil {
				return nil, err
			}
			return p.Collector, nil
		}),
		routes.DecisionLog(func(ctx context.Context) (routes.Decisions, error) {
			p, err := project(ctx)
			if err != nil {
				return nil, err
			}
			return p.Decider, nil
		}),
		routes.Worth(func(ctx context.Context) (routes.Report, error) {
			p, err := project(ctx)
			if err != nil {
				return nil, err
			}
			return p.Report(ctx)
		}),
		routes.Models(func(ctx context.Context) (routes.Cards, error) {
			p, err := project(ctx)
			if err != nil {
				return nil, err
			}
			return p.Registry, nil
		}),
		routes.Export(func(ctx context.Context) (routes.Exporter, error) { return project(ctx) }, exports()),
		learning(conf),
	}
	var out []web.Route
	for _, g := range groups {
		out = append(out, g...)
	}
	return out
}

// trained is what the route of training answers.
type trained struct {
	Version bellwether.ModelVersion `json:"version"`
}

// promoted is what the route of promotion answers.
type promoted struct {
	Promoted bool   `json:"promoted"`
	Reason   string `json:"reason"`
}

// learning are the routes of a turn and its stages.
func learning(conf *configuration) []web.Route {
	turn := routes.Turn(func(ctx context.Context, _ string, t routes.Training, report func(bellwether.Progress)) (pipeline.TurnReport, error) {
		p, err := project(ctx)
		if err != nil {
			return pipeline.TurnReport{}, err
		}
		training, err := conf.trainingOf(ctx, t)
		if err != nil {
			return pipeline.TurnReport{}, err
		}
		return p.Turn(ctx, pipeline.TurnOptions{Training: &training, Untrained: t.Untrained}, report)
	})
	train := routes.OneStage("train", "Fit every model of a task", func(ctx context.Context, task string, t routes.Training, report func(bellwether.Progress)) (trained, error) {
		p, err := project(ctx)
		if err != nil {
			return trained{}, err
		}
		training, err := conf.trainingOf(ctx, t)
		if err != nil {
			return trained{}, err
		}
		table, err := tableOf(ctx, t)
		if err != nil {
			return trained{}, err
		}
		version, err := p.Train(ctx, task, table, &training, report)
		return trained{version}, err
	})
	judge := routes.OneStage("evaluate", "Rank the models of the newest run next to plain ones, and write the card", func(ctx context.Context, task string, t routes.Training, report func(bellwether.Progress)) (bellwether.Card, error) {
		p, err := project(ctx)
		if err != nil {
			return bellwether.Card{}, err
		}
		table, err := tableOf(ctx, t)
		if err != nil {
			return bellwether.Card{}, err
		}
		return p.Evaluate(ctx, task, table, report)
	})
	promote := routes.OneStage("promote", "Put the best model of the newest run in service if it beats what is there", func(ctx context.Context, task string, t routes.Training, report func(bellwether.Progress)) (promoted, error) {
		p, err := project(ctx)
		if err != nil {
			return promoted{}, err
		}
		table, err := tableOf(ctx, t)
		if err != nil {
			return promoted{}, err
		}
		done, reason, err := p.Promote(ctx, task, table, t.Forced, report)
		return promoted{done, reason}, err
	})
	refresh := web.Typed(http.MethodPost, "/v1/refresh", web.Admin, "Read everybody once and renew the report, without learning", func(ctx context.Context, _ *struct{}) (*struct{ Body pipeline.TurnReport }, error) {
		p, err := project(ctx)
		if err != nil {
			return nil, err
		}
		r, err := p.Refresh(ctx)
		return &struct{ Body pipeline.TurnReport }{r}, err
	}).With(func(r *web.Route) { r.Name = "refresh" })
	out := append(turn, train...)
	return append(append(append(out, judge...), promote...), refresh)
}

// trainingOf is what is configured with what a call asks for instead.
func (c *configuration) trainingOf(ctx context.Context, t routes.Training) (learn.Training, error) {
	out, err := c.training()
	if err != nil {
		return out, err
	}
	if t.Epochs > 0 {
		out.Epochs, out.Minutes = t.Epochs, 0
	}
	if t.Minutes > 0 {
		out.Minutes = t.Minutes
	}
	if t.Seed > 0 {
		out.Seed = t.Seed
	}
	if t.Preset != "" {
		if filepath.Ext(t.Preset) == ".json" && !web.CallFrom(ctx).Local {
			return out, notHere("a file of settings")
		}
		return out, setPreset(&out, t.Preset)
	}
	return out, nil
}

func notHere(what string) error {
	return web.NewProblem(http.StatusForbidden, "%s on the server can be named on its own machine alone", what).Advise("run the command there")
}

// tableOf reads the table that a call names; nil when it names none.
func tableOf(ctx context.Context, t routes.Training) (*bellwether.Table, error) {
	if t.Table == "" {
		return nil, nil
	}
	if !web.CallFrom(ctx).Local {
		return nil, notHere("a table")
	}
	return readTable(t, web.Progress(ctx))
}

var (
	_ routes.Report    = (*measure.Report)(nil)
	_ routes.Catalogue = (*pipeline.Project)(nil)
	_ io.Closer        = (*opened)(nil)
)
