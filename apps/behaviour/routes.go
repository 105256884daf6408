package behaviour

import (
	"context"
	"net/http"

	"bellwether"
	"bellwether/apps/app"
	"bellwether/web"
)

// routes are what can be asked of this application.
func routes() []web.Route {
	return []web.Route{
		web.Typed(http.MethodPost, "/v1/predict", web.Read, "The probability of the positive class", predictRoute).With(func(r *web.Route) { r.Name = "predict" }),
		web.Typed(http.MethodPost, "/v1/decide", web.Read, "Choose one of a few actions for one person", decideRoute).With(func(r *web.Route) { r.Name = "decide" }),
	}
}

type predictBody struct {
	Application string           `json:"application,omitempty" enum:"behaviour" doc:"Which model is asked; there is one."`
	Subject     string           `json:"subject,omitempty" doc:"One person, from the log."`
	Rows        []map[string]any `json:"rows,omitempty" doc:"Rows of a table: numbers and strings by column name."`
	Cost        float64          `json:"cost,omitempty" minimum:"0" doc:"What a contact costs: with value, the answer says from which probability one pays."`
	Value       float64          `json:"value,omitempty" minimum:"0" doc:"What it is worth to contact somebody of the positive class."`
}

type predictInput struct{ Body predictBody }

// Prediction is what the model in service gives.
type Prediction struct {
	Model         bellwether.ModelVersion `json:"model"`
	Probabilities []float64               `json:"probabilities"`
	Threshold     *float64                `json:"threshold,omitempty"` // from which a contact pays
}

type predictOutput struct{ Body Prediction }

func predictRoute(ctx context.Context, in *predictInput) (*predictOutput, error) {
	p, err := app.From(ctx)
	if err != nil {
		return nil, err
	}
	probabilities, version, err := Predict(ctx, p, bellwether.Subject(in.Body.Subject), in.Body.Rows)
	out := &predictOutput{Body: Prediction{Model: version, Probabilities: probabilities}}
	if err == nil && (in.Body.Cost != 0 || in.Body.Value != 0) {
		threshold, failed := ProfitThreshold(p, in.Body.Cost, in.Body.Value)
		out.Body.Threshold, err = &threshold, failed
	}
	return out, err
}

type decideBody struct {
	Subject   string             `json:"subject,omitempty" doc:"The person."`
	Anonymous string             `json:"anonymous,omitempty" doc:"The device, when the person is not signed in."`
	Surface   string             `json:"surface" minLength:"1" doc:"Where the action would be taken, such as email."`
	Actions   []string           `json:"actions" minItems:"1" doc:"What could be done; the last one is what the holdout gets."`
	Values    []float64          `json:"values,omitempty" doc:"What each action is worth for this person, or its effect, in the unit of the surface's policy; without them none is preferred."`
	Key       string             `json:"key,omitempty" doc:"Idempotency key: the same key gives the same decision."`
	Context   map[string]float64 `json:"context,omitempty" doc:"Features that policies and reward models may use."`
	History   []app.Visit        `json:"history,omitempty" doc:"In a preview: replaces the history that is stored."`
	Preview   bool               `json:"preview,omitempty" doc:"Compute, and log nothing."`
	Holdout   *bool              `json:"holdout,omitempty" doc:"In a preview: as if the person were in the holdout, or not."`
}

type decideInput struct{ Body decideBody }

// Choice is the action that was chosen.
type Choice struct {
	app.DecisionAnswer
	Action string  `json:"action"`
	Score  float64 `json:"score"`
}

type decideOutput struct{ Body Choice }

func decideRoute(ctx context.Context, in *decideInput) (*decideOutput, error) {
	p, err := app.From(ctx)
	if err != nil {
		return nil, err
	}
	b := &in.Body
	a, err := Act(ctx, p, app.ActionRequest{
		Subject: bellwether.Subject(b.Subject), Anonymous: bellwether.AnonymousID(b.Anonymous), Surface: bellwether.Surface(b.Surface),
		Actions: b.Actions, Values: b.Values, Key: b.Key, Context: b.Context, History: p.Events(b.History), Preview: b.Preview, Holdout: b.Holdout,
	})
	if err != nil {
		return nil, err
	}
	c := a.Decision.Candidates[a.Decision.Actions[0]]
	return &decideOutput{Body: Choice{DecisionAnswer: a.Described(), Action: c.Action, Score: c.Score}}, nil
}
