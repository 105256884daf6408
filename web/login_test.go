package web

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

func withCookie(id string) func(*http.Request) {
	return func(r *http.Request) { r.AddCookie(&http.Cookie{Name: cookieName, Value: id}) }
}

func form(r *http.Request) { r.Header.Set("Content-Type", "application/x-www-form-urlencoded") }

// signIn signs in with a key, and returns the cookie.
func (f *fixture) signIn(key, next string) *http.Cookie {
	f.t.Helper()
	w := f.ask("POST", "/login", "", url.Values{"key": {key}, "next": {next}}.Encode(), form)
	cookies := w.Result().Cookies()
	if w.Code != http.StatusSeeOther || len(cookies) != 1 {
		f.t.Fatalf("signing in: %d %s", w.Code, w.Body)
	}
	if cookies[0].Value == "" || strings.Contains(cookies[0].Value, key) {
		f.t.Fatalf("the cookie is %v", cookies[0])
	}
	return cookies[0]
}

// TestSession: a browser signs in, reads pages, presses buttons with its token alone, and signs out.
func TestSession(t *testing.T) {
	f := newFixture(t, nil)
	if w := f.ask("GET", "/settings?a=1", "", ""); w.Code != 303 || w.Header().Get("Location") != "/login?next=%2Fsettings%3Fa%3D1" {
		t.Fatalf("without a session: %d %v", w.Code, w.Header())
	}
	if w := f.ask("GET", "/login?next=/settings", "", ""); w.Code != 200 || !strings.Contains(w.Body.String(), `value="/settings"`) {
		t.Fatalf("the form: %d %s", w.Code, w.Body)
	}
	c := f.signIn(f.key["beta"][Admin], "/settings?a=1")
	if !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Secure || c.MaxAge <= 0 {
		t.Errorf("the cookie is %v", c)
	}
	w := f.ask("GET", "/settings", "", "", withCookie(c.Value))
	_, token, _ := strings.Cut(w.Body.String(), "token ")
	if w.Code != 200 || !strings.Contains(w.Body.String(), "a page of beta") || token == "" {
		t.Fatalf("a page: %d %s", w.Code, w.Body)
	}
	press := func(token string, change ...func(*http.Request)) int {
		return f.ask("POST", "/v1/press", "", url.Values{TokenField: {token}}.Encode(), append(change, form, withCookie(c.Value))...).Code
	}
	from := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	for name, got := range map[string][2]int{
		"with the token":             {press(token), 200},
		"from this origin":           {press(token, from("Sec-Fetch-Site", "same-origin")), 200},
		"token in a header":          {press("", from(tokenHeader, token)), 200},
		"without":                    {press(""), 403},
		"with another token":         {press("x" + token[1:]), 403},
		"from another site":          {press(token, from("Sec-Fetch-Site", "cross-site")), 403},
		"from another origin":        {press(token, from("Origin", "https://evil.example")), 403},
		"from a sister of this site": {press(token, from("Sec-Fetch-Site", "same-site")), 403},
	} {
		if got[0] != got[1] {
			t.Errorf("%s: %d, want %d", name, got[0], got[1])
		}
	}
	if w := f.ask("POST", "/logout", "", "", form, withCookie(c.Value)); w.Code != 403 {
		t.Errorf("signed out by another site: %d", w.Code)
	}
	if w := f.ask("POST", "/logout", "", url.Values{TokenField: {token}}.Encode(), form, withCookie(c.Value)); w.Code != 303 {
		t.Errorf("signing out: %d %s", w.Code, w.Body)
	}
	if w := f.ask("GET", "/settings", "", "", withCookie(c.Value)); w.Code != 303 {
		t.Errorf("after signing out: %d", w.Code)
	}
}

// TestSessionEnds with time and with its key.
func TestSessionEnds(t *testing.T) {
	f := newFixture(t, nil)
	old := f.signIn(f.key["alpha"][Admin], "/")
	f.now = f.now.Add(sessionLife)
	if w := f.ask("GET", "/", "", "", withCookie(old.Value)); w.Code != 303 {
		t.Errorf("after a week: %d", w.Code)
	}
	c := f.signIn(f.key["alpha"][Admin], "/")
	if w := f.ask("GET", "/", "", "", withCookie(c.Value)); w.Code != 200 {
		t.Fatalf("a page: %d", w.Code)
	}
	if err := f.keys.Revoke(t.Context(), f.project("alpha"), KeyID(f.key["alpha"][Admin])); err != nil {
		t.Fatal(err)
	}
	if w := f.ask("GET", "/", "", "", withCookie(c.Value)); w.Code != 303 {
		t.Errorf("after its key was revoked: %d", w.Code)
	}
	if w := f.ask("GET", "/", "", "", withCookie(f.key["beta"][Admin])); w.Code != 303 {
		t.Errorf("a key as cookie: %d", w.Code)
	}
}

// TestWeakSessions see what their key opens, and a collecting key opens no session.
func TestWeakSessions(t *testing.T) {
	f := newFixture(t, nil)
	if w := f.ask("POST", "/login", "", url.Values{"key": {f.key["alpha"][Collect]}}.Encode(), form); w.Code != 401 {
		t.Errorf("a collecting key: %d", w.Code)
	}
	c := f.signIn(f.key["alpha"][Read], "/people/ann")
	if w := f.ask("GET", "/people/ann", "", "", withCookie(c.Value)); w.Code != 200 {
		t.Errorf("a page that it may see: %d %s", w.Code, w.Body)
	}
	if w := f.ask("GET", "/settings", "", "", withCookie(c.Value)); w.Code != 403 {
		t.Errorf("a page that it may not see: %d", w.Code)
	}
}

// TestTicket: an address signs one browser in, once, soon.
func TestTicket(t *testing.T) {
	f := newFixture(t, nil)
	ticket := func() string {
		w := f.ask("POST", "/v1/tickets", f.key["alpha"][Admin], "")
		_, path, _ := strings.Cut(w.Body.String(), `"path":"`)
		path, _, _ = strings.Cut(path, `"`)
		return path
	}
	path := ticket()
	if w := f.ask("HEAD", path, "", ""); len(w.Result().Cookies()) != 0 {
		t.Error("a look at the address used it up")
	}
	w := f.ask("GET", path, "", "")
	if w.Code != 303 || len(w.Result().Cookies()) != 1 {
		t.Fatalf("the first browser: %d %s", w.Code, w.Body)
	}
	if p := f.ask("GET", "/settings", "", "", withCookie(w.Result().Cookies()[0].Value)); p.Code != 200 || !strings.Contains(p.Body.String(), "alpha") {
		t.Errorf("a page: %d %s", p.Code, p.Body)
	}
	if w := f.ask("GET", path, "", ""); w.Code != 401 {
		t.Errorf("the second browser: %d", w.Code)
	}
	path = ticket()
	f.now = f.now.Add(ticketLife)
	if w := f.ask("GET", path, "", ""); w.Code != 401 {
		t.Errorf("too late: %d", w.Code)
	}
}

// TestSecureCookie: behind TLS, or a proxy that is believed to be, the cookie goes nowhere else.
func TestSecureCookie(t *testing.T) {
	secure := func(proxied bool) bool {
		f := newFixture(t, func(o *Options) { o.Proxied = proxied })
		w := f.ask("POST", "/login", "", url.Values{"key": {f.key["alpha"][Admin]}}.Encode(), form, func(r *http.Request) { r.Header.Set("X-Forwarded-Proto", "https") })
		return w.Result().Cookies()[0].Secure
	}
	if !secure(true) || secure(false) {
		t.Error("X-Forwarded-Proto is believed when it should not be, or not when it should")
	}
}

func TestLocal(t *testing.T) {
	for next, want := range map[string]string{
		"": "/", "/x?y=1": "/x?y=1", "//evil.example": "/", "https://evil.example": "/", "/\\evil.example": "/", "evil": "/", "/\t/evil.example": "/",
	} {
		if got := local(next); got != want {
			t.Errorf("%q leads to %q, want %q", next, got, want)
		}
	}
}

// TestWrongKeys from one address are slowed down; right ones from there are not, and other addresses are not.
func TestWrongKeys(t *testing.T) {
	f := newFixture(t, func(o *Options) { o.Limits.WrongKeys = 3 })
	guess := func(address string) int {
		return f.ask("GET", "/v1/echo", "bw_read_guess", "", func(r *http.Request) { r.RemoteAddr = address }).Code
	}
	for i, want := range []int{401, 401, 401, 429, 429} {
		if got := guess("192.0.2.7:1000"); got != want {
			t.Errorf("guess %d: %d, want %d", i+1, got, want)
		}
	}
	if got := guess("192.0.2.8:1000"); got != 401 {
		t.Errorf("another address: %d", got)
	}
	if w := f.ask("GET", "/v1/echo", f.key["alpha"][Read], "", func(r *http.Request) { r.RemoteAddr = "192.0.2.7:1001" }); w.Code != 200 {
		t.Errorf("a right key from there: %d", w.Code)
	}
	for i, want := range []int{401, 401, 401, 429} {
		if got := guess("[2001:db8::" + string(rune('1'+i)) + "]:1"); got != want {
			t.Errorf("guess %d of an IPv6 network: %d, want %d", i+1, got, want)
		}
	}
	f.now = f.now.Add(time.Minute)
	if got := guess("192.0.2.7:1000"); got != 401 {
		t.Errorf("a minute later: %d", got)
	}
}

// TestRefusedKeysAreLogged: as a line each, but for a flood, without the key, the address or what was sent.
func TestRefusedKeysAreLogged(t *testing.T) {
	var out bytes.Buffer
	f := newFixture(t, func(o *Options) {
		o.Logger, o.Limits.WrongKeys = slog.New(slog.NewTextHandler(&out, nil)), 1<<30
	})
	for range 500 {
		f.ask("GET", "/v1/echo", "bw_read_guess", "", func(r *http.Request) { r.RemoteAddr = "192.0.2.7:1000" })
	}
	f.ask("GET", "/v1/echo", f.key["alpha"][Read], "")
	lines := strings.Count(out.String(), "a key was refused")
	if lines < 1 || lines > 100 || !strings.Contains(out.String(), "level=WARN") || strings.Contains(out.String(), "guess") || strings.Contains(out.String(), "192.0.2.7") {
		t.Errorf("%d lines of 500 wrong keys: %.500s", lines, &out)
	}
	out.Reset()
	f = newFixture(t, func(o *Options) { o.Logger = slog.New(slog.NewTextHandler(&out, nil)) })
	if w := f.ask("GET", "/v1/keys", f.key["alpha"][Read], ""); w.Code != http.StatusForbidden || !strings.Contains(out.String(), "role=read") || strings.Contains(out.String(), f.key["alpha"][Read]) {
		t.Errorf("%d, %s", w.Code, &out)
	}
}
