package api

import (
	"bytes"
	"context"
	"net/http"
	"time"

	"bellwether"
	"bellwether/collect"
	"bellwether/pipeline"

	"github.com/danielgtaylor/huma/v2"
)

// describe registers the operations whose bodies OpenAPI describes.
func (s *Server) describe(api huma.API) {
	huma.Register(api, operation(http.MethodPost, "decide", "Choose one of a few actions for one person"), s.decide)
	huma.Register(api, operation(http.MethodPost, "predict", "The probability of the positive class"), s.predict)
	huma.Register(api, operation(http.MethodGet, "outlook", "What a person is expected to do next, and when"), s.outlook)
	huma.Register(api, operation(http.MethodPost, "items", "Write items into the catalogue"), s.items)
	huma.Register(api, operation(http.MethodGet, "report", "What the decisions were worth"), s.report)
	huma.Register(api, operation(http.MethodGet, "decisions", "The newest decisions"), s.decisions)
	huma.Register(api, operation(http.MethodGet, "decisions/{id}", "One decision"), s.decision)
	huma.Register(api, operation(http.MethodGet, "rejects", "What was refused, and why"), s.rejects)
	huma.Register(api, operation(http.MethodPost, "rejects/replay", "Try refused messages again"), s.replay)
	huma.Register(api, operation(http.MethodGet, "models", "The models in service, with their cards"), s.models)
	huma.Register(api, operation(http.MethodPost, "turn", "Run a turn now and wait for it"), s.turn)
}

func operation(method, path, summary string) huma.Operation {
	return huma.Operation{
		OperationID: operationID(method, path), Method: method, Path: "/v1/" + path, Summary: summary,
		MaxBodyBytes: 16 << 20, BodyReadTimeout: -1,
	}
}

func operationID(method, path string) string {
	id := bytes.Map(func(r rune) rune {
		switch r {
		case '/':
			return '-'
		case '{', '}':
			return -1
		}
		return r
	}, []byte(path))
	if method == http.MethodGet {
		return "get-" + string(id)
	}
	return string(id)
}

type decideInput struct {
	Body struct {
		Subject   string             `json:"subject,omitempty" doc:"The person."`
		Anonymous string             `json:"anonymous,omitempty" doc:"The device, when the person is not signed in."`
		Surface   string             `json:"surface" minLength:"1" doc:"Where the action would be taken, such as email."`
		Actions   []string           `json:"actions" minItems:"1" doc:"What could be done; the last one is what the holdout gets."`
		Key       string             `json:"key,omitempty" doc:"Idempotency key: the same key gives the same decision."`
		Context   map[string]float64 `json:"context,omitempty" doc:"Features that policies and reward models may use."`
		History   []visitBody        `json:"history,omitempty" doc:"In a preview: replaces the history that is stored."`
		Preview   bool               `json:"preview,omitempty" doc:"Compute, and log nothing."`
		Holdout   *bool              `json:"holdout,omitempty" doc:"In a preview: as if the person were in the holdout, or not."`
	}
}

type decideOutput struct {
	Body struct {
		Decision   string  `json:"decision"`
		Subject    string  `json:"subject"`
		Action     string  `json:"action"`
		Propensity float64 `json:"propensity"`
		Policy     string  `json:"policy"`
		Model      string  `json:"model"`
		Holdout    bool    `json:"holdout"`
		Reason     string  `json:"reason,omitempty"`
	}
}

func (s *Server) decide(ctx context.Context, in *decideInput) (*decideOutput, error) {
	start, b := time.Now(), &in.Body
	a, err := engineOf(ctx).Act(ctx, pipeline.ActionRequest{
		Subject: bellwether.Subject(b.Subject), Anonymous: bellwether.AnonymousID(b.Anonymous), Surface: bellwether.Surface(b.Surface),
		Actions: b.Actions, Key: b.Key, Context: b.Context, History: visits(b.History), Preview: b.Preview, Holdout: b.Holdout,
	})
	if err != nil {
		return nil, s.humaError(err)
	}
	s.latency.WithLabelValues("decide").Observe(time.Since(start).Seconds())
	out, d := new(decideOutput), &a.Decision
	out.Body.Decision, out.Body.Subject, out.Body.Action = string(d.ID), string(d.Subject), d.Chosen()[0]
	out.Body.Propensity, out.Body.Policy, out.Body.Model = d.Propensity, string(d.Policy), string(d.Model)
	out.Body.Holdout, out.Body.Reason = d.Holdout, a.Reason
	return out, nil
}

type predictInput struct {
	Body struct {
		Application string           `json:"application" enum:"behaviour" doc:"Which model is asked."`
		Subject     string           `json:"subject,omitempty" doc:"One person, from the log."`
		Rows        []map[string]any `json:"rows,omitempty" doc:"Rows of a table: numbers and strings by column name."`
	}
}

type predictOutput struct {
	Body struct {
		Model         string    `json:"model"`
		Probabilities []float64 `json:"probabilities"`
	}
}

func (s *Server) predict(ctx context.Context, in *predictInput) (*predictOutput, error) {
	start := time.Now()
	p, version, err := engineOf(ctx).Predict(ctx, in.Body.Application, bellwether.Subject(in.Body.Subject), in.Body.Rows)
	if err != nil {
		return nil, s.humaError(err)
	}
	s.latency.WithLabelValues("predict").Observe(time.Since(start).Seconds())
	out := new(predictOutput)
	out.Body.Model, out.Body.Probabilities = string(version), p
	return out, nil
}

type outlookInput struct {
	Subject string `query:"subject" required:"true" doc:"The person."`
}

type outlookOutput struct{ Body pipeline.Outlook }

func (s *Server) outlook(ctx context.Context, in *outlookInput) (*outlookOutput, error) {
	start := time.Now()
	o, err := engineOf(ctx).Outlook(ctx, bellwether.Subject(in.Subject))
	if err != nil {
		return nil, s.humaError(err)
	}
	s.latency.WithLabelValues("outlook").Observe(time.Since(start).Seconds())
	return &outlookOutput{Body: o}, nil
}

type itemsInput struct {
	Body struct {
		Items []bellwether.Item `json:"items" minItems:"1" maxItems:"10000"`
	}
}

type resultOutput struct{ Body collect.Result }

func (s *Server) items(ctx context.Context, in *itemsInput) (*resultOutput, error) {
	r, err := engineOf(ctx).AcceptItems(ctx, in.Body.Items)
	if err != nil {
		return nil, s.humaError(err)
	}
	return &resultOutput{Body: r}, nil
}

type reportInput struct {
	Format string `query:"format" enum:"json,csv,html" default:"json"`
}

type bytesOutput struct {
	ContentType string `header:"Content-Type"`
	Body        []byte
}

func (s *Server) report(ctx context.Context, in *reportInput) (*bytesOutput, error) {
	r, err := engineOf(ctx).Report(ctx)
	if err != nil {
		return nil, s.humaError(err)
	}
	var b bytes.Buffer
	out := &bytesOutput{ContentType: "application/json"}
	switch in.Format {
	case "csv":
		out.ContentType, err = "text/csv; charset=utf-8", r.WriteCSV(&b)
	case "html":
		out.ContentType, err = "text/html; charset=utf-8", r.WriteHTML(&b)
	default:
		err = r.WriteJSON(&b)
	}
	if err != nil {
		return nil, s.humaError(err)
	}
	out.Body = b.Bytes()
	return out, nil
}

type limitInput struct {
	Limit int `query:"limit" default:"100" minimum:"1" maximum:"1000"`
}

type decisionsOutput struct{ Body []bellwether.Decision }

func (s *Server) decisions(ctx context.Context, in *limitInput) (*decisionsOutput, error) {
	d, err := engineOf(ctx).Decider.Recent(ctx, in.Limit)
	if err != nil {
		return nil, s.humaError(err)
	}
	return &decisionsOutput{Body: d}, nil
}

type decisionInput struct {
	ID string `path:"id"`
}

type decisionOutput struct{ Body bellwether.Decision }

func (s *Server) decision(ctx context.Context, in *decisionInput) (*decisionOutput, error) {
	d, err := engineOf(ctx).Decider.Decision(ctx, bellwether.DecisionID(in.ID))
	if err != nil {
		return nil, s.humaError(err)
	}
	return &decisionOutput{Body: d}, nil
}

type rejectsOutput struct{ Body []collect.Rejected }

func (s *Server) rejects(ctx context.Context, in *limitInput) (*rejectsOutput, error) {
	out := &rejectsOutput{Body: []collect.Rejected{}}
	err := engineOf(ctx).Collector.DeadLetters(ctx, func(r collect.Rejected) bool {
		out.Body = append(out.Body, r)
		return len(out.Body) < in.Limit
	})
	if err != nil {
		return nil, s.humaError(err)
	}
	return out, nil
}

type replayInput struct {
	Body struct {
		IDs []string `json:"ids" minItems:"1" doc:"Of the dead letters."`
	}
}

func (s *Server) replay(ctx context.Context, in *replayInput) (*resultOutput, error) {
	r, err := engineOf(ctx).Collector.Replay(ctx, in.Body.IDs, nil)
	if err != nil {
		return nil, s.humaError(err)
	}
	return &resultOutput{Body: r}, nil
}

type modelsOutput struct{ Body []bellwether.Card }

func (s *Server) models(ctx context.Context, _ *struct{}) (*modelsOutput, error) {
	cards, err := engineOf(ctx).Cards(ctx)
	if err != nil {
		return nil, s.humaError(err)
	}
	return &modelsOutput{Body: cards}, nil
}

type turnOutput struct{ Body pipeline.TurnReport }

func (s *Server) turn(ctx context.Context, _ *struct{}) (*turnOutput, error) {
	r, err := engineOf(ctx).Turn(ctx, nil)
	if err != nil {
		return nil, s.humaError(err)
	}
	return &turnOutput{Body: r}, nil
}

// humaError gives err the status that tells the client what to do.
func (s *Server) humaError(err error) error {
	code := status(err)
	if code == http.StatusInternalServerError {
		s.o.Logger.Error("request failed", "error", err)
	}
	return huma.NewError(code, err.Error())
}
