package web

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

func description() huma.Config {
	c := huma.DefaultConfig("Bellwether", "1")
	c.DocsPath, c.SchemasPath, c.OpenAPIPath, c.CreateHooks = "", "", "", nil
	c.Info.Description = "Errors are RFC 9457 problem documents that say what to do. A security requirement lists the role that a key must open."
	c.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"key":     {Type: "http", Scheme: "basic", Description: "The key as user name; Authorization: Bearer KEY does as well."},
		"session": {Type: "apiKey", In: "cookie", Name: cookieName, Description: "Of a browser that signed in at /login."},
	}
	c.Transformers = []huma.Transformer{func(_ huma.Context, _ string, v any) (any, error) {
		if m, ok := v.(*huma.ErrorModel); ok {
			return ofHuma(m), nil
		}
		return v, nil
	}}
	return c
}

// operation is what OpenAPI says of every route.
func (r *Route) operation() huma.Operation {
	op := huma.Operation{
		OperationID: r.OperationID(), Method: r.Method, Path: strings.ReplaceAll(r.Path, "...}", "}"), Summary: r.Doc,
		Description: r.Details, MaxBodyBytes: r.Body.limit(), BodyReadTimeout: -1, // the server has read deadlines of its own
		SkipValidateBody: r.Lenient,
		Responses: map[string]*huma.Response{"default": {
			Description: "A problem",
			Content:     map[string]*huma.MediaType{"application/problem+json": {Schema: &huma.Schema{Ref: "#/components/schemas/Problem"}}},
		}},
	}
	if len(r.Aliases) > 0 {
		op.Description = strings.TrimSpace(op.Description + "\n\nAlso at " + strings.Join(r.Aliases, ", ") + ".")
	}
	if r.Role == Public {
		op.Security = []map[string][]string{{}}
	} else {
		op.Security = []map[string][]string{{"key": {string(r.Role)}}, {"session": {string(r.Role)}}}
	}
	return op
}

// rawOperation describes a route that reads and writes HTTP itself.
func (r *Route) rawOperation(schemas huma.Registry) *huma.Operation {
	schemas.Schema(reflect.TypeFor[Problem](), true, "Problem")
	op := r.operation()
	answer := &huma.Response{Description: http.StatusText(http.StatusOK), Content: map[string]*huma.MediaType{}}
	for _, t := range types(r.Answers) {
		answer.Content[t] = &huma.MediaType{}
	}
	op.Responses["200"] = answer
	if r.Method == http.MethodPost || r.Method == http.MethodPut || r.Method == http.MethodPatch {
		op.RequestBody = &huma.RequestBody{Content: map[string]*huma.MediaType{}}
		for _, t := range types(r.Accepts) {
			op.RequestBody.Content[t] = &huma.MediaType{}
		}
	}
	for part := range strings.SplitSeq(op.Path, "/") {
		if name, found := strings.CutPrefix(part, "{"); found {
			op.Parameters = append(op.Parameters, &huma.Param{
				Name: strings.TrimSuffix(name, "}"), In: "path", Required: true, Schema: &huma.Schema{Type: huma.TypeString},
			})
		}
	}
	for _, q := range r.Query {
		op.Parameters = append(op.Parameters, &huma.Param{Name: q.Name, In: "query", Description: q.Doc, Schema: &huma.Schema{Type: huma.TypeString}})
	}
	return &op
}

func types(named []string) []string {
	if len(named) == 0 {
		return []string{"application/json"}
	}
	return named
}

// openAPI is the OpenAPI 3.1 document of the table, indented.
func (t *table) openAPI() ([]byte, error) {
	text, err := t.api.OpenAPI().MarshalJSON()
	if err != nil {
		return nil, fmt.Errorf("writing the OpenAPI document: %w", err)
	}
	var b bytes.Buffer
	if err := json.Indent(&b, text, "", "  "); err != nil {
		return nil, fmt.Errorf("writing the OpenAPI document: %w", err)
	}
	return append(b.Bytes(), '\n'), nil
}

// rights is the table of who may ask what, in Markdown: a row a route, a column a role.
func (t *table) rights() string {
	rows := slices.Clone(t.rows)
	slices.SortFunc(rows, func(a, b row) int { return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Method, b.Method)) })
	var b strings.Builder
	b.WriteString("| route | what it gives | no key | collect | read | write | admin |\n|---|---|---|---|---|---|---|\n")
	for _, r := range rows {
		fmt.Fprintf(&b, "| `%s %s` | %s |", r.Method, r.Path, r.Doc)
		for _, role := range append([]Role{Public}, Roles...) {
			mark := " "
			if role.Opens(r.Role) {
				mark = " ● "
			}
			b.WriteString(mark + "|")
		}
		b.WriteByte('\n')
	}
	return b.String()
}
