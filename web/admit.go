package web

import (
	"bytes"
	"net/http"
	"strings"

	"bellwether"
)

// admitted is what is known of the sender of a request.
type admitted struct {
	project bellwether.ProjectID
	role    Role
	key     string // id of the key
	owner   string // of borrowed memory
	local   bool
	inside  bool     // the key must be in the body
	session *session // of a browser that signed in
}

const projectHeader = "Bellwether-Project"

const keyAdvice = "send it as the user name of Basic authentication, or as Authorization: Bearer KEY"

// admit finds out who asks, before anything of the body is read.
func (s *Server) admit(r *http.Request, to *row) (admitted, error) {
	address := addressOf(r, s.o.Proxied)
	if isLocal(r.Context()) {
		return admitted{project: bellwether.ProjectID(r.Header.Get(projectHeader)), role: Admin, local: true, owner: "local"}, nil
	}
	if to.Role == Public {
		return admitted{owner: address}, nil
	}
	if key, given := keyOf(r); given {
		return s.byKey(key, address, to)
	}
	if to.Key != nil {
		if key := to.Key(r, nil); key != "" {
			return s.byKey(key, address, to)
		}
		if r.Method == http.MethodPost {
			return admitted{inside: true, owner: address}, nil
		}
	}
	if o := s.sessionOf(r); o != nil {
		return s.allow(admitted{project: o.project, role: o.role, key: o.key[:min(idLength, len(o.key))], owner: "session " + o.key, session: o}, to)
	}
	p := NewProblem(http.StatusUnauthorized, "no key was sent").Advise(keyAdvice)
	p.needsKey = true
	return admitted{}, p
}

// byKey is what a key lets in. Wrong keys are counted by address, right ones are not slowed down by them.
func (s *Server) byKey(key, address string, to *row) (admitted, error) {
	g := s.o.Keys.find(key)
	if g == nil {
		s.o.Logger.Warn("a key was refused", "because", "it is unknown or over", "route", to.id)
		if over, seconds := s.guesses.wrong(address); over {
			p := NewProblem(http.StatusTooManyRequests, "too many wrong keys came from this address").Advise("try again after Retry-After seconds, with a key that is listed")
			p.Retry = seconds
			return admitted{}, p
		}
		p := NewProblem(http.StatusUnauthorized, "the key is unknown").Advise(keyAdvice)
		p.needsKey = true
		return admitted{}, p
	}
	return s.allow(admitted{project: g.project, role: g.Role, key: g.ID, owner: g.hash}, to)
}

func (s *Server) allow(in admitted, to *row) (admitted, error) {
	if in.role.Opens(to.Role) {
		return in, nil
	}
	s.o.Logger.Warn("a key was refused", "because", "its role opens something else", "route", to.id, "project", string(in.project), "key", in.key, "role", string(in.role))
	return admitted{}, NewProblem(http.StatusForbidden, "this needs a key of the role %s; the one that was sent is for %s", to.Role, in.role).
		Advise("use a key that opens it; bellwether keys create makes one")
}

// keyOf is the key in a request's header.
func keyOf(r *http.Request) (key string, given bool) {
	if user, _, ok := r.BasicAuth(); ok {
		return user, true
	}
	return strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
}

// sessionOf is the session of a request's cookie; nil where there is none, or the key that opened it opens no more.
func (s *Server) sessionOf(r *http.Request) *session {
	c, err := r.Cookie(cookieName)
	if err != nil {
		return nil
	}
	o := s.sessions.find(c.Value)
	if o == nil || o.key != "" && s.o.Keys.byHash(o.key) == nil {
		return nil
	}
	return o
}

// take reads a body into borrowed memory, unpacks what collects, and finds the key in it where it must be there.
func (s *Server) take(w http.ResponseWriter, r *http.Request, to *row, in *admitted) (*body, error) {
	from := s.keyed
	if in.inside || to.Role == Public {
		from = s.keyless
	}
	b, err := s.o.Limits.take(w, r, to.Body.limit(), from, in.owner)
	if err != nil {
		return nil, err
	}
	if to.Role == Collect {
		err = b.unpack()
	}
	if err == nil && bytes.HasPrefix(b.buf.Bytes(), []byte("\ufeff")) {
		b.buf.Next(3) // a byte order mark, as some tools write
	}
	if err == nil && in.inside {
		*in, err = s.byKey(to.Key(r, b.buf.Bytes()), in.owner, to)
	}
	if err != nil {
		b.release()
		return nil, err
	}
	return b, nil
}

// check refuses what another site's page may have made a signed-in browser send.
func (in *admitted) check(r *http.Request, taken Body) error {
	if in.session == nil {
		return nil
	}
	form, err := BodyOf(r)
	if taken == Stream {
		form, err = nil, nil
	}
	if err == nil && in.session.forged(r, form) {
		return NewProblem(http.StatusForbidden, "the form did not come from a page of this session").Advise("load the page again and repeat it")
	}
	return err
}
