package growth

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// Served is what the server's answers take.
type Served struct {
	Usage
	First         time.Duration `json:"first_ns"` // from the start of the process to the first recommendation
	P50, P99      time.Duration // of GET /v1/recommend under load
	Requests      int
	Page, PageP95 time.Duration // of the first page: the median and p95
}

// The load: workers that each ask for their next recommendation once the last is there, as many as processors of a small server.
const (
	workers  = 2
	warm     = 200
	requests = 3000
	pages    = 300
)

// serve starts the server on the folder and asks.
func (b *Bench) serve(ctx context.Context) (s Served, err error) {
	write, _, err := b.run(ctx, nil, "keys", "create", "write")
	if err != nil {
		return s, err
	}
	admin, _, err := b.run(ctx, nil, "keys", "create", "admin")
	if err != nil {
		return s, err
	}
	c := exec.CommandContext(ctx, b.Program, "serve", "--listen", "127.0.0.1:0", "--data", b.Folder)
	c.Cancel = func() error { return c.Process.Signal(os.Interrupt) }
	stderr, err := c.StderrPipe()
	if err != nil {
		return s, err
	}
	p, err := begin(c)
	if err != nil {
		return s, err
	}
	server, err := address(stderr)
	if err == nil {
		go func() { _, _ = io.Copy(io.Discard, stderr) }()
		err = s.ask(ctx, b, p, server, strings.TrimSpace(string(write)), strings.TrimSpace(string(admin)))
	}
	_ = p.Process.Signal(os.Interrupt)
	var ended error
	s.Usage, ended = p.end()
	return s, errors.Join(err, ended)
}

// address reads where the server listens from what it writes.
func address(stderr io.Reader) (string, error) {
	lines := bufio.NewScanner(stderr)
	for lines.Scan() {
		if _, rest, found := strings.Cut(lines.Text(), " on http://"); found {
			host, _, _ := strings.Cut(rest, " ")
			return "http://" + host, nil
		}
	}
	return "", errors.New("growth: serve ended without serving")
}

func (s *Served) ask(ctx context.Context, b *Bench, p *process, server, write, admin string) error {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return err
	}
	client := &http.Client{Jar: jar, Transport: &http.Transport{MaxIdleConnsPerHost: workers}}
	get := func(path, key string) (time.Duration, error) {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, server+path, nil)
		if err != nil {
			return 0, err
		}
		if key != "" {
			r.SetBasicAuth(key, "")
		}
		start := time.Now()
		answer, err := client.Do(r)
		if err != nil {
			return 0, err
		}
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		if err == nil && answer.StatusCode != http.StatusOK {
			err = fmt.Errorf("growth: GET %s: %d %.300s", path, answer.StatusCode, text)
		}
		return time.Since(start), err
	}
	recommend := func(r *rand.Rand) (time.Duration, error) {
		return get(fmt.Sprintf("/v1/recommend?k=10&subject=user-%d", r.IntN(b.Size.People)), write)
	}
	if _, err := recommend(rand.New(rand.NewPCG(b.Seed, 0))); err != nil {
		return err
	}
	s.First = time.Since(p.start)
	if _, err := load(warm, recommend); err != nil {
		return err
	}
	took, err := load(requests, recommend)
	if err != nil {
		return err
	}
	s.P50, s.P99, s.Requests = quantile(took, .5), quantile(took, .99), len(took)
	if err := signIn(ctx, client, server, admin); err != nil {
		return err
	}
	var page []time.Duration
	for range pages {
		d, err := get("/", "")
		if err != nil {
			return err
		}
		page = append(page, d)
	}
	s.Page, s.PageP95 = quantile(page, .5), quantile(page, .95)
	return nil
}

// signIn signs the client in as a browser does; what it gets then is the first page and not the form once more.
func signIn(ctx context.Context, client *http.Client, address, key string) error {
	form := url.Values{"key": {key}}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address+"/login", strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := client.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err == nil && (answer.StatusCode != http.StatusOK || strings.Contains(string(text), `name="key"`)) {
		err = fmt.Errorf("growth: signing in: %d %.300s", answer.StatusCode, text)
	}
	return err
}

// load asks n times and returns how long each took.
func load(n int, ask func(*rand.Rand) (time.Duration, error)) (took []time.Duration, err error) {
	var mu sync.Mutex
	var all sync.WaitGroup
	for worker := range workers {
		all.Go(func() {
			r := rand.New(rand.NewPCG(uint64(n), uint64(worker)+1))
			for range n / workers {
				d, failed := ask(r)
				mu.Lock()
				took, err = append(took, d), errors.Join(err, failed)
				mu.Unlock()
				if failed != nil {
					return
				}
			}
		})
	}
	all.Wait()
	return took, err
}

// quantile is the q-quantile by the nearest rank; it orders its argument.
func quantile(d []time.Duration, q float64) time.Duration {
	if len(d) == 0 {
		return 0
	}
	slices.Sort(d)
	return d[min(len(d)-1, int(q*float64(len(d))))]
}

func bytesUnder(folder string) (size int64, err error) {
	err = filepath.WalkDir(folder, func(_ string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			size += info.Size()
		}
		return err
	})
	return size, err
}
