package routes

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"bellwether"
	"bellwether/collect"
	"bellwether/store"
	"bellwether/web"
)

func gzipped(body string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write([]byte(body))
	_ = z.Close()
	return b.String()
}

// written counts the events and the dead letters of the fixture's project.
func (f *fixture) written() (events, refused int) {
	f.t.Helper()
	must(f.t, f.log.Read(f.t.Context(), 0, func(b store.Batch) error {
		for _, r := range b.Records {
			if r.Kind == store.KindEvent {
				events++
			}
		}
		return nil
	}))
	must(f.t, f.shop.DeadLetters(f.t.Context(), func(collect.Rejected) bool { refused++; return true }))
	return events, refused
}

// TestCollectStatus: what senders are told, and what is on disk afterwards.
func TestCollectStatus(t *testing.T) {
	f := newFixture(t)
	one := func(id string) string { return fmt.Sprintf(view, id) }
	text := func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }
	header := func(r *http.Request) { r.Header.Set("Content-Encoding", "gzip") }
	key := func(key string) func(*http.Request) { return func(r *http.Request) { r.SetBasicAuth(key, "") } }
	for _, test := range []struct {
		name, path, body string
		status           int
		want             string
		change           func(*http.Request)
	}{
		{"track", "/v1/track", one("m1"), 200, `"success":true,"accepted":1`, nil},
		{"any content type", "/v1/track", one("m2"), 200, `"success":true,"accepted":1`, text},
		{"gzip by header", "/v1/track", gzipped(one("m3")), 200, `"success":true,"accepted":1`, header},
		{"gzip by its beginning", "/v1/track", gzipped(one("m4")), 200, `"success":true,"accepted":1`, nil},
		{"key in the body", "/v1/t", `{"writeKey":"` + f.key[web.Collect] + `",` + one("m6")[1:], 200, `"success":true,"accepted":1`, func(r *http.Request) { r.Header.Del("Authorization") }},
		{"unknown key", "/v1/track", one("m7"), 401, "key", key("guess")},
		{"unknown key in the body", "/v1/track", `{"writeKey":"guess",` + one("m7")[1:], 401, "key", func(r *http.Request) { r.Header.Del("Authorization") }},
		{"no key", "/v1/track", one("m7"), 401, "key", func(r *http.Request) { r.Header.Del("Authorization") }},
		{"broken body", "/v1/batch", `{"batch":[{"type":"track",]}`, 400, `"offset":26`, nil},
		{"broken body, packed", "/v1/batch", gzipped(`{"batch":[{"type":"track",]}`), 400, `"offset":26`, nil},
		{"empty body", "/v1/batch", "", 400, `"offset":0`, nil},
		{"broken gzip", "/v1/track", gzipped(one("m7"))[:20], 400, "gzip", nil},
		{"no list", "/v1/batch", `{"events":[]}`, 200, `"rejected":1`, nil},
		{"a bad one among good ones", "/v1/batch", `{"batch":[{"type":"track",` + one("m5")[1:] + `,{"type":"track"},7]}`, 200, `"accepted":1,"duplicates":0,"rejected":2`, nil},
		{"too many", "/v1/batch", `{"batch":[` + strings.Repeat("{},", collect.MaxBatch) + `{}]}`, 413, "500", nil},
		{"too large", "/v1/batch", strings.Repeat(" ", collect.MaxBody+1), 413, "larger", nil},
		{"too large when unpacked", "/v1/batch", gzipped(strings.Repeat(" ", collect.MaxBody+1)), 413, "4 MB", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			var change []func(*http.Request)
			if test.change != nil {
				change = append(change, test.change)
			}
			status, body := f.ask("POST", test.path, web.Collect, test.body, change...)
			if status != test.status || !strings.Contains(body, test.want) {
				t.Errorf("%d %s; want %d with %q", status, body, test.status, test.want)
			}
		})
	}
	if events, refused := f.written(); events != 6 || refused != 3 {
		t.Errorf("%d events and %d dead letters on disk, want m1 to m6 and 3", events, refused)
	}
}

// unavailable is a collector whose log can't be written.
type unavailable struct{ Collector }

func (unavailable) AcceptMessage(context.Context, string, []byte) (collect.Result, error) {
	return collect.Result{}, fmt.Errorf("append: %w", store.ErrUnavailable)
}

// held is a collector that keeps who asks waiting.
type held struct {
	Collector
	entered, hold chan struct{}
}

func (h held) AcceptMessage(context.Context, string, []byte) (collect.Result, error) {
	h.entered <- struct{}{}
	<-h.hold
	return collect.Result{Accepted: 1}, nil
}

// over is a server whose projects are c, with the fixture's keys.
func (f *fixture) over(c Collector, l web.Limits) func() *httptest.ResponseRecorder {
	f.t.Helper()
	s, err := web.New(web.Options{Keys: f.keys, Routes: Collect(of[Collector], CollectOptions{}), Project: func(bellwether.ProjectID) any { return c }, Limits: l})
	must(f.t, err)
	return func() *httptest.ResponseRecorder {
		r := httptest.NewRequest("POST", "/v1/track", strings.NewReader(fmt.Sprintf(view, "m1")))
		r.SetBasicAuth(f.key[web.Collect], "")
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		return w
	}
}

// TestUnavailableSaysWhenToTryAgain: a log that can't be written is 503, and says nothing of the inside.
func TestUnavailableSaysWhenToTryAgain(t *testing.T) {
	w := newFixture(t).over(unavailable{}, web.Limits{})()
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || strings.Contains(w.Body.String(), `"success":true`) {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
}

// TestOverload: a request beyond those that are worked on is 429, and is taken once there is room.
func TestOverload(t *testing.T) {
	h := held{entered: make(chan struct{}, 2), hold: make(chan struct{})}
	ask := newFixture(t).over(h, web.Limits{Working: 1})
	var first sync.WaitGroup
	first.Go(func() { ask() })
	<-h.entered
	if w := ask(); w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") == "" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	close(h.hold)
	first.Wait()
	if w := ask(); w.Code != http.StatusOK {
		t.Errorf("afterwards: %d %s", w.Code, w.Body)
	}
}

// TestBrowserSettings: analytics.js finds its one destination, with its key and where to send.
func TestBrowserSettings(t *testing.T) {
	f := newFixture(t)
	status, body := f.ask("GET", "/v1/projects/"+f.key[web.Collect]+"/settings", web.Public, "")
	var settings struct {
		Integrations map[string]struct {
			Key  string `json:"apiKey"`
			Host string `json:"apiHost"`
		}
	}
	if err := json.Unmarshal([]byte(body), &settings); err != nil || status != http.StatusOK {
		t.Fatalf("%d %s: %v", status, body, err)
	}
	if s := settings.Integrations["Segment.io"]; s.Key != f.key[web.Collect] || s.Host != "example.com/e" {
		t.Errorf("settings are %s", body)
	}
}
