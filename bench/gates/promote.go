package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"bellwether"
	"bellwether/collect"
	"bellwether/host"
	"bellwether/learn"
	"bellwether/pipeline"
	"bellwether/store"
	"bellwether/web"
)

// promoteCheck asks for a hundred recommendations a second over HTTP while five models are
// promoted: no error, and every answer is that of one whole model, so that all answers of one version
// for one person have the same candidates and scores.
func promoteCheck(r *runner) error {
	st, err := store.Open(r.ctx, filepath.Join(r.folder, "promote"), store.Options{})
	if err != nil {
		return err
	}
	defer st.Close()
	p, err := st.Project(r.ctx, "gates")
	if err != nil {
		return err
	}
	e, err := pipeline.Open(r.ctx, p, pipeline.Options{HoldoutShare: -1, Training: learn.Training{Epochs: 1, Preset: "tiny"}})
	if err != nil {
		return err
	}
	defer e.Close()
	keys, err := web.LoadKeys(r.ctx, st, nil)
	if err != nil {
		return err
	}
	key, err := keys.Create(r.ctx, p, web.Write, "gates", time.Time{})
	if err != nil {
		return err
	}
	handler, err := host.New(host.Options{Keys: keys, Project: func(bellwether.ProjectID) *pipeline.Project { return e }})
	if err != nil {
		return err
	}
	server := httptest.NewServer(handler)
	defer server.Close()
	if err := walks(r.ctx, e, 200, 40, 300); err != nil {
		return err
	}
	load := &load{url: server.URL, key: key, seen: make(map[string]slate)}
	ctx, stop := context.WithCancel(r.ctx)
	var asking sync.WaitGroup
	for worker := range 4 {
		asking.Go(func() { load.run(ctx, worker, 25*time.Millisecond) })
	}
	start := time.Now()
	for range 5 {
		if _, err := e.Train(r.ctx, "recommend", nil, nil, nil); err != nil {
			stop()
			return err
		}
		if _, err := e.Evaluate(r.ctx, "recommend", nil, nil); err != nil {
			stop()
			return err
		}
		if _, _, err := e.Promote(r.ctx, "recommend", nil, true, nil); err != nil {
			stop()
			return err
		}
		time.Sleep(time.Second)
	}
	took := time.Since(start).Seconds()
	stop()
	asking.Wait()
	answers, versions := load.answers.Load(), load.versions()
	r.add("promote: answers while 5 models were promoted", fmt.Sprintf("%d (%.0f a second) by %d versions", answers, float64(answers)/took, versions), "≥ 100 a second, 5 versions",
		float64(answers)/took >= 100 && versions >= 5)
	r.add("promote: errors", fmt.Sprint(load.errors.Load(), " ", load.first), "0", load.errors.Load() == 0)
	r.add("promote: answers of half a model", fmt.Sprint(load.mixed.Load()), "0", load.mixed.Load() == 0)
	return nil
}

// walks writes n people who view items in a circle, one a day.
func walks(ctx context.Context, e *pipeline.Project, n, days, items int) error {
	begin := time.Now().AddDate(0, 0, -days-1)
	var in []collect.Incoming
	for p := range n {
		for day := range days {
			in = append(in, collect.Incoming{Source: "gates", Event: bellwether.Event{
				ID: bellwether.EventID(fmt.Sprint(p, "/", day)), Type: bellwether.ViewItem, Occurred: begin.AddDate(0, 0, day),
				Subject: bellwether.Subject(fmt.Sprint("person-", p)), Item: bellwether.ItemID(fmt.Sprint("item-", (p*7+day)%items)),
			}})
		}
	}
	if _, err := e.Collector.Accept(ctx, in); err != nil {
		return err
	}
	return e.Flush(ctx)
}

// slate is an answer, as far as versions can be told apart by it.
type slate struct {
	Model string
	Items map[string]float64 // scores of the items that were drawn
}

// load asks and compares.
type load struct {
	url, key               string
	answers, errors, mixed atomic.Int64

	mu    sync.Mutex
	first string           // error
	seen  map[string]slate // by version and person
}

// run asks every interval until ctx ends.
func (l *load) run(ctx context.Context, worker int, interval time.Duration) {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for i := worker; ; i += 4 {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := l.ask(fmt.Sprint("person-", i%50)); err != nil {
			l.errors.Add(1)
			l.mu.Lock()
			l.first = err.Error()
			l.mu.Unlock()
		}
	}
}

func (l *load) ask(person string) error {
	b, err := ask(context.Background(), http.MethodGet, l.url+"/v1/recommend?k=50&exclude=none&subject="+person, l.key, "")
	if err != nil {
		return err
	}
	var body struct {
		Model string
		Items []struct {
			Item  string
			Score float64
		}
	}
	if err := json.Unmarshal(b, &body); err != nil {
		return err
	}
	s := slate{Model: body.Model, Items: make(map[string]float64)}
	for _, it := range body.Items {
		s.Items[it.Item] = it.Score
	}
	l.answers.Add(1)
	l.mu.Lock()
	defer l.mu.Unlock()
	id := s.Model + "/" + person
	if before, asked := l.seen[id]; asked && !reflect.DeepEqual(before, s) {
		l.mixed.Add(1)
	}
	l.seen[id] = s
	return nil
}

// versions counts the models that answered, popularity aside.
func (l *load) versions() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	names := make(map[string]bool)
	for _, s := range l.seen {
		if s.Model != "popularity" {
			names[s.Model] = true
		}
	}
	return len(names)
}
