// Package web is the HTTP interface: a server, and a client for the shell.
//
// Everything that can be asked is a [Route], a row of one table: method, path, role, doc, and what answers. From the
// table are made the mux, the OpenAPI document, the rights (who may ask what) and the test that walks every route
// under every role. Applications give their routes and pages as values; this package knows none of them.
//
//	web.Typed(http.MethodGet, "/v1/models", web.Admin, "The models in service", func(ctx context.Context, in *struct{}) (*Models, error) { … })
//	web.Raw(http.MethodPost, "/v1/recommend", web.Read, "A slate for one person", func(w http.ResponseWriter, r *http.Request) error { … })
//	web.Page(http.MethodGet, "/models", web.Admin, "The models, card by card", handler)
//
// A request names its project by its key alone: Basic authentication with the key as user name, or
// Authorization: Bearer KEY, or a session's cookie. Over the socket in the data folder no key is needed, since the
// file system has decided who may open it. A handler takes its project from the context ([ProjectOf]).
//
// A handler returns its error; [Failure] rows say once which status an error has and what to do about it. Every
// refusal is an RFC 9457 document ([Problem]).
//
// A call that takes long reports through [Progress]; a client that accepts application/x-ndjson reads the reports as
// they come, and then the answer or the problem.
package web
