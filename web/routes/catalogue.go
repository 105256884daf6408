package routes

import (
	"context"
	"net/http"

	"bellwether"
	"bellwether/collect"
	"bellwether/web"
)

// Catalogue takes items; requests see them when it returns.
type Catalogue interface {
	AcceptItems(ctx context.Context, items []bellwether.Item) (collect.Result, error)
}

type itemsInput struct {
	Body struct {
		Items []bellwether.Item `json:"items" minItems:"1" maxItems:"10000"`
	}
}

type resultOutput struct{ Body collect.Result }

// Items returns the route that writes the catalogue.
func Items(of Of[Catalogue]) []web.Route {
	return []web.Route{
		web.Typed(http.MethodPost, "/v1/items", web.Write, "Write items into the catalogue", func(ctx context.Context, in *itemsInput) (*resultOutput, error) {
			c, err := of(ctx)
			if err != nil {
				return nil, err
			}
			r, err := c.AcceptItems(ctx, in.Body.Items)
			return &resultOutput{Body: r}, err
		}).With(named("items")),
	}
}

func named(name string) func(*web.Route) { return func(r *web.Route) { r.Name = name } }
