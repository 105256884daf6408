package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"

	"bellwether"
	"bellwether/api"
	"bellwether/collect"
	"bellwether/pipeline"
	"bellwether/store"
)

// project opens a new project in a folder, with every view that the program folds.
func project(ctx context.Context, folder string) (*pipeline.Engine, *store.Store, *store.Project, error) {
	st, err := store.Open(ctx, folder, store.Options{})
	if err != nil {
		return nil, nil, nil, err
	}
	p, err := st.Project(ctx, "account")
	if err != nil {
		return nil, st, nil, err
	}
	e, err := pipeline.Open(ctx, p, pipeline.Options{Currency: "EUR"})
	return e, st, p, err
}

// importing imports a CSV file and waits for the views.
func importing(ctx context.Context, folder string, file io.Reader) (func() (int64, error), func() error, error) {
	e, st, _, err := project(ctx, folder)
	if err != nil {
		return nil, nil, err
	}
	run := func() (int64, error) {
		r, err := e.Collector.Import(ctx, file, collect.ImportOptions{Name: "events.csv"}, nil)
		if err == nil && r.Rejected+r.Duplicates > 0 {
			err = fmt.Errorf("%d rows were refused and %d duplicates: %v", r.Rejected, r.Duplicates, r.Examples)
		}
		if err == nil {
			err = e.Flush(ctx)
		}
		return r.Events, err
	}
	return run, closing(e, st), nil
}

func closing(e *pipeline.Engine, st *store.Store) func() error {
	return func() error {
		err := e.Close()
		if closed := st.Close(); err == nil {
			err = closed
		}
		return err
	}
}

// senders post at a time, as a site's visitors do.
const senders = 16

// posting posts rows as Segment messages, some of them a request, and waits for the views.
func posting(batch int) func(context.Context, string, io.Reader) (func() (int64, error), func() error, error) {
	return func(ctx context.Context, folder string, rows io.Reader) (func() (int64, error), func() error, error) {
		bodies, events, err := messages(rows, batch)
		if err != nil {
			return nil, nil, err
		}
		e, st, p, err := project(ctx, folder)
		if err != nil {
			return nil, nil, err
		}
		keys, err := api.LoadKeys(ctx, st)
		if err != nil {
			return nil, nil, err
		}
		key, err := keys.Create(ctx, p, api.Write)
		if err != nil {
			return nil, nil, err
		}
		server := httptest.NewServer(api.New(api.Options{Keys: keys, Engine: func(bellwether.ProjectID) *pipeline.Engine { return e }}))
		post := &poster{url: server.URL + "/v1/batch", key: key, client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: senders}}}
		run := func() (int64, error) {
			if err := post.all(ctx, bodies); err != nil {
				return 0, err
			}
			return events, e.Flush(ctx)
		}
		shut := closing(e, st)
		return run, func() error { post.client.CloseIdleConnections(); server.Close(); return shut() }, nil
	}
}

// poster is the client.
type poster struct {
	url, key string
	client   *http.Client
}

// all posts bodies, several at a time.
func (p *poster) all(ctx context.Context, bodies [][]byte) error {
	var all sync.WaitGroup
	failed := make(chan error, senders)
	for k := range senders {
		all.Go(func() {
			for i := k; i < len(bodies); i += senders {
				if err := p.post(ctx, bodies[i]); err != nil {
					failed <- err
					return
				}
			}
		})
	}
	all.Wait()
	select {
	case err := <-failed:
		return err
	default:
		return nil
	}
}

func (p *poster) post(ctx context.Context, body []byte) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.SetBasicAuth(p.key, "")
	answer, err := p.client.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("POST %s: %d %s", p.url, answer.StatusCode, text)
	}
	return err
}

// messages writes the rows of an event file as bodies of Segment's batch call.
func messages(rows io.Reader, batch int) (bodies [][]byte, events int64, err error) {
	r := csv.NewReader(rows)
	names, err := r.Read()
	if err != nil {
		return nil, 0, err
	}
	var parts []map[string]any
	flush := func() error {
		if len(parts) == 0 {
			return nil
		}
		body, err := json.Marshal(map[string]any{"batch": parts})
		bodies, parts = append(bodies, body), nil
		return err
	}
	for {
		row, err := r.Read()
		if err == io.EOF {
			return bodies, events, flush()
		}
		if err != nil {
			return nil, 0, err
		}
		cell := make(map[string]string, len(names))
		for i, name := range names {
			cell[name] = row[i]
		}
		parts = append(parts, segment(cell))
		events++
		if len(parts) == batch {
			if err := flush(); err != nil {
				return nil, 0, err
			}
		}
	}
}

// segment is a row as analytics.js would send it.
func segment(cell map[string]string) map[string]any {
	m := map[string]any{
		"type": "track", "event": cell["event_type"], "messageId": cell["event_id"], "timestamp": cell["timestamp"], "anonymousId": cell["anonymous_id"],
		"context": map[string]any{"userAgent": cell["user_agent"], "campaign": map[string]any{"source": cell["channel"], "name": cell["campaign"]}},
	}
	if cell["user_id"] != "" {
		m["userId"] = cell["user_id"]
	}
	if cell["event_type"] == "identify" {
		m["type"] = "identify"
		return m
	}
	properties := map[string]any{"product_id": cell["item_id"], "price": json.Number(cell["price"]), "currency": cell["currency"]}
	if cell["order_id"] != "" {
		properties["order_id"], properties["quantity"] = cell["order_id"], json.Number(cell["quantity"])
	}
	m["properties"] = properties
	return m
}
