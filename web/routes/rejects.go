package routes

import (
	"context"
	"net/http"

	"bellwether/collect"
	"bellwether/web"
)

// Rejects are the dead letters.
type Rejects interface {
	DeadLetters(ctx context.Context, fn func(collect.Rejected) bool) error
	Replay(ctx context.Context, ids []string, edit func(collect.Rejected) ([]byte, error)) (collect.Result, error)
}

// Refusal is a dead letter with its text.
type Refusal struct {
	collect.Rejected
	Text string `json:"text" doc:"As it came, at most 256 KiB of it."`
}

type limitInput struct {
	Limit int `query:"limit" default:"100" minimum:"1" maximum:"1000" doc:"How many at most."`
}

type rejectsOutput struct{ Body []Refusal }

type replayInput struct {
	Body struct {
		IDs []string `json:"ids" minItems:"1" maxItems:"10000" doc:"Of the dead letters."`
	}
}

// DeadLetters returns the routes of what was refused and why.
func DeadLetters(of Of[Rejects]) []web.Route {
	list := func(ctx context.Context, in *limitInput) (*rejectsOutput, error) {
		c, err := of(ctx)
		if err != nil {
			return nil, err
		}
		out := &rejectsOutput{Body: []Refusal{}}
		err = c.DeadLetters(ctx, func(r collect.Rejected) bool {
			out.Body = append(out.Body, Refusal{Rejected: r, Text: string(r.Raw)})
			return len(out.Body) < in.Limit
		})
		return out, err
	}
	replay := func(ctx context.Context, in *replayInput) (*resultOutput, error) {
		c, err := of(ctx)
		if err != nil {
			return nil, err
		}
		r, err := c.Replay(ctx, in.Body.IDs, nil)
		return &resultOutput{Body: r}, err
	}
	return []web.Route{
		web.Typed(http.MethodGet, "/v1/rejects", web.Admin, "What was refused, and why", list),
		web.Typed(http.MethodPost, "/v1/rejects/replay", web.Admin, "Try refused messages again", replay).With(named("rejects-replay")),
	}
}
