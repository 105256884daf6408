package web

import (
	"context"
	"io"
	"net/http"
	"sync"
)

// within is a transport that calls a handler in the same program, as if over the socket.
type within struct{ h http.Handler }

// RoundTrip answers r by the handler. The answer's body must be closed: that waits for the handler.
func (t within) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancel(asLocal(r.Context()))
	in := r.Clone(ctx)
	in.RequestURI, in.RemoteAddr = r.URL.RequestURI(), "local"
	if in.Body == nil {
		in.Body = http.NoBody
	}
	read, write := io.Pipe()
	w := &pipeWriter{header: make(http.Header), body: write, begun: make(chan struct{})}
	done := make(chan struct{})
	go func() { // Close of the answer's body, or the end of ctx below, waits for it
		defer close(done)
		t.run(w, in)
	}()
	end := func() {
		cancel()
		_ = read.Close() // never fails
		<-done
		_ = in.Body.Close() // a transport closes the body, as RoundTripper asks
	}
	select {
	case <-w.begun:
	case <-ctx.Done():
		end()
		return nil, ctx.Err()
	}
	return &http.Response{
		Status: http.StatusText(w.status), StatusCode: w.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: w.sent, Body: &answerBody{Reader: read, end: sync.OnceFunc(end)}, ContentLength: -1, Request: r,
	}, nil
}

// run calls the handler; an answer that it breaks off ends in an error.
func (t within) run(w *pipeWriter, r *http.Request) {
	defer func() {
		err := error(io.EOF)
		if p := recover(); p != nil {
			err = io.ErrUnexpectedEOF
		}
		w.WriteHeader(http.StatusOK)
		_ = w.body.CloseWithError(err) // never fails
	}()
	t.h.ServeHTTP(w, r)
}

// answerBody is an answer as it is written.
type answerBody struct {
	io.Reader
	end func()
}

// Close stops the handler and waits for it.
func (b *answerBody) Close() error {
	b.end()
	return nil
}

// pipeWriter hands an answer over as it is written.
type pipeWriter struct {
	header http.Header
	body   *io.PipeWriter
	once   sync.Once
	begun  chan struct{} // closed when status and sent are set
	status int
	sent   http.Header
}

// Header returns the header to come.
func (w *pipeWriter) Header() http.Header { return w.header }

// WriteHeader hands the header over.
func (w *pipeWriter) WriteHeader(status int) {
	if status < http.StatusOK {
		return
	}
	w.once.Do(func() {
		w.status, w.sent = status, w.header.Clone()
		close(w.begun)
	})
}

// Write hands a part of the body over, and waits until it is read.
func (w *pipeWriter) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(p)
}

// Flush does nothing: what is written is handed over at once.
func (w *pipeWriter) Flush() {}
