package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"bellwether/bench/growth"
)

// Gates of rates.
const (
	rateClients    = 8
	ingestBatch    = 100
	ingestSeconds  = 60 // of each side, in turns
	ingestTurns    = 6
	ingestShare    = .25
	ingestCost     = 25 * time.Microsecond
	slateItems     = 12_101
	slateSeconds   = 60
	slatesASecond  = 3000
	slateP99       = 10 * time.Millisecond
	eventsOfSlates = 60_000
)

// during calls ask from parallel clients for a while and returns how long each took.
func during(ctx context.Context, parallel int, d time.Duration, ask func(client, n int) error) (took []time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	var mu sync.Mutex
	var all sync.WaitGroup
	for c := range parallel {
		all.Go(func() {
			var own []time.Duration
			var failed error
			for n := 0; ctx.Err() == nil && failed == nil; n++ {
				start := time.Now()
				failed = ask(c, n)
				own = append(own, time.Since(start))
			}
			mu.Lock()
			defer mu.Unlock()
			took, err = append(took, own...), errors.Join(err, failed)
		})
	}
	all.Wait()
	slices.Sort(took)
	return took, err
}

// ingestCheck sends batches over HTTP and writes the same bytes to a file with an fsync a batch, in turns.
func ingestCheck(r *runner) error {
	s, err := r.serving("ingest", growth.Size{Events: 2000, People: 200, Items: killItems})
	if err != nil {
		return err
	}
	defer s.stop()
	f, err := os.Create(filepath.Join(r.folder, "raw"))
	if err != nil {
		return err
	}
	defer f.Close()
	part := time.Duration(r.count(ingestSeconds*1000)) * time.Millisecond / ingestTurns
	var raw, sent int
	var rawTook, sentTook, processor time.Duration
	c := client(rateClients)
	for turn := range ingestTurns {
		name := func(client, n int) string { return fmt.Sprintf("in-%d-%d-%d", turn, client, n) }
		began := time.Now()
		took, err := during(r.ctx, 1, part, func(_, n int) error {
			if _, err := f.Write(batch(name(9, n), ingestBatch, killPeople, killItems)); err != nil {
				return err
			}
			return f.Sync()
		})
		if err != nil {
			return err
		}
		raw, rawTook = raw+len(took)*ingestBatch, rawTook+time.Since(began)
		_, before := s.usage("VmRSS")
		began = time.Now()
		if took, err = during(r.ctx, rateClients, part, func(client, n int) error {
			return s.ask(r.ctx, c, http.MethodPost, "/v1/batch", batch(name(client, n), ingestBatch, killPeople, killItems), nil)
		}); err != nil {
			return err
		}
		sent, sentTook = sent+len(took)*ingestBatch, sentTook+time.Since(began)
		_, after := s.usage("VmRSS")
		processor += after - before
	}
	rate, floor := float64(sent)/sentTook.Seconds(), float64(raw)/rawTook.Seconds()
	r.add("ingest over HTTP beside raw write+fsync", fmt.Sprintf("%.0f events/s beside %.0f: %.0f %%", rate, floor, 100*rate/floor), fmt.Sprintf("≥ %.0f %%", 100*ingestShare), rate >= ingestShare*floor)
	each := processor / time.Duration(max(sent, 1))
	r.add("ingest over HTTP: processor time of the server", fmt.Sprintf("%.1f µs an event", float64(each.Nanoseconds())/1000), fmt.Sprintf("≤ %v", ingestCost), each <= ingestCost)
	return nil
}

// slatesCheck asks a server with a trained model for recommendations, each logged.
func slatesCheck(r *runner) error {
	key, err := r.shopOf("slates", growth.Size{Events: eventsOfSlates, People: 3000, Items: slateItems})
	if err != nil {
		return err
	}
	for _, args := range [][]string{{"train", "recommend", "--minutes", "0.2", "--preset", "tiny"}, {"evaluate", "recommend"}, {"promote", "recommend", "--force"}} {
		if _, err := r.program("slates", args...); err != nil {
			return err
		}
	}
	s, err := r.started("slates")
	if err != nil {
		return err
	}
	defer s.stop()
	s.write = key
	var model struct{ Model string }
	if err := s.ask(r.ctx, client(1), http.MethodGet, "/v1/recommend?k=10&subject=user-1", nil, &model); err != nil {
		return err
	}
	c, part := client(rateClients), time.Duration(r.count(slateSeconds*1000))*time.Millisecond
	ask := func(client, n int) error {
		return s.ask(r.ctx, c, http.MethodGet, fmt.Sprintf("/v1/recommend?k=10&subject=user-%d", hash("slate", client<<20+n)%3000), nil, nil)
	}
	if _, err := during(r.ctx, rateClients, part/5, ask); err != nil { // warm
		return err
	}
	_, before := s.usage("VmRSS")
	took, err := during(r.ctx, rateClients, part, ask)
	if err != nil {
		return err
	}
	_, after := s.usage("VmRSS")
	p99, rate := took[len(took)*99/100], float64(len(took))/part.Seconds()
	r.add("recommendations, each logged", fmt.Sprintf("%.0f/s by %s, %.0f µs of the server's processor each, %d processors", rate, model.Model, float64((after-before).Microseconds())/float64(len(took)), runtime.NumCPU()),
		fmt.Sprintf("≥ %d/s", slatesASecond), rate >= slatesASecond)
	r.add("recommendations: p99", fmt.Sprint(p99.Round(10*time.Microsecond)), fmt.Sprintf("≤ %v", slateP99), p99 <= slateP99)
	return nil
}

// good is a client that sends batches until stop, and counts events.
func (s *server) good(ctx context.Context) (events *atomic.Int64, wait func() error) {
	events = new(atomic.Int64)
	c := client(rateClients)
	done := make(chan error, 1)
	name := fmt.Sprint("good-", time.Now().UnixNano())
	go func() {
		_, err := during(ctx, rateClients, time.Hour, func(client, n int) error {
			err := s.ask(ctx, c, http.MethodPost, "/v1/batch", batch(fmt.Sprintf("%s-%d-%d", name, client, n), ingestBatch, killPeople, killItems), nil)
			if err != nil && ctx.Err() != nil {
				return nil // cut off by the end
			}
			if err == nil {
				events.Add(ingestBatch)
			}
			return err
		})
		done <- err
	}()
	return events, func() error { return <-done }
}
