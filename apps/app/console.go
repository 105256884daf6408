package app

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/http"

	"bellwether/web"
	"bellwether/web/page"
)

// Console makes the rows of the pages: those of all applications in one frame, and more that belong to none. refused shows a
// browser why a page is not shown.
func Console(all []Application, o page.Options, more ...page.Module) (routes []web.Route, refused func(http.ResponseWriter, *http.Request, *web.Problem), err error) {
	modules := more
	for _, a := range all {
		if a.Pages != nil {
			m := *a.Pages
			m.Name = cmp.Or(m.Name, a.Name)
			modules = append(modules, m)
		}
	}
	failures := append(Failures(all), web.Failures...)
	o.Project = func(r *http.Request) string { return string(web.CallFrom(r.Context()).Project) }
	o.Allowed = func(r *http.Request, role string) bool { return web.CallFrom(r.Context()).Role.Opens(web.Role(role)) }
	o.Token = func(r *http.Request) (name, value string) { return web.TokenField, web.CallFrom(r.Context()).Token }
	o.Status = func(err error) int {
		var p *web.Problem
		if errors.As(err, &p) {
			return p.Status
		}
		for _, f := range failures {
			if errors.Is(err, f.Err) {
				return f.Status
			}
		}
		return 0
	}
	o.SignOut = cmp.Or(o.SignOut, "/logout")
	frame, err := page.New(o, modules...)
	if err != nil {
		return nil, nil, fmt.Errorf("making the pages: %w", err)
	}
	for _, r := range frame.Routes() {
		row := web.Page(r.Method, r.Path, web.Role(r.Role), r.Doc, withBody(r.Handler))
		row.Name = "page-" + row.OperationID()
		routes = append(routes, row)
	}
	return routes, func(w http.ResponseWriter, r *http.Request, p *web.Problem) { frame.Fail(w, r, p) }, nil
}

// withBody gives a form's handler the body that the server has taken in.
func withBody(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			body, err := web.BodyOf(r)
			if err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
		}
		next.ServeHTTP(w, r)
	})
}
