package web

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bellwether"
)

var update = flag.Bool("update", false, "write the golden files anew")

// concrete is a path of a route with its parameters filled in.
func concrete(path, key string) string {
	path = strings.ReplaceAll(path, "{key}", key)
	if i := strings.IndexByte(path, '{'); i >= 0 {
		path = path[:i] + "some" + path[strings.IndexByte(path, '}')+1:]
	}
	return path
}

// bodyFor is a body that the route can read, so that a refusal is for the key alone.
func bodyFor(r *Route) string {
	switch r.OperationID() {
	case "post-sum":
		return `{"numbers":[1,2]}`
	case "create-key":
		return `{"role":"read"}`
	case "rotate-key":
		return `{"overlap":"1h"}`
	case "post-gather", "post-length", "post-press":
		return `{"a":1}`
	}
	return ""
}

// wanted is the status that a route owes a key: 0 for any that lets it in.
func wanted(r *Route, role Role, known bool) int {
	switch {
	case r.Role == Public:
		return 0
	case !known && r.HTML && role == "none":
		return http.StatusSeeOther // to sign in
	case !known:
		return http.StatusUnauthorized
	case !role.Opens(r.Role):
		return http.StatusForbidden
	}
	return 0
}

// letIn reports whether an answer is not a refusal for the key. The form to sign in refuses what is typed into it.
func letIn(r *Route, status int) bool {
	if r.Path == "/login" {
		return status < 500
	}
	return status != 401 && status != 403 && status != 429 && status < 500
}

// TestEveryRouteUnderEveryRole walks the whole table: each path and alias, with and without a slash at the end, under
// each role, without a key, and with a wrong one.
func TestEveryRouteUnderEveryRole(t *testing.T) {
	f := newFixture(t, func(o *Options) { o.Prefix, o.Limits.WrongKeys = "/e", 1<<30 })
	walked := 0
	for _, route := range f.server.Routes() {
		for _, pattern := range append(route.patterns("/e"), route.short("/e")...) {
			for _, who := range append([]Role{"none", "wrong"}, Roles...) {
				key, known := "", who.Valid()
				switch {
				case known:
					key = f.key["alpha"][who]
				case who == "wrong":
					key = "bw_admin_" + strings.Repeat("x", 26)
				}
				path := concrete(strings.TrimSuffix(pattern, "{$}"), "nobody")
				w := f.ask(route.Method, path, key, bodyFor(&route))
				got, want := w.Code, wanted(&route, who, known)
				if route.HTML && who == "wrong" {
					want = http.StatusSeeOther
				}
				if want == 0 && !letIn(&route, got) || want != 0 && got != want {
					t.Errorf("%s %s as %s: %d %s; want %d", route.Method, path, who, got, w.Body, want)
				}
				walked++
			}
		}
	}
	if walked < 200 {
		t.Errorf("only %d requests were made", walked)
	}
}

var requests = flag.Int("requests", 10_000, "of TestRandomRequests")

// TestRandomRequests sends random requests with mixed keys of three projects: each gets what the rights table says, and
// no answer names another project than its key's.
func TestRandomRequests(t *testing.T) {
	f := newFixture(t, func(o *Options) { o.Limits.WrongKeys = 1 << 30 })
	rng := rand.New(rand.NewPCG(1, 2))
	var routes []Route
	for _, r := range f.server.Routes() {
		switch r.OperationID() {
		case "get-metrics", "revoke-key", "rotate-key", "create-key": // slow, or they change keys; walked above
		default:
			routes = append(routes, r)
		}
	}
	let := 0
	for range *requests {
		route := routes[rng.IntN(len(routes))]
		id := projects[rng.IntN(len(projects))]
		role, key, known := Roles[rng.IntN(len(Roles))], "", true
		switch rng.IntN(10) {
		case 0:
			role, known = "none", false
		case 1:
			role, key, known = "wrong", fmt.Sprintf("bw_admin_%026d", rng.Int64()), false
		default:
			key = f.key[id][role]
		}
		other := projects[rng.IntN(len(projects))] // a header that must not count
		w := f.ask(route.Method, concrete(route.Path, f.key[id][Collect]), key, bodyFor(&route), func(r *http.Request) {
			r.Header.Set(projectHeader, string(other))
			if key != "" && rng.IntN(2) == 0 {
				r.Header.Set("Authorization", "Bearer "+key)
			}
		})
		want := wanted(&route, role, known)
		switch {
		case strings.Contains(route.Path, "{key}") && role == "none":
			want = 0 // the key is in the address
		case route.HTML && !known:
			want = http.StatusSeeOther
		}
		if want == 0 && !letIn(&route, w.Code) || want != 0 && w.Code != want {
			t.Fatalf("%s %s as %s of %s: %d %s; want %d", route.Method, route.Path, role, id, w.Code, w.Body, want)
		}
		if route.Role == Public || w.Code >= 300 {
			continue
		}
		let++
		for _, p := range projects {
			if p != id && bytes.Contains(w.Body.Bytes(), []byte(p)) {
				t.Fatalf("%s %s with a key of %s answered with %s: %s", route.Method, route.Path, id, p, w.Body)
			}
		}
	}
	if let < *requests/5 {
		t.Errorf("only %d requests were let in", let)
	}
}

// TestMetricsShowOneProject: a key sees the gauges of its project alone, the owner of the folder all of them.
func TestMetricsShowOneProject(t *testing.T) {
	f := newFixture(t, func(o *Options) {
		o.Gauges = []Gauge{{Name: "bellwether_events_total", Help: "Events.", Rises: true, Labels: []string{"kind"}, Read: func(set func(bellwether.ProjectID, float64, ...string)) {
			for i, id := range projects {
				set(id, float64(i+1), "view")
			}
		}}}
	})
	seen := f.ask("GET", "/metrics", f.key["beta"][Admin], "").Body.String()
	if !strings.Contains(seen, `bellwether_events_total{kind="view",project="beta"} 2`) || strings.Contains(seen, "alpha") || strings.Contains(seen, "gamma") {
		t.Errorf("a key of beta sees\n%s", seen)
	}
	w := httptest.NewRecorder()
	r := httptest.NewRequest("GET", "/metrics", nil)
	r.Header.Set(projectHeader, "alpha")
	f.server.ServeHTTP(w, r.WithContext(asLocal(r.Context())))
	for _, id := range projects {
		if !strings.Contains(w.Body.String(), `project="`+string(id)+`"`) {
			t.Errorf("over the socket %s is missing", id)
		}
	}
}

// TestGolden compares the OpenAPI document and the rights table of the server's own routes and this test's.
func TestGolden(t *testing.T) {
	f := newFixture(t, nil)
	doc, err := f.server.OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "openapi.json", doc)
	golden(t, "rights.md", []byte(f.server.Rights()))
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, got) {
		t.Errorf("%s is not what the program serves: go test ./web -run Golden -update, and read the difference", path)
	}
}

// TestTableRefuses routes that can't be told apart or say too little.
func TestTableRefuses(t *testing.T) {
	good := Raw("GET", "/x", Read, "X", collected)
	for name, routes := range map[string][]Route{
		"twice":        {good, good},
		"one name":     {good, Raw("GET", "/v1/x", Read, "X", collected)},
		"by an alias":  {good, Raw("GET", "/y", Read, "Y", collected).With(func(r *Route) { r.Aliases = []string{"/x/"} })},
		"by a pattern": {Raw("GET", "/a/{b}", Read, "B", collected), Raw("POST", "/a/{c}", Read, "C", collected)},
		"no role":      {Raw("GET", "/x", "boss", "X", collected)},
		"no doc":       {Raw("GET", "/x", Read, "", collected)},
		"no path":      {Raw("GET", "x", Read, "X", collected)},
		"no handler":   {{Method: "GET", Path: "/x", Role: Read, Doc: "X"}},
	} {
		f := newFixture(t, nil)
		o := f.server.o
		o.Routes = routes
		if _, err := New(o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
