package api

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bellwether"
	"bellwether/pipeline"
	"bellwether/store"
)

var update = flag.Bool("update", false, "write openapi.json anew")

// server is the interface over a real engine in a folder of the test's own.
type server struct {
	*httptest.Server
	t            *testing.T
	engine       *pipeline.Engine
	project      *store.Project
	write, admin string
}

func newServer(t *testing.T) *server {
	t.Helper()
	st, err := store.Open(t.Context(), t.TempDir(), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	p, err := st.Project(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	keys, err := LoadKeys(t.Context(), st)
	if err != nil {
		t.Fatal(err)
	}
	s := &server{t: t, project: p}
	if s.write, err = keys.Create(t.Context(), p, Write); err != nil {
		t.Fatal(err)
	}
	if s.admin, err = keys.Create(t.Context(), p, Admin); err != nil {
		t.Fatal(err)
	}
	if s.engine, err = pipeline.Open(t.Context(), p, pipeline.Options{}); err != nil {
		t.Fatal(err)
	}
	find := func(id bellwether.ProjectID) *pipeline.Engine {
		if id != p.ID {
			return nil
		}
		return s.engine
	}
	page := func(_ *pipeline.Engine, w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "a page") }
	s.Server = httptest.NewServer(New(Options{Keys: keys, Engine: find, Console: page}))
	t.Cleanup(func() {
		s.Close()
		if err := s.engine.Close(); err != nil {
			t.Error(err)
		}
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// call sends one request and returns the status and the body.
func (s *server) call(method, path, key, body string) (int, string) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.URL+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	if key != "" {
		r.SetBasicAuth(key, "")
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer.StatusCode, string(b)
}

const threeItems = `{"items":[{"id":"a","title":"A","price":{"amount":100,"currency":"USD"}},{"id":"b"},{"id":"c"}]}`

func TestRequests(t *testing.T) {
	s := newServer(t)
	for _, test := range []struct {
		name, method, path, key, body string
		status                        int
		want                          string
	}{
		{"no item yet", "GET", "/v1/recommend?subject=ann", s.write, "", 404, "no item may be recommended"},
		{"items", "POST", "/v1/items", s.write, threeItems, 200, `"accepted":3`},
		{"an item without id", "POST", "/v1/items", s.write, `{"items":[{"title":"x"}]}`, 422, "id"},
		{"a new person", "GET", "/v1/recommend?subject=ann&k=2", s.write, "", 200, `"model":"popularity"`},
		{"nobody", "GET", "/v1/recommend?k=2", s.write, "", 400, "name a person"},
		{"k is no number", "GET", "/v1/recommend?subject=ann&k=x", s.write, "", 400, "not a whole number"},
		{"k is too large", "GET", "/v1/recommend?subject=ann&k=100000", s.write, "", 400, "outside"},
		{"broken body", "POST", "/v1/recommend", s.write, `{"subject": ann}`, 400, "byte 13"},
		{"wrong type", "POST", "/v1/recommend", s.write, `{"subject": 1}`, 400, "byte"},
		{"holdout without preview", "POST", "/v1/recommend", s.write, `{"subject":"ann","holdout":true}`, 400, "preview"},
		{"preview", "POST", "/v1/recommend", s.write, `{"subject":"ann","k":1,"preview":true,"holdout":true}`, 200, `"holdout":true`},
		{"event", "POST", "/v1/track", s.write, `{"event":"Product Viewed","userId":"ann","messageId":"m1","properties":{"product_id":"a"}}`, 200, `"success":true`},
		{"decide", "POST", "/v1/decide", s.write, `{"subject":"ann","surface":"email","actions":["send","none"],"key":"k1"}`, 200, `"propensity":`},
		{"decide without actions", "POST", "/v1/decide", s.write, `{"subject":"ann","surface":"email","actions":[]}`, 422, "actions"},
		{"predict without a model", "POST", "/v1/predict", s.write, `{"application":"behaviour","subject":"ann"}`, 404, "no model is in service"},
		{"outlook without a model", "GET", "/v1/outlook?subject=ann", s.admin, "", 404, "no recommender is in service"},
		{"outlook of nobody", "GET", "/v1/outlook", s.admin, "", 422, "subject"},
		{"outlook needs an admin", "GET", "/v1/outlook?subject=ann", s.write, "", 403, "admin key"},
		{"no key", "GET", "/v1/recommend?subject=ann", "", "", 401, "the key is unknown"},
		{"wrong key", "POST", "/v1/items", "guess", threeItems, 401, "the key is unknown"},
		{"report needs an admin", "GET", "/v1/report", s.write, "", 403, "admin key"},
		{"report", "GET", "/v1/report", s.admin, "", 200, `"earned"`},
		{"report as CSV", "GET", "/v1/report?format=csv", s.admin, "", 200, "section,"},
		{"report as a page", "GET", "/v1/report?format=html", s.admin, "", 200, "<!doctype html>"},
		{"report in another format", "GET", "/v1/report?format=pdf", s.admin, "", 422, "format"},
		{"decisions", "GET", "/v1/decisions?limit=5", s.admin, "", 200, `"candidates"`},
		{"unknown decision", "GET", "/v1/decisions/none", s.admin, "", 404, "no such decision"},
		{"models", "GET", "/v1/models", s.admin, "", 200, "[]"},
		{"rejects", "GET", "/v1/rejects", s.admin, "", 200, "["},
		{"turn", "POST", "/v1/turn", s.admin, "", 200, "too little data"},
		{"metrics", "GET", "/metrics", "", "", 200, `bellwether_request_seconds{operation="recommend",quantile="0.99"}`},
		{"health", "GET", "/healthz", "", "", 200, "ok"},
		{"page without a key", "GET", "/", "", "", 401, "key"},
		{"page", "GET", "/", s.admin, "", 200, "a page"},
		{"login with a write key", "GET", "/login?key=" + s.write, "", "", 401, "admin key"},
		{"login", "GET", "/login?key=" + s.admin, "", "", 401, "key"}, // the client of this test keeps no cookie
	} {
		t.Run(test.name, func(t *testing.T) {
			status, body := s.call(test.method, test.path, test.key, test.body)
			if status != test.status || !strings.Contains(body, test.want) {
				t.Errorf("%s %s: %d %s; want %d with %q", test.method, test.path, status, body, test.status, test.want)
			}
		})
	}
}

// TestUnknownKeyWritesNothing holds that a request without a valid key leaves the log as it was.
func TestUnknownKeyWritesNothing(t *testing.T) {
	s := newServer(t)
	before, err := s.project.Log.Last(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/v1/batch", "/v1/track", "/v1/items", "/v1/decide", "/v1/recommend"} {
		if status, body := s.call("POST", path, "guess", threeItems); status != http.StatusUnauthorized {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	after, err := s.project.Log.Last(t.Context())
	if err != nil || after != before {
		t.Errorf("the log went from %d to %d, %v", before, after, err)
	}
}

func TestSameKeySameDecision(t *testing.T) {
	s := newServer(t)
	s.call("POST", "/v1/items", s.write, threeItems)
	_, first := s.call("GET", "/v1/recommend?subject=ann&key=visit-1", s.write, "")
	_, again := s.call("GET", "/v1/recommend?subject=ann&key=visit-1", s.write, "")
	if first != again {
		t.Errorf("the same key gave\n%s and then\n%s", first, again)
	}
	var slate slateBody
	if err := json.Unmarshal([]byte(first), &slate); err != nil {
		t.Fatal(err)
	}
	if status, body := s.call("GET", "/v1/decisions/"+string(slate.Decision), s.admin, ""); status != 200 || !strings.Contains(body, `"ann"`) {
		t.Errorf("the decision reads %d %s", status, body)
	}
	if status, _ := s.call("GET", "/v1/recommend?subject=bob&key=visit-1", s.write, ""); status != http.StatusConflict {
		t.Errorf("the key of another person gave %d", status)
	}
}

// TestLoginCookie holds that a browser that logged in reads pages, and that the cookie writes nothing.
func TestLoginCookie(t *testing.T) {
	s := newServer(t)
	jar := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := jar.Get(s.URL + "/login?key=" + s.admin)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if len(answer.Cookies()) != 1 || !answer.Cookies()[0].HttpOnly {
		t.Fatalf("cookies are %v", answer.Cookies())
	}
	for method, want := range map[string]int{http.MethodGet: 200, http.MethodPost: 401} {
		r := httptest.NewRequest(method, "/v1/models", nil)
		if method == http.MethodPost {
			r = httptest.NewRequest(method, "/v1/turn", nil)
		}
		r.AddCookie(answer.Cookies()[0])
		w := httptest.NewRecorder()
		s.Config.Handler.ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("%s with the cookie: %d, want %d", method, w.Code, want)
		}
	}
}

func TestRevoke(t *testing.T) {
	st, err := store.Open(t.Context(), t.TempDir(), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	p, err := st.Project(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	keys, err := LoadKeys(t.Context(), st)
	if err != nil {
		t.Fatal(err)
	}
	key, err := keys.Create(t.Context(), p, Write)
	if err != nil {
		t.Fatal(err)
	}
	again, err := LoadKeys(t.Context(), st)
	if err != nil {
		t.Fatal(err)
	}
	if g, known := again.Find(key); !known || g != (Grant{Project: "shop", Role: Write}) {
		t.Errorf("a stored key is %v, %v", g, known)
	}
	if err := keys.Revoke(t.Context(), st, key); err != nil {
		t.Fatal(err)
	}
	if _, known := keys.Find(key); known || keys.Of("shop") {
		t.Error("a revoked key still opens")
	}
	if err := keys.Revoke(t.Context(), st, key); err != ErrNoKey {
		t.Errorf("revoking again: %v", err)
	}
}

// TestOpenAPI compares the description with the one that is checked in, which clients are generated from.
func TestOpenAPI(t *testing.T) {
	got, err := OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, got, "", "  "); err != nil {
		t.Fatal(err)
	}
	pretty.WriteByte('\n')
	path := filepath.Join("openapi.json")
	if *update {
		if err := os.WriteFile(path, pretty.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, pretty.Bytes()) {
		t.Error("openapi.json is not what the program serves: go test ./api -run OpenAPI -update, and read the difference")
	}
}
