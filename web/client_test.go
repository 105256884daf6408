package web

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"bellwether"
	"bellwether/store"

	"github.com/google/go-cmp/cmp"
)

// serve runs the server until the test ends, or stop is called.
func (f *fixture) serve(l Listen) (stop func() error) {
	f.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- f.server.Serve(ctx, l) }()
	stop = sync.OnceValue(func() error {
		cancel()
		return <-done
	})
	f.t.Cleanup(func() {
		if err := stop(); err != nil {
			f.t.Error(err)
		}
	})
	if l.Folder != "" {
		f.waitFor(filepath.Join(l.Folder, socketName))
	}
	return stop
}

func (f *fixture) waitFor(file string) {
	f.t.Helper()
	for end := time.Now().Add(5 * time.Second); ; {
		if _, err := os.Lstat(file); err == nil {
			return
		} else if time.Now().After(end) {
			f.t.Fatalf("%s does not come: %v", file, err)
		}
		time.Sleep(time.Millisecond)
	}
}

// asked is what a client was told.
type asked struct {
	Out      any
	Text     string
	Progress []bellwether.Progress
	Problem  *Problem
	Asleep   bool
}

// script asks everything that a client can meet.
func script(t *testing.T, c *Client) map[string]asked {
	t.Helper()
	out := make(map[string]asked)
	try := func(name, method, path string, in, to any, reports bool) {
		var a asked
		var report func(bellwether.Progress)
		if reports {
			report = func(p bellwether.Progress) { a.Progress = append(a.Progress, p) }
		}
		err := c.Do(t.Context(), method, path, in, to, report)
		if err != nil && !errors.As(err, &a.Problem) {
			t.Fatalf("%s: %v", name, err)
		}
		a.Asleep = errors.Is(err, errAsleep)
		if a.Problem != nil {
			a.Problem.cause = nil // compared by Asleep
		}
		if b, ok := to.(*bytes.Buffer); ok {
			a.Text = b.String()
		} else {
			a.Out = to
		}
		out[name] = a
	}
	numbers := map[string]any{"numbers": []int{1, 2, 4}}
	try("get", "GET", "/v1/echo?word=hi", nil, new(map[string]any), false)
	try("post", "POST", "/v1/sum", numbers, new(map[string]any), false)
	try("with reports", "POST", "/v1/sum", numbers, new(map[string]any), true)
	try("refused after reports", "POST", "/v1/sum", map[string]any{"numbers": []int{1, -9}}, new(map[string]any), true)
	try("refused with reports wanted", "GET", "/v1/echo?word=asleep", nil, new(map[string]any), true)
	try("a text", "GET", "/healthz", nil, new(bytes.Buffer), false)
	try("refused", "GET", "/v1/echo?word=asleep", nil, nil, false)
	try("broken inside", "GET", "/v1/echo?word=broken", nil, nil, false)
	try("nothing there", "GET", "/v1/none", nil, nil, false)
	try("against its description", "POST", "/v1/sum", map[string]any{}, nil, true)
	try("a stream", "POST", "/v1/length", io.LimitReader(zeros{}, 20<<20), new(map[string]any), true)
	try("no answer", "DELETE", "/v1/keys/none", nil, nil, true)
	try("keys", "GET", "/v1/keys", nil, new([]Key), false)
	return out
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

// TestClient: over the socket and within the program every answer is the same.
func TestClient(t *testing.T) {
	f := newFixture(t, nil)
	f.serve(Listen{Folder: f.dir})
	over, err := Dial(t.Context(), f.dir, "beta", ClientOptions{Failures: f.server.o.Failures})
	if err != nil {
		t.Fatal(err)
	}
	defer over.Close()
	within := InProcess(f.server, "beta", ClientOptions{Failures: f.server.o.Failures})
	a, b := script(t, over), script(t, within)
	if diff := cmp.Diff(a, b, cmp.AllowUnexported(Problem{})); diff != "" {
		t.Error(diff)
	}
	if n := len(a["with reports"].Progress); n != 3 {
		t.Errorf("%d reports came, want 3", n)
	}
	sum := *a["with reports"].Out.(*map[string]any)
	if sum["sum"] != 7.0 || sum["project"] != "beta" {
		t.Errorf("the sum is %v", sum)
	}
	if got := *a["a stream"].Out.(*map[string]any); got["bytes"] != float64(20<<20) {
		t.Errorf("the stream had %v", got)
	}
	for _, name := range []string{"refused", "refused after reports", "refused with reports wanted"} {
		if p := a[name]; p.Problem == nil || !p.Asleep || p.Problem.Status != 409 || p.Problem.Advice != "wake it" {
			t.Errorf("%s: %+v", name, p.Problem)
		}
	}
	if p := a["broken inside"].Problem; p == nil || !strings.Contains(p.Detail, "secret path") {
		t.Errorf("the folder's owner does not see what broke: %v", p)
	}
	if a["a text"].Text != "ok\n" {
		t.Errorf("the text is %q", a["a text"].Text)
	}
}

// TestClientStops: when the caller gives up, the handler ends, and Do returns after it.
func TestClientStops(t *testing.T) {
	begun, ended := make(chan struct{}, 2), make(chan struct{}, 2)
	f := newFixture(t, func(o *Options) {
		o.Routes = append(o.Routes, Raw("POST", "/v1/wait", Admin, "Wait", func(_ http.ResponseWriter, r *http.Request) error {
			begun <- struct{}{}
			<-r.Context().Done()
			ended <- struct{}{}
			return r.Context().Err()
		}))
	})
	f.serve(Listen{Folder: f.dir})
	over, err := Dial(t.Context(), f.dir, "beta", ClientOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer over.Close()
	for name, c := range map[string]*Client{"socket": over, "within": InProcess(f.server, "beta", ClientOptions{})} {
		for _, report := range []func(bellwether.Progress){nil, func(bellwether.Progress) {}} {
			ctx, cancel := context.WithCancel(t.Context())
			go func() {
				<-begun
				cancel()
			}()
			if err := c.Do(ctx, "POST", "/v1/wait", nil, nil, report); !errors.Is(err, context.Canceled) {
				t.Errorf("%s: %v", name, err)
			}
			<-ended
		}
	}
}

// TestSocket: its rights, a stale one, a path that is too long for an address, and its end.
func TestSocket(t *testing.T) {
	long := t.TempDir()
	for range 6 {
		long = filepath.Join(long, "a folder whose name is long")
	}
	if err := os.MkdirAll(long, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, dir := range map[string]string{"short": t.TempDir(), "long": long} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, nil)
			stale(t, dir)
			if _, err := Dial(t.Context(), dir, "alpha", ClientOptions{}); !errors.Is(err, ErrNoServer) {
				t.Fatalf("a stale socket: %v", err)
			}
			stop := f.serve(Listen{Folder: dir})
			c := f.dial(dir) // the stale one had the name already
			path, err := socketPath(dir)
			if err != nil {
				t.Fatal(err)
			}
			info, err := os.Stat(path)
			if err != nil || info.Mode() != os.ModeSocket|0o600 {
				t.Errorf("the socket is %v, %v", info.Mode(), err)
			}
			var out map[string]any
			if err := c.Do(t.Context(), "GET", "/v1/echo", nil, &out, nil); err != nil || out["project"] != "alpha" {
				t.Errorf("%v, %v", out, err)
			}
			if err := errors.Join(c.Close(), stop()); err != nil {
				t.Error(err)
			}
			left, err := os.ReadDir(dir)
			if err != nil || len(left) != 0 {
				t.Errorf("the folder holds %v, %v", left, err)
			}
			if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the socket is left: %v", err)
			}
		})
	}
}

// dial asks until the server answers: the name of the socket comes a moment before.
func (f *fixture) dial(dir string) *Client {
	f.t.Helper()
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
		c, err := Dial(f.t.Context(), dir, "alpha", ClientOptions{})
		if err == nil {
			return c
		}
		if time.Now().After(end) {
			f.t.Fatal(err)
		}
	}
}

// stale leaves a socket as a server that was killed does.
func stale(t *testing.T, dir string) {
	t.Helper()
	s, err := listenSocket(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestDialOrOpen: the shell finds the server that runs, else opens the folder, and waits for one that starts.
func TestDialOrOpen(t *testing.T) {
	f := newFixture(t, nil)
	dir, closed := t.TempDir(), 0
	open := func(context.Context) (*Server, func() error, error) {
		return f.server, func() error { closed++; return nil }, nil
	}
	c, err := DialOrOpen(t.Context(), dir, "gamma", ClientOptions{}, open)
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]any
	if err := c.Do(t.Context(), "GET", "/v1/echo", nil, &out, nil); err != nil || out["project"] != "gamma" {
		t.Errorf("without a server: %v, %v", out, err)
	}
	if err := c.Close(); err != nil || closed != 1 {
		t.Errorf("closed %d times, %v", closed, err)
	}
	locked, tries := errors.Join(store.ErrLocked), 0
	refuse := func(context.Context) (*Server, func() error, error) {
		if tries++; tries == 3 { // the one that has the folder begins to listen
			f.serve(Listen{Folder: dir})
		}
		return nil, nil, locked
	}
	if c, err = DialOrOpen(t.Context(), dir, "gamma", ClientOptions{}, refuse); err != nil {
		t.Fatalf("while a server starts: %v", err)
	}
	if err := c.Do(t.Context(), "GET", "/v1/echo", nil, &out, nil); err != nil || out["project"] != "gamma" {
		t.Errorf("over the socket: %v, %v", out, err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	start := time.Now()
	if _, err := DialOrOpen(t.Context(), t.TempDir(), "gamma", ClientOptions{Wait: 100 * time.Millisecond}, refuse); !errors.Is(err, store.ErrLocked) || time.Since(start) > 5*time.Second {
		t.Errorf("a folder that stays locked: %v after %s", err, time.Since(start))
	}
}

// TestStop: a request under way is answered before the server ends, and new ones are not taken.
func TestStop(t *testing.T) {
	begun, go_ := make(chan struct{}), make(chan struct{})
	f := newFixture(t, func(o *Options) {
		o.Routes = append(o.Routes, Raw("GET", "/v1/slow", Read, "Slow", func(w http.ResponseWriter, _ *http.Request) error {
			close(begun)
			<-go_
			_, err := io.WriteString(w, `"done"`)
			return err
		}))
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	stop := f.serve(Listen{TCP: l, Folder: f.dir})
	answer := make(chan string, 1)
	go func() {
		r, _ := http.NewRequest("GET", "http://"+l.Addr().String()+"/v1/slow", nil)
		r.SetBasicAuth(f.key["alpha"][Read], "")
		w, err := http.DefaultClient.Do(r)
		if err != nil {
			answer <- err.Error()
			return
		}
		defer w.Body.Close()
		b, _ := io.ReadAll(w.Body)
		answer <- string(b)
	}()
	<-begun
	stopped := make(chan error, 1)
	go func() { stopped <- stop() }()
	for { // until it takes no more
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			break
		}
		c.Close()
		time.Sleep(time.Millisecond)
	}
	close(go_)
	if got := <-answer; got != `"done"` {
		t.Errorf("the request under way got %q", got)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}
