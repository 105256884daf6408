package routes

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"bellwether"
	"bellwether/collect"
	"bellwether/web"
)

// accepting counts what it was asked to write: the benchmark is of the way there.
type accepting struct{ bytes int }

func (a *accepting) AcceptBatch(_ context.Context, body []byte) (collect.Result, error) {
	a.bytes += len(body)
	return collect.Result{Accepted: 100}, nil
}

func (a *accepting) AcceptMessage(_ context.Context, _ string, body []byte) (collect.Result, error) {
	a.bytes += len(body)
	return collect.Result{Accepted: 1}, nil
}

// BenchmarkWay is what the server costs a batch of 100 messages before the collector has it: key, body, limits, answer.
func BenchmarkWay(b *testing.B) {
	f := newFixture(b)
	var to accepting
	server, err := web.New(web.Options{
		Keys: f.keys, Project: func(bellwether.ProjectID) any { return &to },
		Routes: Collect(of[Collector], CollectOptions{}),
	})
	if err != nil {
		b.Fatal(err)
	}
	body := []byte(`{"batch":[` + strings.TrimSuffix(strings.Repeat(fmt.Sprintf(view, "m1")+",", 100), ",") + `]}`)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		r := httptest.NewRequest(http.MethodPost, "/v1/batch", bytes.NewReader(body))
		r.SetBasicAuth(f.key[web.Collect], "")
		w := httptest.NewRecorder()
		server.ServeHTTP(w, r)
		if w.Code != 200 {
			b.Fatal(w.Body)
		}
	}
}
