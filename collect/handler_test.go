package collect

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"bellwether"
	"bellwether/store"
)

// door is the HTTP interface of a collector whose key is "key".
func door(c *Collector) http.Handler {
	return Handler(func(_ context.Context, key string) (*Collector, error) {
		if key != "key" {
			return nil, ErrUnknownKey
		}
		return c, nil
	}, HandlerOptions{})
}

func post(h http.Handler, path, key string, body []byte, change ...func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, path, bytes.NewReader(body))
	if key != "" {
		r.SetBasicAuth(key, "")
	}
	for _, f := range change {
		f(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func packed(body string) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	z.Write([]byte(body))
	z.Close()
	return b.Bytes()
}

const view1 = `{"type":"track","event":"Product Viewed","userId":"ann","messageId":"m1","timestamp":"2026-03-01T11:00:00Z","properties":{"product_id":"shoe","price":19.99}}`

func TestHandlerStatus(t *testing.T) {
	c, p := inStore(t)
	h := door(c)
	for _, test := range []struct {
		name, path, key string
		body            []byte
		status          int
		want            string
		change          func(*http.Request)
	}{
		{"track", "/v1/track", "key", []byte(view1), 200, `"success":true`, nil},
		{"any content type", "/v1/track", "key", []byte(strings.ReplaceAll(view1, "m1", "m2")), 200, "success", func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }},
		{"gzip by header", "/v1/track", "key", packed(strings.ReplaceAll(view1, "m1", "m3")), 200, "success", func(r *http.Request) { r.Header.Set("Content-Encoding", "gzip") }},
		{"gzip by magic", "/v1/track", "key", packed(strings.ReplaceAll(view1, "m1", "m4")), 200, "success", nil},
		{"unknown key", "/v1/track", "guess", []byte(view1), 401, "key", nil},
		{"no key", "/v1/track", "", []byte(view1), 401, "key", nil},
		{"broken body", "/v1/batch", "key", []byte(`{"batch":[{"type":"track",]}`), 400, "26", nil},
		{"empty body", "/v1/batch", "key", nil, 400, "", nil},
		{"broken gzip", "/v1/track", "key", packed(view1)[:20], 400, "", nil},
		{"no list", "/v1/batch", "key", []byte(`{"events":[]}`), 200, `"rejected":1`, nil},
		{"a bad one among good ones", "/v1/batch", "key", []byte(`{"batch":[` + strings.ReplaceAll(view1, "m1", "m5") + `,{"type":"track"},7]}`), 200, `"rejected":2`, nil},
		{"too many", "/v1/batch", "key", []byte(`{"batch":[` + strings.TrimSuffix(strings.Repeat("{},", MaxBatch+1), ",") + `]}`), 413, "500", nil},
		{"too large", "/v1/batch", "key", bytes.Repeat([]byte(" "), MaxBody+1), 413, "", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			var change []func(*http.Request)
			if test.change != nil {
				change = append(change, test.change)
			}
			w := post(h, test.path, test.key, test.body, change...)
			if w.Code != test.status || !strings.Contains(w.Body.String(), test.want) {
				t.Errorf("%d %s; want %d with %q", w.Code, w.Body, test.status, test.want)
			}
		})
	}
	if events := logged(t, p); len(events) != 5 {
		t.Errorf("%d events are in the log, want m1 to m5", len(events))
	}
	if l := letters(t, c); len(l) != 3 {
		t.Errorf("%d dead letters, want 3", len(l))
	}
}

func TestOrderBecomesAnEventAnItem(t *testing.T) {
	c, p := inStore(t)
	w := post(door(c), "/v1/track", "key", []byte(`{"event":"Order Completed","userId":"ann","messageId":"o1","properties":{"order_id":"77","currency":"EUR",
		"products":[{"product_id":"a","price":1.5,"quantity":2},{"product_id":"b","price":"3","quantity":1}]}}`))
	if w.Code != http.StatusOK {
		t.Fatal(w.Body)
	}
	events := logged(t, p)
	if len(events) != 2 {
		t.Fatalf("%d events", len(events))
	}
	for k, want := range []bellwether.Money{{Amount: 150, Currency: "EUR"}, {Amount: 300, Currency: "EUR"}} {
		e := events[k]
		if e.Type != bellwether.Purchase || e.Price != want || e.Order != "77" || !strings.HasPrefix(string(e.ID), "o1") || (e.Raw != nil) != (k == 0) {
			t.Errorf("item %d is %+v", k, e)
		}
	}
}

// TestSkew: the sender's clock is two hours fast, as its sentAt shows.
func TestSkew(t *testing.T) {
	c, p := inStore(t)
	post(door(c), "/v1/batch", "key", []byte(`{"sentAt":"2026-03-01T14:00:00Z","batch":[{"type":"page","userId":"ann","messageId":"p1","timestamp":"2026-03-01T13:30:00Z"}]}`))
	events := logged(t, p)
	if len(events) != 1 || !events[0].Occurred.Equal(noon.Add(-30*time.Minute)) || !events[0].Received.Equal(noon) {
		t.Errorf("events are %+v, want one half an hour before noon", events)
	}
}

func TestDuplicatesCountOnce(t *testing.T) {
	c, p := inStore(t)
	h := door(c)
	var sending sync.WaitGroup
	for range 16 {
		sending.Go(func() {
			if w := post(h, "/v1/track", "key", []byte(view1)); w.Code != http.StatusOK {
				t.Errorf("%d %s", w.Code, w.Body)
			}
		})
	}
	sending.Wait()
	if events := logged(t, p); len(events) != 1 {
		t.Errorf("16 copies at once became %d events", len(events))
	}
	if totals := c.Totals(); totals.Accepted != 1 || totals.Duplicates != 15 {
		t.Errorf("totals are %+v", totals)
	}
}

// TestReplay: a message that was refused is repaired and read again, once.
func TestReplay(t *testing.T) {
	c, p := inStore(t)
	post(door(c), "/v1/track", "key", []byte(`{"event":"Product Viewed","messageId":"m1","properties":{"product_id":"shoe"}}`))
	all := letters(t, c)
	if len(all) != 1 || !strings.Contains(all[0].Reason, "person") {
		t.Fatalf("dead letters are %+v", all)
	}
	again, err := c.Replay(t.Context(), []string{all[0].ID}, nil)
	if err != nil || again.Rejected != 1 {
		t.Errorf("unrepaired: %+v, %v", again, err)
	}
	repair := func(r Rejected) ([]byte, error) {
		return bytes.Replace(r.Raw, []byte(`{`), []byte(`{"userId":"ann",`), 1), nil
	}
	c.o.Clock = func() time.Time { return noon.Add(time.Hour) }
	for _, want := range []Result{{Accepted: 1, Events: 1}, {Duplicates: 1}} {
		got, err := c.Replay(t.Context(), []string{all[0].ID}, repair)
		got.Sequence = 0
		if err != nil || got != want {
			t.Errorf("repaired: %+v, %v; want %+v", got, err, want)
		}
	}
	if events := logged(t, p); len(events) != 1 || events[0].Subject != "ann" || !events[0].Received.Equal(noon.Add(time.Hour)) {
		t.Errorf("the log has %+v, want an event of ann that was received when it was replayed", events)
	}
	if all := letters(t, c); len(all) != 1 || !all[0].Replayed {
		t.Errorf("dead letters are %+v", all)
	}
	if _, err := c.Replay(t.Context(), []string{"none"}, nil); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("an unknown id gave %v", err)
	}
}

// failing is a log that is unavailable.
type failing struct{ appender }

func (failing) Append(context.Context, ...store.Record) (uint64, error) {
	return 0, fmt.Errorf("append: %w", store.ErrUnavailable)
}

func TestUnavailableSaysWhenToTryAgain(t *testing.T) {
	c := inMemory()
	c.log = failing{c.log}
	w := post(door(c), "/v1/track", "key", []byte(view1))
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
}

func TestOverload(t *testing.T) {
	hold, entered := make(chan struct{}), make(chan struct{})
	h := Handler(func(context.Context, string) (*Collector, error) {
		entered <- struct{}{}
		<-hold
		return nil, ErrUnknownKey
	}, HandlerOptions{MaxInFlight: 1})
	done := make(chan struct{})
	go func() { defer close(done); post(h, "/v1/track", "key", []byte(view1)) }()
	<-entered
	w := post(h, "/v1/track", "key", []byte(view1))
	if w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") == "" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	close(hold)
	<-done
}

func TestBrowserSettings(t *testing.T) {
	w := httptest.NewRecorder()
	door(inMemory()).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/v1/projects/key/settings", nil))
	var settings map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &settings); err != nil || settings["integrations"] == nil {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func BenchmarkBatch100(b *testing.B) {
	c, _ := inStore(b)
	h := door(c)
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		var body bytes.Buffer
		body.WriteString(`{"batch":[`)
		for k := range 100 {
			if k > 0 {
				body.WriteByte(',')
			}
			body.WriteString(strings.Replace(view1, "m1", fmt.Sprintf("m-%d-%d", n, k), 1))
		}
		body.WriteString(`]}`)
		if w := post(h, "/v1/batch", "key", body.Bytes()); w.Code != http.StatusOK {
			b.Fatal(w.Body)
		}
	}
	b.ReportMetric(100*float64(b.N)/b.Elapsed().Seconds(), "events/s")
}
