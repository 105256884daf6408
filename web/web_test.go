package web

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"bellwether"
	"bellwether/store"
)

// errAsleep is an error as a package of the program returns it.
var errAsleep = errors.New("the project sleeps")

// place is a project as handlers of this test know it.
type place struct{ name string }

type echoInput struct {
	Word string `query:"word" maxLength:"20"`
}

type echoOutput struct {
	Body struct {
		Project string `json:"project"`
		Word    string `json:"word"`
	}
}

func echo(ctx context.Context, in *echoInput) (*echoOutput, error) {
	p, err := ProjectOf[*place](ctx)
	if err != nil {
		return nil, err
	}
	switch in.Word {
	case "asleep":
		return nil, fmt.Errorf("waking %s: %w", p.name, errAsleep)
	case "broken":
		return nil, errors.New("secret path /home/x")
	case "panic":
		panic("as asked")
	}
	out := new(echoOutput)
	out.Body.Project, out.Body.Word = p.name, in.Word
	return out, nil
}

type sumInput struct {
	Body struct {
		Numbers []int `json:"numbers" minItems:"1"`
	}
}

type sumOutput struct {
	Body struct {
		Sum     int    `json:"sum"`
		Project string `json:"project"`
	}
}

// sum reports each step.
func sum(ctx context.Context, in *sumInput) (*sumOutput, error) {
	out, p := new(sumOutput), ProjectFrom(ctx).(*place)
	out.Body.Project = p.name
	for i, n := range in.Body.Numbers {
		Progress(ctx)(bellwether.Progress{Step: fmt.Sprint("number ", i), Done: int64(i + 1), Total: int64(len(in.Body.Numbers))})
		out.Body.Sum += n
	}
	if out.Body.Sum < 0 {
		return nil, fmt.Errorf("adding up: %w", errAsleep)
	}
	return out, nil
}

func collected(w http.ResponseWriter, r *http.Request) error {
	b, err := BodyOf(r)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, `{"project":%q,"bytes":%d}`, ProjectFrom(r.Context()).(*place).name, len(b))
	return err
}

// length reads a stream to its end.
func length(w http.ResponseWriter, r *http.Request) error {
	n, err := io.Copy(io.Discard, r.Body)
	if err != nil {
		return err
	}
	Progress(r.Context())(bellwether.Progress{Step: "read", Done: n})
	_, err = fmt.Fprintf(w, `{"project":%q,"bytes":%d}`, ProjectFrom(r.Context()).(*place).name, n)
	return err
}

func writeKeyOf(r *http.Request, body []byte) string {
	var b struct{ WriteKey string }
	_ = json.Unmarshal(body, &b)
	return b.WriteKey
}

// testRoutes has a route of every kind and role.
func testRoutes() []Route {
	return []Route{
		Raw("POST", "/v1/gather", Collect, "Gather", collected).With(func(r *Route) {
			r.Aliases, r.Key = []string{"/v1/g"}, writeKeyOf
		}),
		Raw("GET", "/v1/settings/{key}", Collect, "Settings of a browser", collected).With(func(r *Route) {
			r.Key = func(r *http.Request, _ []byte) string { return r.PathValue("key") }
		}),
		Typed("GET", "/v1/echo", Read, "Echo", echo),
		Typed("POST", "/v1/sum", Write, "Sum", sum),
		Raw("POST", "/v1/length", Admin, "Length of a stream", length).With(func(r *Route) { r.Body = Stream }),
		Raw("POST", "/v1/press", Admin, "What a button does", collected),
	}
}

func testPages() []Route {
	show := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "a page of %s, token %s", ProjectFrom(r.Context()).(*place).name, CallFrom(r.Context()).Token)
	})
	return []Route{
		Page("GET", "/", Admin, "Today", show),
		Page("GET", "/people/{id}", Read, "One person", show),
		Page("GET", "/settings", Admin, "Settings", show),
	}
}

// fixture is a server of three projects with a key of every role each.
type fixture struct {
	t      *testing.T
	dir    string
	st     *store.Store
	keys   *Keys
	server *Server
	key    map[bellwether.ProjectID]map[Role]string
	now    time.Time
}

var projects = []bellwether.ProjectID{"alpha", "beta", "gamma"}

func newFixture(t *testing.T, change func(*Options)) *fixture {
	t.Helper()
	f := &fixture{t: t, dir: t.TempDir(), key: make(map[bellwether.ProjectID]map[Role]string), now: time.Date(2026, 5, 4, 10, 30, 0, 0, time.UTC)}
	var err error
	if f.st, err = store.Open(t.Context(), f.dir, store.Options{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.st.Close(); err != nil {
			t.Error(err)
		}
	})
	clock := func() time.Time { return f.now }
	if f.keys, err = LoadKeys(t.Context(), f.st, clock); err != nil {
		t.Fatal(err)
	}
	open := make(map[bellwether.ProjectID]*place)
	for _, id := range projects {
		f.key[id], open[id] = make(map[Role]string), &place{string(id)}
		for _, role := range Roles {
			f.key[id][role] = f.create(id, role)
		}
	}
	o := Options{
		Keys: f.keys, Clock: clock, Routes: slices.Concat(testRoutes(), testPages()),
		Project: func(id bellwether.ProjectID) any {
			if p := open[id]; p != nil {
				return p
			}
			return nil
		},
		Failures: []Failure{{Err: errAsleep, Status: http.StatusConflict, Name: "asleep", Advice: "wake it", Retry: 3 * time.Second}},
	}
	if change != nil {
		change(&o)
	}
	if f.server, err = New(o); err != nil {
		t.Fatal(err)
	}
	return f
}

func (f *fixture) project(id bellwether.ProjectID) *store.Project {
	f.t.Helper()
	p, err := f.st.Project(f.t.Context(), id)
	if err != nil {
		f.t.Fatal(err)
	}
	return p
}

func (f *fixture) create(id bellwether.ProjectID, role Role) string {
	f.t.Helper()
	key, err := f.keys.Create(f.t.Context(), f.project(id), role, "a test's", time.Time{})
	if err != nil {
		f.t.Fatal(err)
	}
	return key
}

// ask sends one request to the handler.
func (f *fixture) ask(method, path, key, body string, change ...func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if key != "" {
		r.SetBasicAuth(key, "")
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, c := range change {
		c(r)
	}
	w := httptest.NewRecorder()
	f.server.ServeHTTP(w, r)
	return w
}

func zipped(t *testing.T, text string) string {
	t.Helper()
	var b strings.Builder
	z := gzip.NewWriter(&b)
	if _, err := io.WriteString(z, text); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
