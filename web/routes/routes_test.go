package routes

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"bellwether"
	"bellwether/collect"
	"bellwether/store"
	"bellwether/web"
)

var update = flag.Bool("update", false, "write the golden files anew")

// shop is a project: its collector is the real one; what lies above this package is stood in for.
type shop struct {
	*collect.Collector
	decisions []bellwether.Decision
}

var errNoDecision = errors.New("no such decision")

func (s *shop) Recent(_ context.Context, n int) ([]bellwether.Decision, error) {
	return s.decisions[:min(n, len(s.decisions))], nil
}

func (s *shop) Decision(_ context.Context, id bellwether.DecisionID) (bellwether.Decision, error) {
	for _, d := range s.decisions {
		if d.ID == id {
			return d, nil
		}
	}
	return bellwether.Decision{}, fmt.Errorf("%w: %s", errNoDecision, id)
}

func (s *shop) Cards(context.Context) ([]bellwether.Card, error) { return nil, nil }

// Export writes a line, or breaks before or in the middle.
func (s *shop) Export(_ context.Context, what string, w io.Writer) error {
	if what == "early" {
		return errNoDecision
	}
	if _, err := io.WriteString(w, "PAR1"); err != nil || what == "late" {
		return errors.Join(err, errors.New("the disk broke"))
	}
	return nil
}

type worth struct{}

func (worth) WriteJSON(w io.Writer) error { _, err := io.WriteString(w, `{"earned":1}`); return err }
func (worth) WriteCSV(w io.Writer) error  { _, err := io.WriteString(w, "earned\n1\n"); return err }
func (worth) WriteHTML(w io.Writer) error {
	_, err := io.WriteString(w, "<!doctype html>")
	return err
}

type turned struct {
	Task   string   `json:"task"`
	Spent  Training `json:"spent"`
	Events int64    `json:"events"`
}

func run(ctx context.Context, task string, t Training, report func(bellwether.Progress)) (turned, error) {
	report(bellwether.Progress{Step: "training", Done: 1, Total: 2})
	return turned{Task: task, Spent: t, Events: 7}, ctx.Err()
}

// planned is what happens to one person.
type planned struct {
	Subject string `json:"subject"`
	Sent    bool   `json:"sent"`
}

func of[T any](ctx context.Context) (T, error) { return web.ProjectOf[T](ctx) }

func table() []web.Route {
	return slices.Concat(
		Collect(of[Collector], CollectOptions{Prefix: "/e"}), PostHog(of[Collector], nil), Items(of[Catalogue]), DeadLetters(of[Rejects]), Import(of[Importer]), ImportList(of[Imports]),
		DecisionLog(of[Decisions]), Worth(func(context.Context) (Report, error) { return worth{}, nil }), Models(of[Cards]),
		Turn(run), OneStage("train", "Fit every candidate of a task", run),
		Export(of[Exporter], []File{{"events", "cleaned events", "application/vnd.apache.parquet"}, {"early", "breaks", "application/x-broken"}, {"late", "breaks", "application/x-broken"}}),
		Send(func(_ context.Context, c Campaign, _ func(bellwether.Progress)) ([]planned, error) {
			return []planned{{Subject: c.Name + "/" + c.Surface, Sent: c.Really}}, nil
		}),
	)
}

// fixture is a server of one project.
type fixture struct {
	t      testing.TB
	keys   *web.Keys
	server *web.Server
	key    map[web.Role]string
	shop   *shop
	log    *store.Log
}

func newFixture(t testing.TB) *fixture {
	t.Helper()
	st, err := store.Open(t.Context(), t.TempDir(), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	p, err := st.Project(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	c, err := collect.New(t.Context(), p, collect.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(c.Close(), st.Close()); err != nil {
			t.Error(err)
		}
	})
	f := &fixture{t: t, key: make(map[web.Role]string), shop: &shop{Collector: c}, log: p.Log}
	f.shop.decisions = []bellwether.Decision{{ID: "d1", Subject: "ann"}, {ID: "d2", Subject: "bob"}}
	keys, err := web.LoadKeys(t.Context(), st, nil)
	if err != nil {
		t.Fatal(err)
	}
	f.keys = keys
	for _, role := range web.Roles {
		if f.key[role], err = keys.Create(t.Context(), p, role, "", time.Time{}); err != nil {
			t.Fatal(err)
		}
	}
	f.server, err = web.New(web.Options{
		Keys: keys, Routes: table(), Prefix: "/e", Project: func(bellwether.ProjectID) any { return f.shop },
		Failures: []web.Failure{{Err: errNoDecision, Status: 404, Name: "no-decision"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func (f *fixture) ask(method, path string, role web.Role, body string, change ...func(*http.Request)) (int, string) {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if role != web.Public {
		r.SetBasicAuth(f.key[role], "")
	}
	for _, c := range change {
		c(r)
	}
	w := httptest.NewRecorder()
	f.server.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

const view = `{"event":"Product Viewed","userId":"ann","messageId":"%s","properties":{"product_id":"a"}}`

// TestRoutes asks every route once and more.
func TestRoutes(t *testing.T) {
	f := newFixture(t)
	for _, test := range []struct {
		name, method, path string
		role               web.Role
		body               string
		status             int
		want               string
	}{
		{"items", "POST", "/v1/items", web.Write, `{"items":[{"id":"a","title":"A"},{"id":"b"}]}`, 200, `"accepted":2`},
		{"bad items beside a good one", "POST", "/v1/items", web.Write, `{"items":[{"id":"c"},{"title":"x"},{"id":7},7,null]}`, 200, `"accepted":1,"duplicates":0,"rejected":4`},
		{"no items", "POST", "/v1/items", web.Write, `{"items":[]}`, 400, "1 to 10000"},
		{"a message", "POST", "/v1/track", web.Collect, fmt.Sprintf(view, "m1"), 200, `"accepted":1`},
		{"again, by the short path", "POST", "/v1/t/", web.Collect, fmt.Sprintf(view, "m1"), 200, `"duplicates":1`},
		{"a bad message", "POST", "/v1/track", web.Collect, `{"event":"","userId":"ann"}`, 200, `"rejected":1`},
		{"a batch", "POST", "/v1/batch/", web.Collect, `{"batch":[{"type":"track",` + fmt.Sprintf(view, "m2")[1:] + `]}`, 200, `"accepted":1`},
		{"through the prefix", "POST", "/e/b", web.Collect, `{"batch":[]}`, 200, `"accepted":0`},
		{"an unreadable body", "POST", "/v1/batch", web.Collect, `{"batch":[}`, 400, `"offset":10`},
		{"too many messages", "POST", "/v1/batch", web.Collect, `{"batch":[` + strings.Repeat("{},", 500) + `{}]}`, 413, "smaller batches"},
		{"settings", "GET", "/v1/projects/" + f.key[web.Collect] + "/settings", web.Public, "", 200, `"apiHost":"example.com/e"`},
		{"settings of nobody", "GET", "/v1/projects/guess/settings", web.Public, "", 401, "unknown"},
		{"rejects", "GET", "/v1/rejects?limit=9", web.Admin, "", 200, `"text":"{\"event\":\"\"`},
		{"replay of nothing", "POST", "/v1/rejects/replay", web.Admin, `{"ids":[]}`, 422, "ids"},
		{"decisions", "GET", "/v1/decisions?limit=1", web.Admin, "", 200, `"d1"`},
		{"one", "GET", "/v1/decisions/d2", web.Admin, "", 200, `"bob"`},
		{"none", "GET", "/v1/decisions/d3", web.Admin, "", 404, "no-decision"},
		{"report", "GET", "/v1/report", web.Admin, "", 200, `{"earned":1}`},
		{"as CSV", "GET", "/v1/report?format=csv", web.Admin, "", 200, "earned\n"},
		{"as a page", "GET", "/v1/report?format=html", web.Admin, "", 200, "<!doctype"},
		{"as PDF", "GET", "/v1/report?format=pdf", web.Admin, "", 422, "format"},
		{"models", "GET", "/v1/models", web.Admin, "", 200, "[]"},
		{"a turn", "POST", "/v1/turn", web.Admin, "", 200, `"events":7`},
		{"training", "POST", "/v1/tasks/next-item/train", web.Admin, `{"minutes":2}`, 200, `"task":"next-item","spent":{"minutes":2}`},
		{"training for less than nothing", "POST", "/v1/tasks/next-item/train", web.Admin, `{"minutes":-1}`, 422, "minutes"},
		{"export", "GET", "/v1/export/events", web.Admin, "", 200, "PAR1"},
		{"an unknown export", "GET", "/v1/export/all", web.Admin, "", 404, "events, early, late"},
		{"an export that can't begin", "GET", "/v1/export/early", web.Admin, "", 404, "no-decision"},
		{"a dry run", "POST", "/v1/campaigns/spring/send", web.Admin, `{}`, 200, `"subject":"spring/email","sent":false`},
		{"sent", "POST", "/v1/campaigns/spring/send", web.Admin, `{"really":true,"by":"mail","surface":"push"}`, 200, `"subject":"spring/push","sent":true`},
		{"sent somehow", "POST", "/v1/campaigns/spring/send", web.Admin, `{"really":true}`, 400, "by: mail"},
		{"a file on the server", "POST", "/v1/campaigns/spring/send", web.Admin, `{"by":"audience","audience":"/etc/x.csv"}`, 403, "machine"},
		{"a collecting key reads nothing", "GET", "/v1/decisions", web.Collect, "", 403, "admin"},
	} {
		t.Run(test.name, func(t *testing.T) {
			status, body := f.ask(test.method, test.path, test.role, test.body, func(r *http.Request) {
				if test.body != "" {
					r.Header.Set("Content-Type", "application/json")
				}
			})
			if status != test.status || !strings.Contains(body, test.want) {
				t.Errorf("%d %s; want %d with %q", status, body, test.status, test.want)
			}
		})
	}
}

const orders = "person,event,product,time\nann,purchase,a,2026-05-01T10:00:00Z\nbob,purchase,b,2026-05-01T11:00:00Z\nbob,purchase,b,yesterday\n"

// TestImport: an upload as a body, as a form with a mapping, packed, and as a dry run that writes nothing.
func TestImport(t *testing.T) {
	f := newFixture(t)
	const mapping = "fields:\n  subject: person\n  event: event\n  item: product\n  time: time\n"
	var form bytes.Buffer
	parts := multipart.NewWriter(&form)
	must(t, parts.WriteField("map", mapping))
	file, err := parts.CreateFormFile("file", "orders.csv")
	must(t, err)
	_, err = file.Write([]byte(orders))
	must(t, err)
	must(t, parts.Close())
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, err = z.Write([]byte(orders))
	must(t, err)
	must(t, z.Close())
	for _, test := range []struct {
		name, query, contentType, body, want string
		status                               int
	}{
		{"a dry run", "?dry_run=true&name=orders.csv", "application/octet-stream", orders, `"accepted":2`, 200},
		{"which wrote nothing", "?name=orders.csv", "application/octet-stream", orders, `"accepted":2,"duplicates":0,"rejected":1`, 200},
		{"packed", "", "application/octet-stream", packed.String(), `"duplicates":2`, 200},
		{"a form", "", parts.FormDataContentType(), form.String(), `"guessed":false`, 200},
		{"an unknown format", "?format=excel", "application/octet-stream", orders, "the formats are", 400},
		{"a bad mapping", "?map=x%3A+y", "application/octet-stream", orders, "mapping", 400},
		{"a bad size", "?size=many", "application/octet-stream", orders, "size", 400},
		{"a form without a file", "", "multipart/form-data; boundary=x", "--x--\r\n", "named file", 400},
	} {
		t.Run(test.name, func(t *testing.T) {
			status, body := f.ask("POST", "/v1/imports"+test.query, web.Write, test.body, func(r *http.Request) { r.Header.Set("Content-Type", test.contentType) })
			if status != test.status || !strings.Contains(body, test.want) {
				t.Errorf("%d %s; want %d with %q", status, body, test.status, test.want)
			}
		})
	}
	f.takeBack()
	client := web.InProcess(f.server, "shop", web.ClientOptions{})
	var report collect.ImportReport
	steps := 0
	if err := client.Do(t.Context(), "POST", "/v1/imports", strings.NewReader(orders), &report, func(bellwether.Progress) { steps++ }); err != nil || report.Accepted != 2 || steps == 0 {
		t.Errorf("through the client: %+v, %d reports, %v", report, steps, err)
	}
}

// takeBack takes the import of orders.csv back, once, and then the same rows are new.
func (f *fixture) takeBack() {
	f.t.Helper()
	status, body := f.ask("GET", "/v1/imports", web.Admin, "")
	var all []collect.Batch
	if err := json.Unmarshal([]byte(body), &all); err != nil || status != 200 {
		f.t.Fatalf("%d %s %v", status, body, err)
	}
	i := slices.IndexFunc(all, func(b collect.Batch) bool { return b.Name == "orders.csv" && b.Accepted == 2 })
	if i < 0 {
		f.t.Fatalf("no import of two orders: %s", body)
	}
	for _, want := range []int{200, 409} {
		if status, body := f.ask("POST", "/v1/imports/"+all[i].ID+"/undo", web.Admin, ""); status != want {
			f.t.Errorf("undo: %d %s, want %d", status, body, want)
		}
	}
	if status, body := f.ask("POST", "/v1/imports/none/undo", web.Admin, ""); status != 404 {
		f.t.Errorf("undo of none: %d %s", status, body)
	}
	if status, _ := f.ask("POST", "/v1/imports/"+all[i].ID+"/undo", web.Write, ""); status != 403 {
		f.t.Errorf("undo with a key that writes: %d", status)
	}
}

// TestExportBreaks: a file that broke in the middle does not look whole, over TCP and within the program.
func TestExportBreaks(t *testing.T) {
	f := newFixture(t)
	s := httptest.NewServer(f.server)
	defer s.Close()
	r, err := http.NewRequest("GET", s.URL+"/v1/export/late", nil)
	must(t, err)
	r.SetBasicAuth(f.key[web.Admin], "")
	answer, err := http.DefaultClient.Do(r)
	if err == nil {
		_, err = io.ReadAll(answer.Body)
		_ = answer.Body.Close()
	}
	if err == nil {
		t.Error("over TCP it looks whole")
	}
	var b bytes.Buffer
	if err := web.InProcess(f.server, "shop", web.ClientOptions{}).Do(t.Context(), "GET", "/v1/export/late", nil, &b, nil); err == nil {
		t.Errorf("within the program it looks whole: %q", b.String())
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestGolden compares the OpenAPI document and the rights table with what is checked in.
func TestGolden(t *testing.T) {
	f := newFixture(t)
	doc, err := f.server.OpenAPI()
	must(t, err)
	for name, got := range map[string][]byte{"openapi.json": doc, "rights.md": []byte(f.server.Rights())} {
		path := filepath.Join("testdata", name)
		if *update {
			must(t, os.MkdirAll("testdata", 0o755))
			must(t, os.WriteFile(path, got, 0o644))
		}
		want, err := os.ReadFile(path)
		must(t, err)
		if !bytes.Equal(want, got) {
			t.Errorf("%s is not what the program serves: go test ./web/routes -run Golden -update, and read the difference", path)
		}
	}
}
