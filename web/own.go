package web

import (
	"context"
	"net/http"
	"time"

	"bellwether/store"
)

// own are the server's own routes.
func (s *Server) own() []Route {
	return []Route{
		Raw(http.MethodGet, "/healthz", Public, "Whether the server answers", func(w http.ResponseWriter, _ *http.Request) error {
			_, err := w.Write([]byte("ok\n"))
			return err
		}).With(func(r *Route) { r.Answers = []string{"text/plain"} }),
		Raw(http.MethodGet, "/metrics", Admin, "Figures of the server and of the project, for Prometheus", s.metrics.show).
			With(func(r *Route) { r.Answers = []string{"text/plain"} }),
		Raw(http.MethodGet, "/openapi.json", Public, "This description", func(w http.ResponseWriter, _ *http.Request) error {
			b, err := s.OpenAPI()
			if err != nil {
				return err
			}
			w.Header().Set("Content-Type", "application/json")
			_, err = w.Write(b)
			return err
		}),
		Raw(http.MethodGet, "/login", Public, "The page to sign in", s.loginPage).With(func(r *Route) {
			r.Answers, r.Query = []string{"text/html"}, []Query{{"next", "Page to go to then."}, {"ticket", "Opens one session, within a quarter of an hour."}}
		}),
		Raw(http.MethodGet, "/login.css", Public, "The look of the page to sign in", func(w http.ResponseWriter, _ *http.Request) error {
			w.Header().Set("Content-Type", "text/css; charset=utf-8")
			_, err := w.Write(loginStyle)
			return err
		}).With(func(r *Route) { r.Answers = []string{"text/css"} }),
		Raw(http.MethodPost, "/login", Public, "Sign in", s.login).With(formPage),
		Raw(http.MethodPost, "/logout", Public, "Sign out", s.logout).With(formPage),
		Typed(http.MethodGet, "/v1/keys", Admin, "The keys of the project", s.listKeys).With(named("list-keys")),
		Typed(http.MethodPost, "/v1/keys", Admin, "Make a key; it is shown this once", s.createKey).With(named("create-key")),
		Typed(http.MethodDelete, "/v1/keys/{id}", Admin, "Make a key worthless", s.revokeKey).With(named("revoke-key")),
		Typed(http.MethodPost, "/v1/keys/{id}/rotate", Admin, "Make a key in the place of another one, which goes on opening for a while", s.rotateKey).With(named("rotate-key")),
		Typed(http.MethodPost, "/v1/tickets", Admin, "Make an address part that signs one browser in", s.createTicket).With(named("create-ticket")),
	}
}

func named(name string) func(*Route) { return func(r *Route) { r.Name = name } }

func formPage(r *Route) {
	r.Accepts, r.Answers = []string{"application/x-www-form-urlencoded"}, []string{"text/html"}
}

type keysOutput struct{ Body []Key }

func (s *Server) listKeys(ctx context.Context, _ *struct{}) (*keysOutput, error) {
	return &keysOutput{Body: s.o.Keys.List(CallFrom(ctx).Project)}, nil
}

type createKeyInput struct {
	Body struct {
		Role    Role      `json:"role" enum:"collect,read,write,admin" doc:"What it opens."`
		Label   string    `json:"label,omitempty" maxLength:"200" doc:"Where it will be used."`
		Expires time.Time `json:"expires,omitzero" doc:"From then on it opens nothing; absent: never."`
	}
}

type newKeyOutput struct {
	Body struct {
		ID  string `json:"id"`
		Key string `json:"key" doc:"Shown this once."`
	}
}

func (s *Server) createKey(ctx context.Context, in *createKeyInput) (*newKeyOutput, error) {
	p, err := s.stored(ctx)
	if err != nil {
		return nil, err
	}
	key, err := s.o.Keys.Create(ctx, p, in.Body.Role, in.Body.Label, in.Body.Expires)
	return newKey(key, err)
}

func newKey(key string, err error) (*newKeyOutput, error) {
	if err != nil {
		return nil, err
	}
	out := new(newKeyOutput)
	out.Body.ID, out.Body.Key = KeyID(key), key
	return out, nil
}

// stored is the project of a call in the store.
func (s *Server) stored(ctx context.Context) (*store.Project, error) {
	return s.o.Keys.st.Project(ctx, CallFrom(ctx).Project)
}

type keyInput struct {
	ID string `path:"id" doc:"Of the key, as listed, or the key itself."`
}

func (s *Server) revokeKey(ctx context.Context, in *keyInput) (*struct{}, error) {
	p, err := s.stored(ctx)
	if err == nil {
		err = s.o.Keys.Revoke(ctx, p, in.ID)
	}
	return nil, err
}

type rotateInput struct {
	ID   string `path:"id" doc:"Of the key, as listed, or the key itself."`
	Body struct {
		Overlap string `json:"overlap,omitempty" default:"24h" doc:"How long the old key goes on opening, such as 24h."`
	}
}

func (s *Server) rotateKey(ctx context.Context, in *rotateInput) (*newKeyOutput, error) {
	overlap, err := time.ParseDuration(in.Body.Overlap)
	if err != nil || overlap < 0 {
		return nil, BadRequest("the overlap is %q; write it as 24h or 30m", in.Body.Overlap)
	}
	p, err := s.stored(ctx)
	if err != nil {
		return nil, err
	}
	key, err := s.o.Keys.Rotate(ctx, p, in.ID, overlap)
	return newKey(key, err)
}

type ticketOutput struct {
	Body struct {
		Path string `json:"path" doc:"Of the server: the browser that opens it first, within a quarter of an hour, is signed in."`
	}
}

func (s *Server) createTicket(ctx context.Context, _ *struct{}) (*ticketOutput, error) {
	out := new(ticketOutput)
	c := CallFrom(ctx)
	out.Body.Path = "/login?ticket=" + s.sessions.ticket(session{project: c.Project, role: c.Role, key: s.o.Keys.hashOf(c)})
	return out, nil
}
