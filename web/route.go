package web

import (
	"cmp"
	"context"
	"net/http"
	"reflect"
	"strings"

	"bellwether/collect"

	"github.com/danielgtaylor/huma/v2"
)

// Handler answers a request, or returns why it can't; it must not have written anything then.
type Handler func(w http.ResponseWriter, r *http.Request) error

// Body says how the body of a request is taken in.
type Body int

// Bodies.
const (
	Small  Body = iota // at most 4 MiB, unpacked
	Large              // at most 16 MiB
	Stream             // of any length: read as it comes, held by nobody
)

// limit is the length of the longest body in bytes; −1: none.
func (b Body) limit() int64 {
	switch b {
	case Small:
		return collect.MaxBody
	case Large:
		return 16 << 20
	}
	return -1
}

// Route is one row of the table of everything that can be asked. Make one with [Typed] or [Raw].
type Route struct {
	Method  string
	Path    string    // as http.ServeMux writes it, such as /v1/decisions/{id}; a slash at the end makes no difference
	Aliases []string  // other paths of the same route, for clients that were written for others
	Role    Role      // that a key must open
	Name    string    // of the operation; "": from method and path
	Doc     string    // one line: what one gets
	Details string    // more, for the OpenAPI document
	Body    Body      // how long a body may be
	Query   []Query   // parameters of a raw route
	Accepts []string  // content types of a raw route's body; nil: JSON, where the method has a body
	Answers []string  // content types of a raw route's answer; nil: JSON
	Key     KeyFinder // of a route that collects: where else its key may be; nil: in the header alone
	HTML    bool      // asked by browsers for people: see Page
	Lenient bool      // of a typed route: its handler checks the body part by part, so that a bad part refuses no other

	raw   Handler
	typed func(api huma.API, op huma.Operation, problem func(context.Context, error) *Problem)
}

// KeyFinder finds a key outside of the header, for clients that put it elsewhere. It is asked with body nil first, for
// a key in the address, and with the body when that gave none.
type KeyFinder func(r *http.Request, body []byte) string

// Query describes one parameter of a raw route's address.
type Query struct{ Name, Doc string }

// Typed returns a route whose input and output are described to OpenAPI by their types, in huma's way: fields of I
// tagged path, query or header, and Body; O has a Body. The error of do is mapped by the server's [Failure] rows.
func Typed[I, O any](method, path string, role Role, doc string, do func(ctx context.Context, in *I) (*O, error)) Route {
	return Route{
		Method: method, Path: path, Role: role, Doc: doc, Body: Large,
		typed: func(api huma.API, op huma.Operation, problem func(context.Context, error) *Problem) {
			api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[Problem](), true, "Problem")
			huma.Register(api, op, func(ctx context.Context, in *I) (*O, error) {
				out, err := do(ctx, in)
				if err != nil {
					return nil, problem(ctx, err)
				}
				return out, nil
			})
		},
	}
}

// Raw returns a route that reads and writes HTTP itself: hot paths, streams, other people's formats, pages.
func Raw(method, path string, role Role, doc string, do Handler) Route {
	return Route{Method: method, Path: path, Role: role, Doc: doc, raw: do}
}

// With returns the route changed by change: its aliases, its body, what it accepts and answers.
func (r Route) With(change func(*Route)) Route {
	change(&r)
	return r
}

// OperationID names the route in the OpenAPI document, in generated clients and in metrics.
func (r *Route) OperationID() string {
	path := strings.TrimPrefix(strings.TrimPrefix(r.Path, "/"), "v1/")
	path = strings.NewReplacer("/", "-", "{", "", "}", "", "$", "", "...", "").Replace(path)
	path = cmp.Or(strings.Trim(path, "-"), "today")
	return cmp.Or(r.Name, strings.ToLower(r.Method)+"-"+path)
}

// browsers reports whether pages of other sites may ask: they send events with a key that can do nothing else.
func (r *Route) browsers() bool { return r.Role == Collect }

// Page returns a route that a browser asks for a person: without a session it leads to /login, and a refusal is shown
// by Options.Refused. The rows of the console's frame are made by it: its pages, their forms, its assets.
func Page(method, path string, role Role, doc string, h http.Handler) Route {
	r := Raw(method, path, role, doc, func(w http.ResponseWriter, r *http.Request) error {
		h.ServeHTTP(w, r)
		return nil
	})
	r.HTML, r.Accepts, r.Answers = true, []string{"application/x-www-form-urlencoded"}, []string{"text/html"}
	return r
}
