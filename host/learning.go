package host

import (
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"bellwether"
	"bellwether/apps/app"
	"bellwether/dataset"
	"bellwether/learn"
	"bellwether/models/sequence"
	"bellwether/pipeline"
	"bellwether/web"
	"bellwether/web/routes"
)

// Trained is what the route of training answers.
type Trained struct {
	Version bellwether.ModelVersion `json:"version"`
}

// Promoted is what the route of promotion answers.
type Promoted struct {
	Promoted bool   `json:"promoted"`
	Reason   string `json:"reason"`
}

// learning are the routes of a turn and its stages.
func learning() []web.Route {
	turn := routes.Turn(func(ctx context.Context, _ string, t routes.Training, report func(bellwether.Progress)) (pipeline.TurnReport, error) {
		p, err := project(ctx)
		if err != nil {
			return pipeline.TurnReport{}, err
		}
		training, err := trainingOf(ctx, p, t)
		if err != nil {
			return pipeline.TurnReport{}, err
		}
		return p.Turn(ctx, pipeline.TurnOptions{Training: &training, Untrained: t.Untrained}, report)
	})
	train := routes.OneStage("train", "Fit every model of a task", func(ctx context.Context, task string, t routes.Training, report func(bellwether.Progress)) (Trained, error) {
		p, err := project(ctx)
		if err != nil {
			return Trained{}, err
		}
		training, err := trainingOf(ctx, p, t)
		if err != nil {
			return Trained{}, err
		}
		table, err := tableOf(ctx, t)
		if err != nil {
			return Trained{}, err
		}
		version, err := p.Train(ctx, task, table, &training, report)
		return Trained{version}, err
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
	promote := routes.OneStage("promote", "Put the best model of the newest run in service if it beats what is there", func(ctx context.Context, task string, t routes.Training, report func(bellwether.Progress)) (Promoted, error) {
		p, err := project(ctx)
		if err != nil {
			return Promoted{}, err
		}
		table, err := tableOf(ctx, t)
		if err != nil {
			return Promoted{}, err
		}
		done, reason, err := p.Promote(ctx, task, table, t.Forced, report)
		return Promoted{done, reason}, err
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
func trainingOf(ctx context.Context, p *pipeline.Project, t routes.Training) (learn.Training, error) {
	out := p.Training()
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
		return out, SetPreset(&out, t.Preset)
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

// SetPreset takes the customer model's settings by their name, or from the file that the name says.
func SetPreset(t *learn.Training, name string) error {
	t.Preset, t.Settings = name, nil
	if !strings.HasSuffix(name, ".json") {
		if _, err := sequence.Preset(name); err != nil {
			return web.BadRequest("%w", err)
		}
		return nil
	}
	f, err := os.Open(name)
	if err != nil {
		return web.BadRequest("%w", err)
	}
	defer f.Close()
	s, err := sequence.ReadSettings(f)
	if err != nil {
		return web.BadRequest("%s: %w", name, err)
	}
	t.Preset, t.Settings = strings.TrimSuffix(filepath.Base(name), ".json"), &s
	return nil
}

// readTable reads a CSV file; what was repaired is reported.
func readTable(t routes.Training, report func(bellwether.Progress)) (*bellwether.Table, error) {
	f, err := os.Open(t.Table)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var r io.Reader = f
	if strings.HasSuffix(t.Table, ".gz") {
		if r, err = gzip.NewReader(f); err != nil {
			return nil, fmt.Errorf("%s: %w", t.Table, err)
		}
	}
	table, found, err := dataset.ReadTable(r, dataset.ReadTableOptions{Target: t.Target, Positive: t.Positive, Drop: t.Drop})
	if err != nil { // what the file or the question lacks; the text says what there is
		return nil, fmt.Errorf("%w: %s: %w", app.ErrBadRequest, t.Table, err)
	}
	table.Allowed = t.Allow
	for _, rule := range found.Rules {
		if rule.Seen > 0 {
			report(bellwether.Progress{Step: "table", Note: fmt.Sprintf("%s: %d seen, %d changed, %d dropped. %s", rule.Rule, rule.Seen, rule.Changed, rule.Dropped, rule.Why)})
		}
	}
	return table, nil
}
