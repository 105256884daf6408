package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

// table is every route, ready to answer.
type table struct {
	rows  []row
	paths map[string]map[string]*row // by pattern of the mux, then by method
	api   huma.API
}

// row is a route with what answers it once its caller is known.
type row struct {
	Route
	id     string   // OperationID
	known  []string // names of its parameters in the address, in their order
	answer Handler
}

// newTable describes and checks routes. Errors of typed routes go through problem, which knows their status.
func newTable(routes []Route, prefix string, problem func(context.Context, error) *Problem) (t *table, err error) {
	if err := checkAll(routes); err != nil {
		return nil, err
	}
	defer func() {
		if p := recover(); p != nil { // huma panics on types that it can't describe
			t, err = nil, fmt.Errorf("routes: %v", p)
		}
	}()
	t = &table{paths: make(map[string]map[string]*row), rows: make([]row, len(routes))}
	ops := &operations{}
	t.api = huma.NewAPI(description(), ops)
	var errs []error
	for i, r := range routes {
		t.rows[i] = row{Route: r, id: r.OperationID(), answer: r.raw}
		if r.typed != nil {
			r.typed(t.api, r.operation(), problem)
			t.rows[i].answer = ops.last()
			for _, p := range ops.op.Parameters {
				if p.In == "query" {
					t.rows[i].known = append(t.rows[i].known, p.Name)
				}
			}
		} else {
			for _, q := range r.Query {
				t.rows[i].known = append(t.rows[i].known, q.Name)
			}
			t.api.OpenAPI().AddOperation(r.rawOperation(t.api.OpenAPI().Components.Schemas))
		}
		for _, pattern := range r.patterns(prefix) {
			errs = append(errs, t.place(pattern, &t.rows[i]))
		}
	}
	for i := range t.rows {
		for _, pattern := range t.rows[i].short(prefix) {
			if t.paths[pattern][t.rows[i].Method] == nil { // else a route that is called so has it
				errs = append(errs, t.place(pattern, &t.rows[i]))
			}
		}
	}
	delete(t.api.OpenAPI().Components.Schemas.Map(), "ErrorModel") // errors are problems here
	delete(t.api.OpenAPI().Components.Schemas.Map(), "ErrorDetail")
	return t, errors.Join(errs...)
}

func (t *table) place(pattern string, r *row) error {
	methods := t.paths[pattern]
	if methods == nil {
		methods = make(map[string]*row)
		t.paths[pattern] = methods
	}
	if other := methods[r.Method]; other != nil {
		return fmt.Errorf("%s %s is two routes: %q and %q", r.Method, pattern, other.Doc, r.Doc)
	}
	methods[r.Method] = r
	return nil
}

// checkAll says what is wrong with routes, each alone and together.
func checkAll(routes []Route) error {
	var errs []error
	ids := make(map[string]string)
	for _, r := range routes {
		id := r.OperationID()
		if other, taken := ids[id]; taken {
			errs = append(errs, fmt.Errorf("%s %s and %s are both named %s: set Name", r.Method, r.Path, other, id))
		}
		ids[id] = r.Method + " " + r.Path
		errs = append(errs, r.check())
	}
	return errors.Join(errs...)
}

// check says what a route lacks.
func (r *Route) check() error {
	switch {
	case r.raw == nil && r.typed == nil:
		return fmt.Errorf("%s %s answers nothing: make it with Typed or Raw", r.Method, r.Path)
	case r.Method == "" || !strings.HasPrefix(r.Path, "/"):
		return fmt.Errorf("route %q %q needs a method and a path that begins with /", r.Method, r.Path)
	case r.Role != Public && !r.Role.Valid():
		return fmt.Errorf("%s %s asks for the role %q, which does not exist", r.Method, r.Path, r.Role)
	case r.Doc == "":
		return fmt.Errorf("%s %s says nothing about itself", r.Method, r.Path)
	}
	return nil
}

// patterns lists where the mux finds a route: its path and aliases with and without a slash at the end, and for what
// browsers call, the same under the first-party prefix.
func (r *Route) patterns(prefix string) []string {
	paths := append([]string{r.Path}, r.Aliases...)
	if prefix != "" && r.browsers() {
		for _, p := range slices.Clone(paths) {
			paths = append(paths, prefix+p)
		}
	}
	return slashed(paths)
}

// short lists where else browsers find a route: under the prefix without /v1, where no other route is.
func (r *Route) short(prefix string) []string {
	if prefix == "" || !r.browsers() {
		return nil
	}
	var paths []string
	for _, p := range append([]string{r.Path}, r.Aliases...) {
		if short, versioned := strings.CutPrefix(p, "/v1"); versioned && short != "" {
			paths = append(paths, prefix+short)
		}
	}
	return slashed(paths)
}

// slashed are patterns of paths with and without a slash at the end.
func slashed(paths []string) []string {
	var out []string
	for _, p := range paths {
		switch {
		case p == "/":
			out = append(out, "/{$}")
		case strings.HasSuffix(p, "...}"):
			out = append(out, p)
		default:
			p = strings.TrimSuffix(p, "/")
			out = append(out, p, p+"/{$}")
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// mux returns what finds the methods of a path.
func (t *table) mux(serve func(methods map[string]*row) http.HandlerFunc) (m *http.ServeMux, err error) {
	defer func() {
		if p := recover(); p != nil { // ServeMux panics on patterns that could both match
			err = fmt.Errorf("routes: %v", p)
		}
	}()
	m = http.NewServeMux()
	for pattern, methods := range t.paths {
		m.HandleFunc(pattern, serve(methods))
	}
	return m, nil
}

// operations is the adapter that huma registers typed routes with: it only keeps them.
type operations struct {
	op     *huma.Operation
	handle func(huma.Context)
}

// Handle keeps an operation.
func (o *operations) Handle(op *huma.Operation, handle func(huma.Context)) {
	o.op, o.handle = op, handle
}

// ServeHTTP is never called: the mux is the table's own.
func (o *operations) ServeHTTP(w http.ResponseWriter, r *http.Request) { http.NotFound(w, r) }

// last returns the newest operation as a handler.
func (o *operations) last() Handler {
	op, handle := o.op, o.handle
	return func(w http.ResponseWriter, r *http.Request) error {
		handle(humago.NewContext(op, r, w))
		return nil
	}
}
