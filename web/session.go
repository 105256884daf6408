package web

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"bellwether"
)

const (
	cookieName  = "bellwether_session"
	sessionLife = 7 * 24 * time.Hour
	ticketLife  = 15 * time.Minute
	maxSessions = 10_000
	tokenHeader = "X-CSRF-Token"
)

// TokenField is the field of a page's forms that holds Call.Token.
const TokenField = "csrf"

// session is a browser that signed in. The cookie holds a random id and nothing else.
type session struct {
	key     string // digest of the key that opened it: when that is revoked, the session is over
	project bellwether.ProjectID
	role    Role
	token   string // that state-changing requests must bring
	expires time.Time
}

// sessions are kept by the digest of their ids, in memory: a restart signs everybody out.
type sessions struct {
	clock   func() time.Time
	mu      sync.Mutex
	open    map[[32]byte]*session
	tickets map[[32]byte]*session // that open one session each
}

func newSessions(clock func() time.Time) *sessions {
	return &sessions{clock: clock, open: make(map[[32]byte]*session), tickets: make(map[[32]byte]*session)}
}

// start opens a session and returns the id for the cookie.
func (s *sessions) start(of session) string {
	id := rand.Text() + rand.Text()
	of.token, of.expires = rand.Text(), s.clock().Add(sessionLife)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sweep(s.open)
	s.open[sha256.Sum256([]byte(id))] = &of
	return id
}

// sweep forgets what is over and, when too much is open, anything.
func (s *sessions) sweep(m map[[32]byte]*session) {
	if len(m) < maxSessions/10 {
		return
	}
	now := s.clock()
	for id, o := range m {
		if !now.Before(o.expires) || len(m) >= maxSessions {
			delete(m, id)
		}
	}
}

// find returns the session of a cookie, nil where there is none.
func (s *sessions) find(id string) *session {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.valid(s.open, sha256.Sum256([]byte(id)))
}

func (s *sessions) valid(m map[[32]byte]*session, id [32]byte) *session {
	o := m[id]
	if o == nil || !s.clock().Before(o.expires) {
		delete(m, id)
		return nil
	}
	return o
}

// end closes the session of a cookie.
func (s *sessions) end(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, sha256.Sum256([]byte(id)))
}

// ticket returns a text that opens one session within a quarter of an hour.
func (s *sessions) ticket(of session) string {
	id := rand.Text()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sweep(s.tickets)
	of.expires = s.clock().Add(ticketLife)
	s.tickets[sha256.Sum256([]byte(id))] = &of
	return id
}

// redeem takes a ticket for its session, nil where it is none or was used.
func (s *sessions) redeem(ticket string) *session {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := sha256.Sum256([]byte(ticket))
	o := s.valid(s.tickets, id)
	delete(s.tickets, id)
	return o
}

// forged reports whether a request of a session that changes something may have been made by another site's page: it
// must come from the same origin and bring the session's token in a header or a form.
func (o *session) forged(r *http.Request, form []byte) bool {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return false
	}
	if http.NewCrossOriginProtection().Check(r) != nil {
		return true
	}
	token := r.Header.Get(tokenHeader)
	if token == "" && strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		if values, err := url.ParseQuery(string(form)); err == nil {
			token = values.Get(TokenField)
		}
	}
	return subtle.ConstantTimeCompare([]byte(token), []byte(o.token)) != 1
}
