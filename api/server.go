package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"bellwether"
	"bellwether/collect"
	"bellwether/decide"
	"bellwether/pipeline"
	"bellwether/store"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Options of a Server.
type Options struct {
	Keys    *Keys
	Engine  func(bellwether.ProjectID) *pipeline.Engine                // nil for a project that is not open
	Console func(*pipeline.Engine, http.ResponseWriter, *http.Request) // the pages; nil: none
	Logger  *slog.Logger                                               // nil: none
}

// Server is the HTTP interface. It is an http.Handler.
type Server struct {
	o        Options
	mux      *http.ServeMux
	registry *prometheus.Registry
	latency  *prometheus.SummaryVec // seconds of answered requests, by operation
	failures *prometheus.CounterVec // by operation and status
}

// New returns the HTTP interface over the engines that o names.
func New(o Options) *Server {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Server{o: o, mux: http.NewServeMux(), registry: prometheus.NewRegistry()}
	s.latency = prometheus.NewSummaryVec(prometheus.SummaryOpts{
		Name: "bellwether_request_seconds", Help: "Time to answer, by operation.",
		Objectives: map[float64]float64{0.5: 0.02, 0.9: 0.01, 0.99: 0.001},
	}, []string{"operation"})
	s.failures = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "bellwether_request_failures_total", Help: "Requests that were not answered with success, by status.",
	}, []string{"status"})
	s.registry.MustRegister(s.latency, s.failures, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	s.routes()
	return s
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

func (s *Server) routes() {
	ingest := collect.Handler(s.collector, collect.HandlerOptions{})
	for _, path := range []string{"batch", "track", "identify", "page", "screen", "group", "alias", "import"} {
		s.mux.Handle("/v1/"+path, ingest)
	}
	s.mux.Handle("/v1/projects/", ingest)
	s.mux.HandleFunc("GET /v1/recommend", s.with(Write, s.recommend))
	s.mux.HandleFunc("POST /v1/recommend", s.with(Write, s.recommend))
	s.mux.Handle("GET /metrics", promhttp.HandlerFor(s.registry, promhttp.HandlerOpts{}))
	s.mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })

	operations := http.NewServeMux()
	s.describe(humago.New(operations, describe()))
	s.mux.HandleFunc("/v1/", s.operations(operations))
	s.mux.Handle("/openapi.json", operations)
	if s.o.Console != nil {
		s.mux.HandleFunc("/login", s.login)
		s.mux.HandleFunc("/", s.page)
	}
}

// OpenAPI returns the description of the interface as an OpenAPI 3.1 document in JSON.
func OpenAPI() ([]byte, error) {
	api := humago.New(http.NewServeMux(), describe())
	(&Server{}).describe(api)
	return api.OpenAPI().MarshalJSON()
}

func describe() huma.Config {
	c := huma.DefaultConfig("Bellwether", "1")
	c.DocsPath = ""
	c.SchemasPath = ""
	c.CreateHooks = nil
	c.OpenAPIPath = "/openapi"
	c.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"key": {Type: "http", Scheme: "basic", Description: "The key as user name; or as a bearer token."},
	}
	c.Security = []map[string][]string{{"key": {}}}
	return c
}

// collector finds the collector of a write key, for package collect.
func (s *Server) collector(_ context.Context, key string) (*collect.Collector, error) {
	g, known := s.o.Keys.Find(key)
	if !known {
		return nil, collect.ErrUnknownKey
	}
	e := s.o.Engine(g.Project)
	if e == nil {
		return nil, fmt.Errorf("project %s is not open", g.Project)
	}
	return e.Collector, nil
}

type engineKey struct{}

// engineOf returns the engine that operations put into the context.
func engineOf(ctx context.Context) *pipeline.Engine {
	e, _ := ctx.Value(engineKey{}).(*pipeline.Engine)
	return e
}

// operations lets a request pass to the described operations with its project's engine in the context.
func (s *Server) operations(next http.Handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		role := Admin
		switch strings.TrimPrefix(r.URL.Path, "/v1/") {
		case "decide", "predict", "items":
			role = Write
		}
		s.with(role, func(w http.ResponseWriter, r *http.Request, e *pipeline.Engine) {
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), engineKey{}, e)))
		})(w, r)
	}
}

// with finds the engine of the request's key and refuses keys that do not open role.
func (s *Server) with(role Role, next func(http.ResponseWriter, *http.Request, *pipeline.Engine)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		g, known := s.o.Keys.Find(keyOf(r))
		switch {
		case !known:
			w.Header().Set("WWW-Authenticate", `Basic realm="bellwether"`)
			s.fail(w, http.StatusUnauthorized, "the key is unknown: send it as the user name of Basic authentication, or as a bearer token")
		case role == Admin && g.Role != Admin:
			s.fail(w, http.StatusForbidden, "this needs an admin key; the key that was sent is a write key")
		default:
			e := s.o.Engine(g.Project)
			if e == nil {
				s.fail(w, http.StatusNotFound, fmt.Sprintf("project %s is not open", g.Project))
				return
			}
			next(w, r, e)
		}
	}
}

const cookie = "bellwether_key"

func keyOf(r *http.Request) string {
	if user, _, ok := r.BasicAuth(); ok {
		return user
	}
	if token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		return token
	}
	if c, err := r.Cookie(cookie); err == nil && r.Method == http.MethodGet {
		return c.Value
	}
	return ""
}

// login keeps the key of /login?key=KEY in a cookie for the pages.
func (s *Server) login(w http.ResponseWriter, r *http.Request) {
	key := r.URL.Query().Get("key")
	if g, known := s.o.Keys.Find(key); !known || g.Role != Admin {
		s.fail(w, http.StatusUnauthorized, "the pages need an admin key: /login?key=KEY")
		return
	}
	http.SetCookie(w, &http.Cookie{Name: cookie, Value: key, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode})
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func (s *Server) page(w http.ResponseWriter, r *http.Request) {
	s.with(Admin, func(w http.ResponseWriter, r *http.Request, e *pipeline.Engine) { s.o.Console(e, w, r) })(w, r)
}

// status maps an error to the status that tells a client what to do.
func status(err error) int {
	switch {
	case errors.Is(err, pipeline.ErrBadRequest):
		return http.StatusBadRequest
	case errors.Is(err, pipeline.ErrNothingToRecommend), errors.Is(err, pipeline.ErrNoRun), errors.Is(err, pipeline.ErrStranger), errors.Is(err, decide.ErrNotFound):
		return http.StatusNotFound
	case errors.Is(err, decide.ErrKeyReused), errors.Is(err, pipeline.ErrTurnRunning), errors.Is(err, pipeline.ErrNoData):
		return http.StatusConflict
	case errors.Is(err, store.ErrUnavailable):
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// problem answers with err as an RFC 9457 document.
func (s *Server) problem(w http.ResponseWriter, r *http.Request, err error) {
	code := status(err)
	switch {
	case r.Context().Err() != nil:
		return // the client left
	case code == http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", "1")
	case code == http.StatusInternalServerError:
		s.o.Logger.ErrorContext(r.Context(), "request failed", "path", r.URL.Path, "error", err)
	}
	s.fail(w, code, err.Error())
}

func (s *Server) fail(w http.ResponseWriter, code int, detail string) {
	s.failures.WithLabelValues(fmt.Sprint(code)).Inc()
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(code)
	writeBody(w, huma.ErrorModel{Title: http.StatusText(code), Status: code, Detail: detail})
}
