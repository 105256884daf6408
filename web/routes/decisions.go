package routes

import (
	"context"
	"net/http"

	"bellwether"
	"bellwether/web"
)

// Decisions are read, newest first or by id.
type Decisions interface {
	Recent(ctx context.Context, n int) ([]bellwether.Decision, error)
	Decision(ctx context.Context, id bellwether.DecisionID) (bellwether.Decision, error)
}

type decisionsOutput struct{ Body []bellwether.Decision }

type decisionInput struct {
	ID string `path:"id"`
}

type decisionOutput struct{ Body bellwether.Decision }

// DecisionLog returns the routes that read decisions, with their candidates and propensities.
func DecisionLog(of Of[Decisions]) []web.Route {
	list := func(ctx context.Context, in *limitInput) (*decisionsOutput, error) {
		d, err := of(ctx)
		if err != nil {
			return nil, err
		}
		list, err := d.Recent(ctx, in.Limit)
		return &decisionsOutput{Body: list}, err
	}
	one := func(ctx context.Context, in *decisionInput) (*decisionOutput, error) {
		d, err := of(ctx)
		if err != nil {
			return nil, err
		}
		decision, err := d.Decision(ctx, bellwether.DecisionID(in.ID))
		return &decisionOutput{Body: decision}, err
	}
	return []web.Route{
		web.Typed(http.MethodGet, "/v1/decisions", web.Admin, "The newest decisions", list),
		web.Typed(http.MethodGet, "/v1/decisions/{id}", web.Admin, "One decision", one),
	}
}
