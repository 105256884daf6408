package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"bellwether/bench/growth"
)

// The soak's load: small enough that one of two cores has time for others.
const (
	soakPeople, soakItems = 2000, 500
	soakEvents            = 50_000           // before it begins
	soakBatches           = time.Second      // between two batches of soakBatch events
	soakBatch             = 20               // events
	soakAsks              = time.Second / 10 // between two slates, each logged
	soakPages             = 10 * time.Second // between two looks at the first page's data
	soakTurns             = "10m"
	flatMemory            = 1.10
	flatLatency           = 1.5
)

// sample is what the soak saw in one minute.
type sample struct {
	at       time.Duration
	memory   int64 // resident, the median of the minute's looks
	p99      time.Duration
	requests int
	failed   int
}

// soakCheck keeps a mixed load up while turns are taken, and looks whether memory and answers stay as they were.
func soakCheck(r *runner) error {
	minutes := r.count(soakMinutes)
	key, err := r.shopOf("soak", growth.Size{Events: soakEvents, People: soakPeople, Items: soakItems})
	if err != nil {
		return err
	}
	conf := "turn_every: " + soakTurns + "\nminutes: 0.2\npreset: tiny\n"
	if err := os.WriteFile(filepath.Join(r.folder, "soak", "config.yaml"), []byte(conf), 0o600); err != nil {
		return err
	}
	s, err := r.started("soak")
	if err != nil {
		return err
	}
	defer s.stop()
	s.write = key
	ctx, cancel := context.WithTimeout(r.ctx, time.Duration(minutes)*time.Minute)
	defer cancel()
	samples := s.soak(ctx)
	return r.judgeSoak(samples, s.log(), minutes)
}

// soak runs the load until ctx ends and returns a sample a minute.
func (s *server) soak(ctx context.Context) (samples []sample) {
	var mu sync.Mutex
	var took []time.Duration
	var failed int
	c, begun := client(4), time.Now()
	every := func(pause time.Duration, ask func(n int) error) {
		tick := time.NewTicker(pause)
		defer tick.Stop()
		for n := 0; ; n++ {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			start := time.Now()
			err := ask(n)
			mu.Lock()
			took = append(took, time.Since(start))
			if err != nil && ctx.Err() == nil {
				failed++
				fmt.Fprintln(os.Stderr, "soak:", err)
			}
			mu.Unlock()
		}
	}
	var load sync.WaitGroup
	load.Go(func() {
		every(soakBatches, func(n int) error {
			return s.ask(ctx, c, http.MethodPost, "/v1/batch", batch(fmt.Sprint("soak-", n), soakBatch, soakPeople, soakItems), nil)
		})
	})
	load.Go(func() {
		every(soakAsks, func(n int) error {
			return s.ask(ctx, c, http.MethodGet, fmt.Sprintf("/v1/recommend?k=10&subject=user-%d", hash("ask", n)%soakPeople), nil, nil)
		})
	})
	load.Go(func() {
		every(soakPages, func(int) error { return s.ask(ctx, c, http.MethodGet, "/healthz", nil, nil) })
	})
	var looks []int64
	for n := 1; ; n++ {
		select {
		case <-ctx.Done():
			load.Wait()
			return samples
		case <-time.After(5 * time.Second):
		}
		size, _ := s.usage("VmRSS")
		looks = append(looks, size)
		if n%12 > 0 {
			continue
		}
		mu.Lock()
		slices.Sort(took)
		slices.Sort(looks)
		one := sample{at: time.Since(begun).Round(time.Second), memory: looks[len(looks)/2], p99: took[len(took)*99/100], requests: len(took), failed: failed}
		took, failed, looks = took[:0], 0, looks[:0]
		mu.Unlock()
		samples = append(samples, one)
		fmt.Fprintf(os.Stderr, "soak: %v: %d MiB, p99 %v of %d requests, %d failed\n", one.at, one.memory>>20, one.p99.Round(10*time.Microsecond), one.requests, one.failed)
	}
}

// judgeSoak compares the last quarter with the first one after the first quarter: memory and p99 by their medians, so that the minutes of
// a turn weigh the same in both.
func (r *runner) judgeSoak(samples []sample, log []string, minutes int) error {
	if len(samples) < 4 {
		return errors.New("the soak was too short to be judged: give it four minutes")
	}
	quarter := len(samples) / 4
	early, late := samples[quarter:2*quarter], samples[len(samples)-quarter:]
	memory := func(s []sample) float64 {
		all := make([]float64, len(s))
		for i := range s {
			all[i] = float64(s[i].memory)
		}
		slices.Sort(all)
		return all[len(all)/2]
	}
	p99 := func(s []sample) float64 {
		all := make([]float64, len(s))
		for i := range s {
			all[i] = s[i].p99.Seconds()
		}
		slices.Sort(all)
		return all[len(all)/2]
	}
	failed, errorsLogged, requests := 0, 0, 0
	for _, s := range samples {
		failed, requests = failed+s.failed, requests+s.requests
	}
	for _, l := range log {
		if strings.Contains(l, "level=ERROR") {
			errorsLogged++
			fmt.Fprintln(os.Stderr, l)
		}
	}
	size := memory(late) / memory(early)
	r.add("soak: resident memory", fmt.Sprintf("%.0f → %.0f MiB, %.2f × in %d minutes", memory(early)/(1<<20), memory(late)/(1<<20), size, minutes), fmt.Sprintf("≤ %.2f ×", flatMemory), size > 0 && size <= flatMemory)
	slower := p99(late) / p99(early)
	r.add("soak: p99", fmt.Sprintf("%.1f → %.1f ms, %.2f ×", 1e3*p99(early), 1e3*p99(late), slower), fmt.Sprintf("≤ %.1f ×", flatLatency), slower > 0 && slower <= flatLatency)
	r.add("soak: requests that failed, errors in the log", fmt.Sprintf("%d of %d, %d", failed, requests, errorsLogged), "0, 0", failed == 0 && errorsLogged == 0)
	return nil
}
