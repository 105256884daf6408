package host

import (
	"bytes"
	"context"
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"bellwether"
	"bellwether/pipeline"
	"bellwether/store"
	"bellwether/web"
)

var update = flag.Bool("update", false, "write the golden files anew")

// fixture is the whole product on an empty project, with a key of each role.
type fixture struct {
	server *web.Server
	key    map[web.Role]string
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	st, err := store.Open(t.Context(), t.TempDir(), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	sp, err := st.Project(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	p, err := pipeline.Open(t.Context(), sp, pipeline.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	keys, err := web.LoadKeys(t.Context(), st, nil)
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{key: map[web.Role]string{}}
	for _, r := range web.Roles {
		if f.key[r], err = keys.Create(t.Context(), sp, r, "a test", time.Time{}); err != nil {
			t.Fatal(err)
		}
	}
	f.server, err = New(Options{Keys: keys, Limits: web.Limits{WrongKeys: 1 << 30}, Project: func(id bellwether.ProjectID) *pipeline.Project {
		if id == p.ID {
			return p
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestGolden compares the description and the rights of the whole product with the files that people read.
func TestGolden(t *testing.T) {
	f := newFixture(t)
	doc, err := f.server.OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "openapi.json", doc)
	golden(t, "rights.md", []byte(f.server.Rights()))
}

func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, got) {
		t.Errorf("host/%s is not what the program serves: go test ./host -run Golden -update, and read the difference", path)
	}
}

// filled is a path of a route with its parameters filled in.
func filled(path string) string {
	path = strings.TrimSuffix(path, "{$}")
	for {
		i := strings.IndexByte(path, '{')
		if i < 0 {
			return path
		}
		path = path[:i] + "nobody" + path[i+strings.IndexByte(path[i:], '}')+1:]
	}
}

// wanted is the status that a route owes a caller who is refused; 0 for one who is let in.
func wanted(r *web.Route, who web.Role) int {
	switch {
	case r.Role == web.Public:
		return 0
	case !who.Valid() && r.HTML:
		return http.StatusSeeOther // to sign in
	case !who.Valid():
		return http.StatusUnauthorized
	case !who.Opens(r.Role):
		return http.StatusForbidden
	}
	return 0
}

// TestEveryRouteUnderEveryRole walks every route of the product as each role, without a key and with a wrong one: who may not is refused,
// and who may is not, whatever is wrong with an empty body. What the machine's owner alone may do is refused to all.
func TestEveryRouteUnderEveryRole(t *testing.T) {
	f := newFixture(t)
	routes, let, refused := f.server.Routes(), 0, 0
	for i := range routes {
		r := &routes[i]
		for _, who := range append([]web.Role{"none", "wrong"}, web.Roles...) {
			key := f.key[who]
			if who == "wrong" {
				key = "bw_admin_" + strings.Repeat("x", 26)
			}
			got, want := f.ask(t, r, key), wanted(r, who)
			switch {
			case want != 0 && got.Code != want:
				t.Errorf("%s %s as %s: %d %s; want %d", r.Method, r.Path, who, got.Code, got.Body, want)
			case want == 0 && !letIn(r, got):
				t.Errorf("%s %s as %s: %d %s; want to be let in", r.Method, r.Path, who, got.Code, got.Body)
			}
			if want == 0 {
				let++
			} else {
				refused++
			}
		}
	}
	if len(routes) < 40 || let < 60 || refused < 100 {
		t.Errorf("%d routes, %d let in, %d refused", len(routes), let, refused)
	}
}

func (f *fixture) ask(t *testing.T, r *web.Route, key string) *httptest.ResponseRecorder {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), 200*time.Millisecond) // a page that goes on for ever, such as live news, ends with it
	defer stop()
	q := httptest.NewRequest(r.Method, filled(r.Path), strings.NewReader("{}")).WithContext(ctx)
	if strings.Contains(r.Path, "/turn") || strings.Contains(r.Path, "/refresh") {
		q = q.WithContext(t.Context())
	}
	q.Header.Set("Content-Type", "application/json")
	if key != "" {
		q.Header.Set("Authorization", "Bearer "+key)
	}
	w := httptest.NewRecorder()
	f.server.ServeHTTP(w, q)
	return w
}

// letIn reports whether an answer is no refusal for the key, and no failure.
func letIn(r *web.Route, w *httptest.ResponseRecorder) bool {
	if r.Path == "/login" { // refuses what is typed into it
		return w.Code < 500
	}
	return w.Code != http.StatusUnauthorized && w.Code != http.StatusForbidden && w.Code != http.StatusTooManyRequests && w.Code < 500
}
