package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"bellwether/bench/growth"
)

// server is a program that serves from a folder.
type server struct {
	*exec.Cmd
	url   string
	write string        // a key
	start time.Duration // until it listened

	mu    sync.Mutex
	lines []string // of its log
	ended chan struct{}
}

// shopOf imports a generated shop into a new folder and makes a key.
func (r *runner) shopOf(data string, size growth.Size) (key string, err error) {
	_, key, err = r.shopBegun(data, size, size.Events)
	return key, err
}

// shopBegun is shopOf with the shop's first events alone; the others are still to be had from it.
func (r *runner) shopBegun(data string, size growth.Size, first int) (shop *growth.Shop, key string, err error) {
	imports := func(write func(io.Writer) error, args ...string) error {
		c := exec.CommandContext(r.ctx, r.binary, append(args, "--data", filepath.Join(r.folder, data), "-q")...)
		var text, failed bytes.Buffer
		if err := write(&text); err != nil {
			return err
		}
		c.Stdin, c.Stderr = &text, &failed
		if err := c.Run(); err != nil {
			return fmt.Errorf("%s: %w: %s", strings.Join(args, " "), err, &failed)
		}
		return nil
	}
	if err := imports(func(w io.Writer) error { return growth.Catalogue(w, size.Items) }, "import", "-"); err != nil {
		return nil, "", err
	}
	shop = growth.NewShop(size, 1, time.Now().Add(-growth.Span-growth.Span/50))
	if err := imports(func(w io.Writer) error { return shop.Write(w, first) }, "import", "-", "--format", "csv"); err != nil {
		return nil, "", err
	}
	key, err = r.key(data, "write")
	return shop, key, err
}

// serving starts the program on a generated shop.
func (r *runner) serving(data string, size growth.Size) (*server, error) {
	key, err := r.shopOf(data, size)
	if err != nil {
		return nil, err
	}
	s, err := r.started(data)
	if err == nil {
		s.write = key
	}
	return s, err
}

// key makes a key of a role.
func (r *runner) key(data, role string) (string, error) {
	out, err := r.program(data, "keys", "create", role)
	return strings.TrimSpace(string(out)), err
}

// started starts the program on a folder; it is killed when the run ends.
func (r *runner) started(data string, args ...string) (*server, error) {
	s := &server{Cmd: exec.CommandContext(r.ctx, r.binary, append([]string{"serve", "--listen", "127.0.0.1:0", "--data", filepath.Join(r.folder, data)}, args...)...), ended: make(chan struct{})}
	stderr, err := s.StderrPipe()
	if err != nil {
		return nil, err
	}
	begun := time.Now()
	if err := s.Start(); err != nil {
		return nil, err
	}
	listens := make(chan string, 1)
	go s.read(stderr, listens)
	select {
	case s.url = <-listens:
		s.start = time.Since(begun)
		return s, nil
	case <-s.ended:
	case <-time.After(time.Minute):
		s.kill()
	}
	return nil, fmt.Errorf("serve ended without serving: %s", strings.Join(s.log(), "\n"))
}

// read keeps the lines of the log until the program ends.
func (s *server) read(stderr io.Reader, listens chan<- string) {
	defer close(s.ended)
	for lines := bufio.NewScanner(stderr); lines.Scan(); {
		if _, rest, found := strings.Cut(lines.Text(), " on http://"); found {
			address, _, _ := strings.Cut(rest, " ")
			listens <- "http://" + address
		}
		s.mu.Lock()
		s.lines = append(s.lines, lines.Text())
		s.mu.Unlock()
	}
	_ = s.Wait() // killed, or asked to end: the log says what else
}

func (s *server) log() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.lines...)
}

// kill ends the program as a power cut does.
func (s *server) kill() {
	_ = s.Process.Kill()
	<-s.ended
}

// stop asks the program to end and waits for it.
func (s *server) stop() {
	_ = s.Process.Signal(os.Interrupt)
	select {
	case <-s.ended:
	case <-time.After(time.Minute):
		s.kill()
	}
}

// usage reads a figure of the process's status in bytes, and its processor time.
func (s *server) usage(field string) (size int64, processor time.Duration) {
	folder := filepath.Join("/proc", strconv.Itoa(s.Process.Pid))
	status, _ := os.ReadFile(filepath.Join(folder, "status"))
	_, rest, _ := strings.Cut(string(status), field+":")
	if fields := strings.Fields(rest); len(fields) > 0 {
		kib, _ := strconv.ParseInt(fields[0], 10, 64)
		size = kib << 10
	}
	stat, _ := os.ReadFile(filepath.Join(folder, "stat"))
	if _, rest, ok := strings.Cut(string(stat), ") "); ok {
		if fields := strings.Fields(rest); len(fields) > 12 {
			user, _ := strconv.ParseInt(fields[11], 10, 64)
			system, _ := strconv.ParseInt(fields[12], 10, 64)
			processor = time.Duration(user+system) * 10 * time.Millisecond // USER_HZ is 100
		}
	}
	return size, processor
}

// client sends with connections that stay open.
func client(parallel int) *http.Client {
	return &http.Client{Timeout: time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: parallel}}
}

// errRefused is an answer that says that nothing was written, or not now.
var errRefused = errors.New("refused")

// ask sends one request and reads the answer into out, if that isn't nil.
func (s *server) ask(ctx context.Context, c *http.Client, method, path string, body []byte, out any) error {
	r, err := http.NewRequestWithContext(ctx, method, s.url+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.SetBasicAuth(s.write, "")
	answer, err := c.Do(r)
	if err != nil {
		return err
	}
	text, err := io.ReadAll(answer.Body)
	if err = cmp.Or(err, answer.Body.Close()); err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%w: %s %s: %d %.300s", errRefused, method, path, answer.StatusCode, text)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(text, out)
}

// batch is a body of n views of items, whose ids begin with name.
func batch(name string, n, people, items int) []byte {
	b := []byte(`{"batch":[`)
	now := time.Now().UTC().Format(time.RFC3339Nano)
	for i := range n {
		if i > 0 {
			b = append(b, ',')
		}
		h := hash(name, i)
		b = fmt.Appendf(b, `{"type":"track","event":"Product Viewed","messageId":"%s-%d","userId":"user-%d","timestamp":"%s","properties":{"product_id":"item-%d"}}`,
			name, i, h%uint64(people), now, h>>32%uint64(items))
	}
	return append(b, "]}"...)
}

// hash spreads names over people and items.
func hash(name string, i int) uint64 {
	h := uint64(14695981039346656037)
	for _, c := range []byte(name) {
		h = (h ^ uint64(c)) * 1099511628211
	}
	h = (h ^ uint64(i)) * 0x9e3779b97f4a7c15
	return h ^ h>>29
}
