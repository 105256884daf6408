package routes

import (
	"context"
	"encoding/json"
	"net/http"
	"reflect"

	"bellwether"
	"bellwether/collect"
	"bellwether/web"

	"github.com/danielgtaylor/huma/v2"
)

// Catalogue takes items, each as its JSON text; requests see them when it returns.
type Catalogue interface {
	AcceptItems(ctx context.Context, texts []json.RawMessage) (collect.Result, error)
}

const maxItems = 10_000 // of a request

// itemText is an item as it was sent: it is read by who keeps it, or keeps it aside.
type itemText struct{ json.RawMessage }

// Schema implements [huma.SchemaProvider]: what is sent should be an item.
func (itemText) Schema(r huma.Registry) *huma.Schema {
	return r.Schema(reflect.TypeFor[bellwether.Item](), true, "Item")
}

type itemsInput struct {
	Body struct {
		Items []itemText `json:"items" minItems:"1" maxItems:"10000"`
	}
}

type resultOutput struct{ Body collect.Result }

// Items returns the route that writes the catalogue. A bad item is kept aside with its reason and refuses no other.
func Items(of Of[Catalogue]) []web.Route {
	return []web.Route{
		web.Typed(http.MethodPost, "/v1/items", web.Write, "Write items into the catalogue", func(ctx context.Context, in *itemsInput) (*resultOutput, error) {
			c, err := of(ctx)
			if err != nil {
				return nil, err
			}
			if n := len(in.Body.Items); n == 0 || n > maxItems {
				return nil, web.BadRequest("items has %d items; it may have 1 to %d", n, maxItems)
			}
			texts := make([]json.RawMessage, len(in.Body.Items))
			for i, item := range in.Body.Items {
				texts[i] = item.RawMessage
			}
			r, err := c.AcceptItems(ctx, texts)
			return &resultOutput{Body: r}, err
		}).With(func(r *web.Route) {
			r.Name, r.Lenient = "items", true
			r.Details = "An item that can't be read, or lacks its id, is kept aside with its reason (GET /v1/rejects) and counted; its neighbours are written."
		}),
	}
}

func named(name string) func(*web.Route) { return func(r *web.Route) { r.Name = name } }
