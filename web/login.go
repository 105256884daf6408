package web

import (
	"bytes"
	_ "embed" // the form
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"time"
)

//go:embed login.html.tmpl
var loginText string

//go:embed login.css
var loginStyle []byte

var loginTemplate = template.Must(template.New("login").Parse(loginText))

// loginForm is what the page to sign in shows.
type loginForm struct {
	Lang, Title, Label, Hint, Button, Problem, Next string
}

func formOf(r *http.Request, next, problem string) loginForm {
	if strings.HasPrefix(strings.ToLower(r.Header.Get("Accept-Language")), "zh") {
		return loginForm{"zh", "登录", "密钥", "bellwether keys create admin 可以创建一个密钥。", "登录", problem, next}
	}
	return loginForm{"en", "Sign in", "Key", "bellwether keys create admin makes one.", "Sign in", problem, next}
}

// loginPage shows the form, or signs in who brings a ticket.
func (s *Server) loginPage(w http.ResponseWriter, r *http.Request) error {
	next := local(r.URL.Query().Get("next"))
	if ticket := r.URL.Query().Get("ticket"); ticket != "" && r.Method == http.MethodGet {
		o := s.sessions.redeem(ticket)
		if o == nil {
			return showLogin(w, http.StatusUnauthorized, formOf(r, next, "The address was used or is too old. / 此链接已被使用或已过期。"))
		}
		return s.signIn(w, r, *o, next)
	}
	return showLogin(w, http.StatusOK, formOf(r, next, ""))
}

// login signs in who brings a key. Keys that only collect open no page.
func (s *Server) login(w http.ResponseWriter, r *http.Request) error {
	if http.NewCrossOriginProtection().Check(r) != nil {
		return NewProblem(http.StatusForbidden, "the form did not come from this server").Advise("open /login and sign in there")
	}
	text, err := BodyOf(r)
	if err != nil {
		return err
	}
	form, err := url.ParseQuery(string(text))
	if err != nil {
		return BadRequest("the form can't be read: %w", err)
	}
	next := local(form.Get("next"))
	key := strings.TrimSpace(form.Get("key"))
	g := s.o.Keys.find(key)
	if g == nil || g.Role == Collect {
		status, why := http.StatusUnauthorized, "This key opens no page. / 此密钥无法打开页面。"
		if over, _ := s.guesses.wrong(addressOf(r, s.o.Proxied)); over {
			status, why = http.StatusTooManyRequests, "Too many wrong keys; wait a minute. / 错误次数过多，请稍候。"
		}
		return showLogin(w, status, formOf(r, next, why))
	}
	return s.signIn(w, r, session{key: g.hash, project: g.project, role: g.Role}, next)
}

// signIn gives the browser a session.
func (s *Server) signIn(w http.ResponseWriter, r *http.Request, o session, next string) error {
	http.SetCookie(w, s.cookie(r, s.sessions.start(o), int(sessionLife/time.Second)))
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	http.Redirect(w, r, next, http.StatusSeeOther)
	return nil
}

// logout ends the session, if the form came from one of its pages.
func (s *Server) logout(w http.ResponseWriter, r *http.Request) error {
	if o := s.sessionOf(r); o != nil {
		in := admitted{session: o}
		if err := in.check(r, Small); err != nil {
			return err
		}
		c, _ := r.Cookie(cookieName) // sessionOf read it
		s.sessions.end(c.Value)
	}
	http.SetCookie(w, s.cookie(r, "", -1))
	http.Redirect(w, r, "/login", http.StatusSeeOther)
	return nil
}

func (s *Server) cookie(r *http.Request, id string, age int) *http.Cookie {
	return &http.Cookie{
		Name: cookieName, Value: id, Path: "/", MaxAge: age, HttpOnly: true, SameSite: http.SameSiteLaxMode,
		Secure: r.TLS != nil || s.o.Proxied && r.Header.Get("X-Forwarded-Proto") == "https",
	}
}

// local is a path of this server to go to: anything else leads to the first page.
func local(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.ContainsAny(next, "\\\r\n\t") {
		return "/"
	}
	return next
}

func showLogin(w http.ResponseWriter, status int, f loginForm) error {
	var b bytes.Buffer
	if err := loginTemplate.Execute(&b, f); err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, err := w.Write(b.Bytes())
	return err
}
