package web

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"bellwether"
	"bellwether/store"
)

// Options of a Server. Keys and Project are required.
type Options struct {
	Keys     *Keys
	Project  func(bellwether.ProjectID) any // the open project, nil for one that is not open
	Routes   []Route                        // beside the server's own
	Failures []Failure                      // beside those of the packages below
	Gauges   []Gauge                        // shown at /metrics
	Prefix   string                         // first-party path, such as /e, under which browsers collect as well; "": none
	Proxied  bool                           // behind a proxy whose X-Forwarded-For and -Proto are believed
	Limits   Limits
	Refused  func(w http.ResponseWriter, r *http.Request, p *Problem) // shows a browser why a page is not shown; nil: as text
	Clock    func() time.Time                                         // nil: time.Now
	Logger   *slog.Logger                                             // nil: none
}

// Server is the HTTP interface. It is an http.Handler.
type Server struct {
	o        Options
	routes   []Route
	failures []Failure
	table    *table
	mux      *http.ServeMux
	sessions *sessions
	guesses  *guesses
	keyed    *budget       // memory of bodies whose key is known
	keyless  *budget       // and of those whose key is inside
	working  chan struct{} // collecting requests that are worked on
	metrics  *metrics
}

// New returns a server of o's routes and its own. An error says which routes are wrong.
func New(o Options) (*Server, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	o.Logger = store.Limited(o.Logger) // whoever asks must not fill the log
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Prefix != "" && (!strings.HasPrefix(o.Prefix, "/") || strings.HasSuffix(o.Prefix, "/")) {
		return nil, fmt.Errorf("the prefix %q must begin with a slash and end without", o.Prefix)
	}
	o.Limits = o.Limits.withDefaults()
	s := &Server{
		o: o, failures: slices.Concat(o.Failures, Failures), sessions: newSessions(o.Clock), guesses: &guesses{clock: o.Clock, most: o.Limits.WrongKeys},
		keyed: newBudget(o.Limits.Bytes, o.Limits.Bytes/2), keyless: newBudget(o.Limits.Keyless, o.Limits.Keyless/4),
		working: make(chan struct{}, o.Limits.Working), metrics: newMetrics(o.Gauges),
	}
	s.routes = append(s.own(), o.Routes...)
	var err error
	if s.table, err = newTable(s.routes, o.Prefix, s.problem); err != nil {
		return nil, err
	}
	if s.mux, err = s.table.mux(s.method); err != nil {
		return nil, err
	}
	s.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s.refuse(w, r, nil, NotFound("there is nothing at %s", r.URL.Path).Advise("GET /openapi.json lists what there is"))
	})
	return s, nil
}

// Routes returns the whole table.
func (s *Server) Routes() []Route { return slices.Clone(s.routes) }

// OpenAPI returns the description of every route as an OpenAPI 3.1 document in JSON.
func (s *Server) OpenAPI() ([]byte, error) { return s.table.openAPI() }

// Rights returns who may ask what as a table in Markdown.
func (s *Server) Rights() string { return s.table.rights() }

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	s.mux.ServeHTTP(w, r)
}

// method answers the requests of one path.
func (s *Server) method(methods map[string]*row) http.HandlerFunc {
	allow := allowed(methods)
	return func(w http.ResponseWriter, r *http.Request) {
		m := r.Method
		if m == http.MethodHead {
			m = http.MethodGet
		}
		switch to := methods[m]; {
		case to != nil:
			s.serve(w, r, to)
		case m == http.MethodOptions && preflight(w, r, methods):
		default:
			w.Header().Set("Allow", allow)
			s.refuse(w, r, nil, NewProblem(http.StatusMethodNotAllowed, "%s can't be asked by %s", r.URL.Path, r.Method).Advise("use "+allow))
		}
	}
}

func allowed(methods map[string]*row) string {
	var out []string
	for m := range methods {
		out = append(out, m)
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

// serve answers one request of a route, whatever happens in it.
func (s *Server) serve(w http.ResponseWriter, r *http.Request, to *row) {
	start := time.Now()
	rec := &recorder{ResponseWriter: w}
	defer func() {
		if p := recover(); p != nil && p != http.ErrAbortHandler {
			s.o.Logger.Error("a handler panicked", "route", to.id, "panic", p)
			if rec.status != 0 {
				panic(http.ErrAbortHandler) // half an answer must not look like a whole one
			}
			s.refuse(rec, r, to, fmt.Errorf("panic: %v", p))
		} else if p != nil {
			panic(p)
		}
		s.metrics.observe(to.id, rec.status, time.Since(start))
	}()
	if to.browsers() {
		w.Header().Set("Access-Control-Allow-Origin", "*") // it carries a key and no cookie
	}
	if err := s.answer(rec, r, to); err != nil {
		s.refuse(rec, r, to, err)
	}
}

// answer lets a request pass that may pass: first its key, then its body, then its project.
func (s *Server) answer(w *recorder, r *http.Request, to *row) error {
	in, err := s.admit(r, to)
	if err != nil {
		return err
	}
	if err := to.checkQuery(r); err != nil {
		return err
	}
	if to.Body == Stream {
		_ = http.NewResponseController(w).EnableFullDuplex() // reports go out while the body comes in; HTTP/2 needs no telling
		r.Body = &pacedBody{r.Body, http.NewResponseController(w), s.o.Limits.Grace}
	} else {
		b, err := s.take(w, r, to, &in)
		if err != nil {
			return err
		}
		defer b.release()
		r.Body = wholeBody{bytes.NewReader(b.buf.Bytes()), b.buf.Bytes()}
	}
	if err := in.check(r, to.Body); err != nil {
		return err
	}
	if to.Role == Collect {
		leave, err := s.enter(r.Context())
		if err != nil {
			return err
		}
		defer leave()
	}
	c := &Call{Project: in.project, Role: in.role, Key: in.key, Local: in.local}
	if in.session != nil {
		c.Token = in.session.token
	}
	if to.Role != Public {
		if c.project = s.o.Project(in.project); c.project == nil {
			return NotFound("project %q is not open", in.project).Advise("start the server for it")
		}
	}
	return s.pass(w, r, to, c)
}

// enter waits a moment for a place among the collecting requests that are worked on.
func (s *Server) enter(ctx context.Context) (leave func(), err error) {
	leave = func() { <-s.working }
	select {
	case s.working <- struct{}{}:
		return leave, nil
	default:
	}
	wait := time.NewTimer(time.Second)
	defer wait.Stop()
	select {
	case s.working <- struct{}{}:
		return leave, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-wait.C:
		return nil, busy("too many requests are under way")
	}
}

// pass calls the handler, whose reports go to whoever reads them.
func (s *Server) pass(w *recorder, r *http.Request, to *row, c *Call) error {
	if !wantsReports(r, to) {
		return to.answer(w, r.WithContext(withCall(r.Context(), c)))
	}
	out := newReporter(w)
	c.progress = out.report
	r = r.WithContext(withCall(r.Context(), c))
	r.Header.Del("Accept")
	if err := to.answer(out, r); err != nil {
		out.refuse(s.problem(r.Context(), err))
	}
	return out.finish()
}

// problem is what err amounts to, noted in the log when it is a fault of the program.
func (s *Server) problem(ctx context.Context, err error) *Problem {
	p := problemOf(s.failures, err)
	if p.Status >= http.StatusInternalServerError && ctx.Err() == nil {
		s.o.Logger.ErrorContext(ctx, "request failed", "status", p.Status, "project", string(CallFrom(ctx).Project), "error", err)
	}
	if p.Status == http.StatusInternalServerError && isLocal(ctx) {
		p.Detail = err.Error() // the shell's user may know
	}
	return p
}

// refuse answers with err as a problem; a browser that asked for a page goes to sign in, or sees why not.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, to *row, err error) {
	p := s.problem(r.Context(), err)
	switch {
	case to == nil || !to.HTML || isLocal(r.Context()):
		p.write(w)
	case p.Status == http.StatusUnauthorized:
		http.Redirect(w, r, "/login?next="+url.QueryEscape(r.URL.RequestURI()), http.StatusSeeOther)
	case s.o.Refused != nil:
		s.o.Refused(w, r, p)
	default:
		http.Error(w, p.Error(), p.Status)
	}
}
