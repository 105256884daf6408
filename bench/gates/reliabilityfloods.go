package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"bellwether/bench/growth"
)

// Gates of those who mean no good.
const (
	slowConnections = 1000
	floodSeconds    = 60
	floodKeys       = 16 // clients with wrong keys
	keptRate        = .5
	keptMemory      = 512 << 20
	aliasBytes      = 10 << 20
	startAfter      = 5 * time.Second
)

// floodsCheck measures a good client alone, and while 1,000 connections send bodies slowly, and while others try wrong keys.
func floodsCheck(r *runner) error {
	s, err := r.serving("floods", growth.Size{Events: 2000, People: 200, Items: killItems})
	if err != nil {
		return err
	}
	defer s.stop()
	part := time.Duration(r.count(floodSeconds*1000)) * time.Millisecond / 3
	alone, idle, err := s.goodRate(r.ctx, part, func(context.Context) error { return nil })
	if err != nil {
		return err
	}
	for _, f := range []struct {
		name  string
		flood func(context.Context) error
	}{
		{fmt.Sprintf("%d slow bodies", slowConnections), s.slowBodies},
		{fmt.Sprintf("%d clients with wrong keys", floodKeys), s.wrongKeys},
	} {
		rate, memory, err := s.goodRate(r.ctx, part, f.flood)
		if err != nil {
			return err
		}
		r.add(f.name+": ingest of a good client", fmt.Sprintf("%.0f beside %.0f events/s alone: %.0f %%", rate, alone, 100*rate/alone), fmt.Sprintf("≥ %.0f %%", 100*keptRate), rate >= keptRate*alone)
		r.add(f.name+": resident memory above the client's alone", fmt.Sprintf("%d MiB", (memory-idle)>>20), fmt.Sprintf("≤ %d MiB", keptMemory>>20), memory-idle <= keptMemory)
	}
	return nil
}

// goodRate is the good client's events a second while flood goes on, and the most resident memory meanwhile.
func (s *server) goodRate(ctx context.Context, d time.Duration, flood func(context.Context) error) (rate float64, most int64, err error) {
	around, end := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- flood(around) }()
	time.Sleep(d / 5)
	during, stop := context.WithTimeout(ctx, d)
	events, wait := s.good(during)
	for during.Err() == nil {
		size, _ := s.usage("VmRSS")
		most = max(most, size)
		time.Sleep(50 * time.Millisecond)
	}
	stop()
	rate = float64(events.Load()) / d.Seconds()
	err = wait()
	end()
	return rate, most, errors.Join(err, <-done)
}

// slowBodies keeps connections open whose bodies come a byte at a time; one that is closed is opened again.
func (s *server) slowBodies(ctx context.Context) error {
	var all sync.WaitGroup
	for range slowConnections {
		all.Go(func() {
			for ctx.Err() == nil {
				conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
				if err != nil {
					time.Sleep(100 * time.Millisecond)
					continue
				}
				_, err = fmt.Fprintf(conn, "POST /v1/batch HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 4000000\r\n\r\n{")
				for err == nil && ctx.Err() == nil {
					time.Sleep(200 * time.Millisecond)
					_, err = conn.Write([]byte(" "))
				}
				_ = conn.Close() // nobody waits for an answer
			}
		})
	}
	all.Wait()
	return nil
}

// wrongKeys asks with keys that nobody has.
func (s *server) wrongKeys(ctx context.Context) error {
	c := client(floodKeys)
	body := batch("wrong", ingestBatch, killPeople, killItems)
	var all sync.WaitGroup
	for range floodKeys {
		all.Go(func() {
			for ctx.Err() == nil {
				q, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+"/v1/batch", bytes.NewReader(body))
				if err != nil {
					return
				}
				q.SetBasicAuth("bw_admin_nobody", "")
				if answer, err := c.Do(q); err == nil {
					_ = answer.Body.Close()
				}
				time.Sleep(time.Millisecond) // the flood is on this machine too, and would be measured
			}
		})
	}
	all.Wait()
	return nil
}

// aliasesCheck sends 10 MB of aliases and traits of one person, kills the server, and measures the next start.
func aliasesCheck(r *runner) error {
	s, err := r.serving("aliases", growth.Size{Events: 2000, People: 200, Items: killItems})
	if err != nil {
		return err
	}
	c, size := client(1), 0
	for n := 0; size < r.count(aliasBytes); n++ {
		b := []byte(`{"batch":[`)
		for i := range 500 {
			if i > 0 {
				b = append(b, ',')
			}
			at := n*500 + i
			if i%2 == 0 {
				b = fmt.Appendf(b, `{"type":"alias","messageId":"alias-%d","userId":"victim","previousId":"device-%d"}`, at, at)
			} else {
				b = fmt.Appendf(b, `{"type":"identify","messageId":"alias-%d","userId":"victim","anonymousId":"device-%d","traits":{"t%d":"%d"}}`, at, at, at, at)
			}
		}
		b = append(b, "]}"...)
		if err := s.ask(r.ctx, c, http.MethodPost, "/v1/batch", b, nil); err != nil {
			return err
		}
		size += len(b)
	}
	key := s.write
	s.kill()
	if s, err = r.started("aliases"); err != nil {
		return err
	}
	defer s.stop()
	s.write = key
	r.add(fmt.Sprintf("%.1f MB of aliases and traits of one person: start after a kill", float64(size)/1e6), fmt.Sprintf("%.2f s", s.start.Seconds()), fmt.Sprintf("≤ %v", startAfter), s.start <= startAfter)
	began := time.Now()
	if err := s.ask(r.ctx, c, http.MethodGet, "/v1/recommend?k=5&subject=victim", nil, nil); err != nil {
		return err
	}
	took := time.Since(began)
	r.add("that person's first slate", took.Round(time.Millisecond).String(), fmt.Sprintf("≤ %v", startAfter), took <= startAfter)
	return nil
}

// rightsCheck walks every route as every role, and sends random requests with mixed keys of three projects.
func rightsCheck(r *runner) error {
	if err := testsCheck("every route × every role", "./host", "./web", "-run", "EveryRouteUnderEveryRole")(r); err != nil {
		return err
	}
	n := r.count(100_000)
	return testsCheck(fmt.Sprintf("%d random requests with mixed keys of three projects", n), "./web", "-run", "RandomRequests", "-timeout", "30m", "-args", fmt.Sprintf("-requests=%d", n))(r)
}
