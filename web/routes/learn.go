package routes

import (
	"context"
	"net/http"

	"bellwether"
	"bellwether/web"
)

// Cards are those of the models in service.
type Cards interface {
	Cards(ctx context.Context) ([]bellwether.Card, error)
}

type cardsOutput struct{ Body []bellwether.Card }

// Models returns the route of the models in service.
func Models(of Of[Cards]) []web.Route {
	return []web.Route{
		web.Typed(http.MethodGet, "/v1/models", web.Admin, "The models in service, with their cards", func(ctx context.Context, _ *struct{}) (*cardsOutput, error) {
			c, err := of(ctx)
			if err != nil {
				return nil, err
			}
			cards, err := c.Cards(ctx)
			if cards == nil {
				cards = []bellwether.Card{}
			}
			return &cardsOutput{Body: cards}, err
		}),
	}
}

// Training is what a call may ask of a run in place of what is configured; zero: as configured.
type Training struct {
	Minutes float64 `json:"minutes,omitempty" minimum:"0" doc:"Of training, at most."`
	Epochs  int     `json:"epochs,omitempty" minimum:"0" doc:"Of the neural models, at most."`
	Preset  string  `json:"preset,omitempty" doc:"Of the customer model, by name."`
	Seed    uint64  `json:"seed,omitempty"`
	Forced  bool    `json:"forced,omitempty" doc:"Of promote: put the model in service whatever it is worth."`

	Untrained bool `json:"untrained,omitempty" doc:"Of a turn: read everybody, measure and publish, and learn nothing."`

	Table    string   `json:"table,omitempty" doc:"A CSV file on the server's machine to learn from in place of the log: over the socket alone."`
	Target   string   `json:"target,omitempty" doc:"The table's column to predict."`
	Positive string   `json:"positive,omitempty" doc:"The value of the target that counts as 1."`
	Drop     []string `json:"drop,omitempty" doc:"Columns to leave out."`
	Allow    []string `json:"allow,omitempty" doc:"Columns that may tell the outcome alone: others that do are taken for leaks of it, and refused."`
}

func (t *Training) orConfigured() Training {
	if t == nil {
		return Training{}
	}
	return *t
}

// Stage is one stage of a turn, or a whole one: what it does for a task ("" for all), reporting as it goes, and R what
// came of it.
type Stage[R any] func(ctx context.Context, task string, t Training, report func(bellwether.Progress)) (R, error)

type stageInput struct {
	Task string `path:"task" doc:"Name of the learning task."`
	Body *Training
}

type stageOutput[R any] struct{ Body R }

const stageDetails = "It takes as long as it takes: ask with Accept: application/x-ndjson to read its progress, a line a report, and then the result."

// Turn returns the route that runs a whole turn and waits for it.
func Turn[R any](do Stage[R]) []web.Route {
	type input struct{ Body *Training }
	return []web.Route{
		web.Typed(http.MethodPost, "/v1/turn", web.Admin, "Run a turn now and wait for it", func(ctx context.Context, in *input) (*stageOutput[R], error) {
			r, err := do(ctx, "", in.Body.orConfigured(), web.Progress(ctx))
			return &stageOutput[R]{Body: r}, err
		}).With(func(r *web.Route) { r.Name, r.Details = "turn", stageDetails }),
	}
}

// OneStage returns the route that runs one stage of a turn for one task: name is train, evaluate or promote.
func OneStage[R any](name, doc string, do Stage[R]) []web.Route {
	return []web.Route{
		web.Typed(http.MethodPost, "/v1/tasks/{task}/"+name, web.Admin, doc, func(ctx context.Context, in *stageInput) (*stageOutput[R], error) {
			r, err := do(ctx, in.Task, in.Body.orConfigured(), web.Progress(ctx))
			return &stageOutput[R]{Body: r}, err
		}).With(func(r *web.Route) { r.Name, r.Details = name, stageDetails }),
	}
}
