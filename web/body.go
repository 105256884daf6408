package web

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
	"sync"
	"time"

	"bellwether/collect"
)

// body is a request's body in borrowed memory.
type body struct {
	budget *budget
	owner  string
	lent   int64
	buf    *bytes.Buffer
}

// buffers are kept between requests, the large ones left out: a burst of long bodies must not stay in memory.
var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

const (
	firstChunk = 4 << 10
	keptBuffer = 256 << 10
)

// take reads the body of r into memory that owner borrows from b. It lasts as long as the sender keeps to the rate.
func (l *Limits) take(w http.ResponseWriter, r *http.Request, most int64, b *budget, owner string) (*body, error) {
	if r.ContentLength > most {
		return nil, tooLarge(most)
	}
	o := &body{budget: b, owner: owner, buf: buffers.Get().(*bytes.Buffer)}
	o.buf.Reset()
	if r.Body == nil || r.Body == http.NoBody || r.ContentLength == 0 {
		return o, nil
	}
	if err := o.read(w, r, l, most); err != nil {
		o.release()
		return nil, err
	}
	return o, nil
}

// read fills the buffer: it doubles as bytes come in, so that who announces much and sends nothing holds nothing.
func (o *body) read(w http.ResponseWriter, r *http.Request, l *Limits, most int64) error {
	control, start := http.NewResponseController(w), time.Now()
	defer func() { _ = control.SetReadDeadline(time.Time{}) }()
	for {
		if err := o.grow(most + 1); err != nil {
			return err
		}
		allowed := l.Grace + time.Duration(int64(o.buf.Len())/l.Rate)*time.Second
		_ = control.SetReadDeadline(start.Add(allowed)) // within the program there is none
		free := o.buf.AvailableBuffer()
		n, err := r.Body.Read(free[:min(cap(free), int(most)+1-o.buf.Len())])
		o.buf.Write(free[:n])
		switch {
		case int64(o.buf.Len()) > most:
			return tooLarge(most)
		case errors.Is(err, io.EOF):
			return nil
		case errors.Is(err, os.ErrDeadlineExceeded):
			w.Header().Set("Connection", "close")
			return NewProblem(http.StatusRequestTimeout, "the body came too slowly: %d bytes in %s", o.buf.Len(), time.Since(start).Round(time.Second)).
				Advise("send it at once, in smaller parts if need be")
		case err != nil:
			w.Header().Set("Connection", "close")
			at := o.buf.Len()
			p := BadRequest("the body ended early: %w", err)
			p.Offset = &at
			return p
		}
	}
}

// grow makes room for more, and borrows what the buffer then holds.
func (o *body) grow(most int64) error {
	if o.buf.Available() > 0 {
		return o.borrow(int64(o.buf.Cap()))
	}
	size := int64(min(max(2*o.buf.Cap(), firstChunk), int(most)))
	if err := o.borrow(size); err != nil {
		return err
	}
	o.buf.Grow(int(size) - o.buf.Len())
	return o.borrow(int64(o.buf.Cap()))
}

// borrow makes the loan as large as n bytes.
func (o *body) borrow(n int64) error {
	if n <= o.lent {
		return nil
	}
	if !o.budget.take(o.owner, n-o.lent) {
		return busy("too many bytes are on their way in")
	}
	o.lent = n
	return nil
}

// unpack replaces a body that is packed by what is in it.
func (o *body) unpack() error {
	packed := o.buf
	if !collect.Packed(packed.Bytes()) {
		return nil
	}
	whole := o.lent
	if err := o.borrow(whole + min(int64(packed.Len())*12, collect.MaxBody)); err != nil { // what JSON mostly unpacks to, and more
		return err
	}
	plain := buffers.Get().(*bytes.Buffer)
	plain.Reset()
	err := collect.Unpack(plain, packed.Bytes())
	o.buf = plain
	keep(packed)
	if err != nil {
		return err
	}
	return o.borrow(int64(plain.Cap()))
}

// release gives the memory back.
func (o *body) release() {
	if o.lent > 0 {
		o.budget.give(o.owner, o.lent)
	}
	keep(o.buf)
	o.buf, o.lent = nil, 0
}

func keep(b *bytes.Buffer) {
	if b.Cap() <= keptBuffer {
		buffers.Put(b)
	}
}

// wholeBody is a body in memory as an io.ReadCloser.
type wholeBody struct {
	*bytes.Reader
	whole []byte
}

// Close does nothing: the memory is given back after the answer.
func (wholeBody) Close() error { return nil }

// BodyOf returns the body of a request that is not a Stream, without a copy: it is valid until the handler returns.
func BodyOf(r *http.Request) ([]byte, error) {
	if b, ok := r.Body.(wholeBody); ok {
		return b.whole, nil
	}
	if r.Body == nil {
		return nil, nil
	}
	return io.ReadAll(io.LimitReader(r.Body, Large.limit())) // a handler that is called without the server, by a test
}

func tooLarge(most int64) *Problem {
	return NewProblem(http.StatusRequestEntityTooLarge, "the body is larger than %d bytes", most).Advise("send less at once")
}

func busy(what string) *Problem {
	p := NewProblem(http.StatusTooManyRequests, "%s", what).Advise("try again after Retry-After seconds")
	p.Retry = 1
	return p
}

// pacedBody is a body that is read as it comes: each read may take as long as the grace lasts.
type pacedBody struct {
	io.ReadCloser
	control *http.ResponseController
	grace   time.Duration
}

// Read reads the next part.
func (b *pacedBody) Read(p []byte) (int, error) {
	_ = b.control.SetReadDeadline(time.Now().Add(b.grace))
	return b.ReadCloser.Read(p)
}
