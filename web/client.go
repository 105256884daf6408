package web

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"bellwether"
	"bellwether/store"
)

// Client asks a server as the owner of its data folder: over the socket of the one that runs, or within the program.
type Client struct {
	http     http.Client
	project  bellwether.ProjectID
	failures []Failure
	close    func() error
}

// ErrNoServer means that nobody serves from the folder.
var ErrNoServer = errors.New("no server is running on the folder")

// ClientOptions of a client; the zero value works.
type ClientOptions struct {
	Failures []Failure     // beside those of the packages below: what the server's problems are errors of
	Wait     time.Duration // for a server that has the folder open and doesn't answer yet; 0: 10 s
}

// Dial returns a client of the server that runs on a data folder; ErrNoServer where there is none.
func Dial(ctx context.Context, dir string, project bellwether.ProjectID, o ClientOptions) (*Client, error) {
	path, err := socketPath(dir)
	if err != nil {
		return nil, err
	}
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}
	conn, err := dial(ctx, "", "")
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrNoServer, dir, err)
	}
	_ = conn.Close() // it was only to see whether somebody listens
	t := &http.Transport{DialContext: dial, DisableCompression: true}
	c := newClient(t, project, o)
	c.close = func() error {
		t.CloseIdleConnections()
		return nil
	}
	return c, nil
}

// Opener opens a data folder and returns the server on it, not listening, and what closes the folder again. It returns
// store.ErrLocked when somebody has the folder open.
type Opener func(ctx context.Context) (server *Server, closeFolder func() error, err error)

// DialOrOpen returns a client of the server that runs on a data folder. Without one it opens the folder itself and
// answers within the program. While another program has the folder open and doesn't answer, it waits a moment: it may
// be starting, or about to end.
func DialOrOpen(ctx context.Context, dir string, project bellwether.ProjectID, o ClientOptions, open Opener) (*Client, error) {
	if o.Wait == 0 {
		o.Wait = 10 * time.Second
	}
	for patience := time.Now().Add(o.Wait); ; {
		c, err := Dial(ctx, dir, project, o)
		if !errors.Is(err, ErrNoServer) {
			return c, err
		}
		server, closeFolder, err := open(ctx)
		if err == nil {
			c := InProcess(server, project, o)
			c.close = closeFolder
			return c, nil
		}
		if !errors.Is(err, store.ErrLocked) || time.Now().After(patience) {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// InProcess returns a client of a handler in the same program, without a listener.
func InProcess(h http.Handler, project bellwether.ProjectID, o ClientOptions) *Client {
	return newClient(within{h}, project, o)
}

func newClient(t http.RoundTripper, project bellwether.ProjectID, o ClientOptions) *Client {
	return &Client{
		http: http.Client{Transport: t}, project: project, failures: append(o.Failures[:len(o.Failures):len(o.Failures)], Failures...),
		close: func() error { return nil },
	}
}

// Close closes the connections, and a folder that was opened for this client.
func (c *Client) Close() error { return c.close() }

// Do asks one route. The body is in: nil for none, an io.Reader as it is, anything else as JSON. The answer goes to
// out: nil for none, an io.Writer as it is, anything else from JSON. A report that is not nil is called with the
// progress of a call that takes long. A refusal is returned as a *Problem, which errors.Is finds the server's error in.
func (c *Client) Do(ctx context.Context, method, path string, in, out any, report func(bellwether.Progress)) error {
	body, kind, err := bodyOf(in)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, method, "http://bellwether"+path, body)
	if err != nil {
		return fmt.Errorf("asking %s: %w", path, err)
	}
	r.Header.Set(projectHeader, string(c.project))
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	if report != nil {
		r.Header.Set("Accept", reports)
	}
	answer, err := c.http.Do(r)
	if err != nil {
		return fmt.Errorf("asking %s: %w", path, err)
	}
	defer answer.Body.Close()
	return c.read(answer, out, report)
}

func bodyOf(in any) (body io.Reader, contentType string, err error) {
	switch v := in.(type) {
	case nil:
		return nil, "", nil
	case io.Reader:
		return v, "application/octet-stream", nil
	}
	b, err := json.Marshal(in)
	if err != nil {
		return nil, "", fmt.Errorf("writing the request: %w", err)
	}
	return bytes.NewReader(b), "application/json", nil
}

func (c *Client) read(answer *http.Response, out any, report func(bellwether.Progress)) error {
	switch {
	case answer.StatusCode >= http.StatusBadRequest:
		text, err := io.ReadAll(io.LimitReader(answer.Body, Large.limit()))
		if err != nil {
			return fmt.Errorf("reading why it was refused (%s): %w", answer.Status, err)
		}
		return c.known(problemIn(answer.StatusCode, text))
	case strings.HasPrefix(answer.Header.Get("Content-Type"), reports):
		return c.readLines(answer.Body, out, report)
	}
	if w, ok := out.(io.Writer); ok {
		_, err := io.Copy(w, answer.Body)
		return err
	}
	if out == nil || answer.StatusCode == http.StatusNoContent {
		return nil
	}
	if err := json.NewDecoder(answer.Body).Decode(out); err != nil {
		return fmt.Errorf("reading the answer: %w", err)
	}
	return nil
}

// readLines reads reports until the result or the problem.
func (c *Client) readLines(from io.Reader, out any, report func(bellwether.Progress)) error {
	lines := json.NewDecoder(bufio.NewReader(from))
	for {
		var l Line
		switch err := lines.Decode(&l); {
		case err != nil:
			return fmt.Errorf("the server ended in the middle of its answer: %w", err)
		case l.Problem != nil:
			return c.known(l.Problem)
		case l.Progress != nil:
			if report != nil {
				report(*l.Progress)
			}
			continue
		}
		return readResult(l.Result, out)
	}
}

func readResult(result json.RawMessage, out any) error {
	if w, ok := out.(io.Writer); ok {
		text := []byte(result)
		var plain string
		if json.Unmarshal(result, &plain) == nil {
			text = []byte(plain)
		}
		_, err := w.Write(text)
		return err
	}
	if out == nil || len(result) == 0 {
		return nil
	}
	if err := json.Unmarshal(result, out); err != nil {
		return fmt.Errorf("reading the answer: %w", err)
	}
	return nil
}

// known puts the error that a problem names behind it.
func (c *Client) known(p *Problem) error {
	name := strings.TrimPrefix(p.Type, problemType)
	for _, f := range c.failures {
		if name != "" && f.Name == name {
			p.cause = f.Err
		}
	}
	return p
}
