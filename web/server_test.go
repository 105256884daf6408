package web

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestProblems: one form for every refusal, with what to do.
func TestProblems(t *testing.T) {
	var log bytes.Buffer
	f := newFixture(t, func(o *Options) { o.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	read, write := f.key["alpha"][Read], f.key["alpha"][Write]
	for _, test := range []struct {
		name, method, path, key, body string
		status                        int
		kind, want                    string
	}{
		{"an error that a row knows", "GET", "/v1/echo?word=asleep", read, "", 409, "urn:bellwether:asleep", "wake it"},
		{"an error inside", "GET", "/v1/echo?word=broken", read, "", 500, "", "see the server's log"},
		{"a panic", "GET", "/v1/echo?word=panic", read, "", 500, "", "see the server's log"},
		{"against the description", "GET", "/v1/echo?word=" + strings.Repeat("x", 21), read, "", 422, "", "query.word"},
		{"against the description, what to do", "GET", "/v1/echo?word=" + strings.Repeat("x", 21), read, "", 422, "", "openapi.json"},
		{"a parameter that is none", "GET", "/v1/echo?word=hello&wrod=b", read, "", 400, "", `has no parameter \"wrod\"","advice":"it takes word"`},
		{"a parameter where there are none", "POST", "/v1/length?size=3", f.key["alpha"][Admin], "", 400, "", "it takes none"},
		{"a parameter that is none, and no key", "GET", "/v1/echo?wrod=b", "", "", 401, "", "Authorization: Bearer"},
		{"a body that is no JSON", "POST", "/v1/sum", write, "{", 400, "", ""},
		{"a body against its description", "POST", "/v1/sum", write, `{"numbers":[]}`, 422, "", "body.numbers"},
		{"no key", "GET", "/v1/echo", "", "", 401, "", "Authorization: Bearer"},
		{"a weak key", "POST", "/v1/sum", read, `{"numbers":[1]}`, 403, "", "of the role write"},
		{"nothing there", "GET", "/v1/nothing", read, "", 404, "", "openapi.json"},
		{"another method", "DELETE", "/v1/echo", read, "", 405, "", "use GET"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := f.ask(test.method, test.path, test.key, test.body)
			var p Problem
			if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
				t.Fatalf("%v in %s", err, w.Body)
			}
			if w.Code != test.status || p.Status != test.status || p.Title != http.StatusText(test.status) || p.Type != test.kind || !strings.Contains(w.Body.String(), test.want) {
				t.Errorf("%d %s", w.Code, w.Body)
			}
			if ct := w.Header().Get("Content-Type"); ct != "application/problem+json" {
				t.Errorf("content type %q", ct)
			}
			if strings.Contains(w.Body.String(), "secret") {
				t.Error("the inside shows")
			}
		})
	}
	if w := f.ask("GET", "/v1/echo?word=asleep", read, ""); w.Header().Get("Retry-After") != "3" {
		t.Errorf("headers %v", w.Header())
	}
	if w := f.ask("GET", "/v1/echo", "", ""); !strings.HasPrefix(w.Header().Get("WWW-Authenticate"), "Basic") {
		t.Errorf("headers %v", w.Header())
	}
	if text := log.String(); !strings.Contains(text, "secret path") || !strings.Contains(text, "as asked") {
		t.Errorf("the log lacks what went wrong inside: %s", text)
	}
}

// TestProblemIsAnError that wraps what it came from.
func TestProblemIsAnError(t *testing.T) {
	p := BadRequest("k is %d: %w", 7, errAsleep).Advise("use 1 to 5")
	if p.Error() != "k is 7: the project sleeps: use 1 to 5" || p.Unwrap() != errAsleep {
		t.Errorf("%v wraps %v", p, p.Unwrap())
	}
	got := problemOf(nil, NotFound("no such thing"))
	if diff := cmp.Diff([]any{404, "no such thing"}, []any{got.Status, got.Detail}); diff != "" {
		t.Error(diff)
	}
}

// TestPreflight: pages of other sites may send events, and ask nothing else.
func TestPreflight(t *testing.T) {
	f := newFixture(t, func(o *Options) { o.Prefix = "/e" })
	for _, path := range []string{"/v1/gather", "/v1/gather/", "/v1/g", "/e/v1/gather", "/e/gather", "/e/g/", "/v1/settings/k"} {
		w := f.ask("OPTIONS", path, "", "", func(r *http.Request) {
			r.Header.Set("Origin", "https://shop.example")
			r.Header.Set("Access-Control-Request-Method", "POST")
			r.Header.Set("Access-Control-Request-Headers", "x-client")
		})
		h := w.Header()
		if w.Code != 204 || h.Get("Access-Control-Allow-Origin") != "*" || !strings.Contains(h.Get("Access-Control-Allow-Headers"), "x-client") ||
			!strings.Contains(h.Get("Access-Control-Allow-Headers"), "Authorization") || h.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%s: %d %v", path, w.Code, h)
		}
	}
	for _, path := range []string{"/v1/echo", "/v1/sum", "/v1/keys", "/", "/login", "/e/v1/echo", "/e/echo"} {
		w := f.ask("OPTIONS", path, "", "")
		if w.Code < 400 || w.Header().Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s may be asked by another site: %d %v", path, w.Code, w.Header())
		}
	}
	if w := f.ask("POST", "/e/gather", f.key["beta"][Collect], "abc"); w.Code != 200 || w.Header().Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("through the prefix: %d %v", w.Code, w.Header())
	}
	if w := f.ask("GET", "/v1/echo", f.key["beta"][Read], ""); w.Header().Get("Access-Control-Allow-Origin") != "" {
		t.Error("an answer may be read by another site")
	}
}

// TestKeyInTheBody lets browsers in whose library can't set a header.
func TestKeyInTheBody(t *testing.T) {
	f := newFixture(t, nil)
	key := f.key["gamma"][Collect]
	for body, want := range map[string]int{
		`{"writeKey":"` + key + `"}`:                  200,
		`{"writeKey":"` + f.key["gamma"][Read] + `"}`: 403,
		`{"writeKey":"bw_collect_guess"}`:             401,
		`{"other":"` + key + `"}`:                     401,
		`{`:                                           401,
	} {
		w := f.ask("POST", "/v1/g", "", body)
		if w.Code != want || want == 200 && !strings.Contains(w.Body.String(), "gamma") {
			t.Errorf("%s: %d %s; want %d", body, w.Code, w.Body, want)
		}
	}
	if w := f.ask("POST", "/v1/g", "bw_collect_guess", `{"writeKey":"`+key+`"}`); w.Code != 401 {
		t.Errorf("a wrong key in the header: %d", w.Code) // the header is what was meant
	}
	packed := zipped(t, `{"writeKey":"`+key+`","x":"`+strings.Repeat("y", 10_000)+`"}`)
	if w := f.ask("POST", "/v1/g", "", packed); w.Code != 200 || !strings.Contains(w.Body.String(), "10") {
		t.Errorf("packed: %d %s", w.Code, w.Body)
	}
	if w := f.ask("POST", "/v1/g", key, zipped(t, strings.Repeat(" ", 5<<20))); w.Code != 413 {
		t.Errorf("a body that unpacks to 5 MB: %d %s", w.Code, w.Body)
	}
}

// TestOnlyOpenProjects: a key of a project that is not open is told so.
func TestOnlyOpenProjects(t *testing.T) {
	f := newFixture(t, nil)
	key := f.create("delta", Admin)
	if w := f.ask("GET", "/v1/echo", key, ""); w.Code != 404 || !strings.Contains(w.Body.String(), "delta") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
