package web

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"time"

	"bellwether"
	"bellwether/collect"
	"bellwether/store"

	"github.com/danielgtaylor/huma/v2"
)

// Problem is why a request was not answered, as RFC 9457 writes it, and what to do about it. It is an error:
// a handler may return one, and the client returns the one that it was sent.
type Problem struct {
	Type     string  `json:"type,omitempty" doc:"Names the kind of problem: urn:bellwether: and a word; about:blank where the status says it all."`
	Title    string  `json:"title" doc:"The status in words."`
	Status   int     `json:"status" doc:"HTTP status."`
	Detail   string  `json:"detail" doc:"What happened."`
	Advice   string  `json:"advice,omitempty" doc:"What to do."`
	Offset   *int    `json:"offset,omitempty" doc:"Byte of the unpacked body where it broke."`
	Retry    int     `json:"retry_after,omitempty" doc:"Seconds after which to try again."`
	Errors   []Fault `json:"errors,omitempty" doc:"What is wrong with the request, part by part."`
	cause    error
	needsKey bool // says which key to send
}

// Fault is one thing that is wrong with a request.
type Fault struct {
	Location string `json:"location,omitempty" doc:"Such as body.items[3].id."`
	Message  string `json:"message"`
}

// NewProblem returns a problem of a status; format and args say what happened.
func NewProblem(status int, format string, args ...any) *Problem {
	err := fmt.Errorf(format, args...)
	return &Problem{Status: status, Title: http.StatusText(status), Detail: err.Error(), cause: errors.Unwrap(err)}
}

// BadRequest returns a problem that the caller mends by asking otherwise; format and args say how.
func BadRequest(format string, args ...any) *Problem {
	return NewProblem(http.StatusBadRequest, format, args...)
}

// NotFound returns a problem of something that does not exist.
func NotFound(format string, args ...any) *Problem {
	return NewProblem(http.StatusNotFound, format, args...)
}

// Advise says what to do about p.
func (p *Problem) Advise(advice string) *Problem {
	p.Advice = advice
	return p
}

// Error is what happened and what to do.
func (p *Problem) Error() string {
	text := cmp.Or(p.Detail, p.Title)
	for _, f := range p.Errors {
		text += "; " + f.Location + ": " + f.Message
	}
	if p.Advice != "" {
		text += ": " + p.Advice
	}
	return text
}

// Unwrap returns the error behind p: of a client, the one of its failures that the server named.
func (p *Problem) Unwrap() error { return p.cause }

// GetStatus returns the HTTP status.
func (p *Problem) GetStatus() int { return p.Status }

// GetHeaders returns the headers that go with p.
func (p *Problem) GetHeaders() http.Header {
	h := http.Header{"Cache-Control": {"no-store"}}
	if p.Retry > 0 {
		h.Set("Retry-After", strconv.Itoa(p.Retry))
	}
	if p.needsKey {
		h.Set("WWW-Authenticate", `Basic realm="bellwether: the key as user name"`)
	}
	return h
}

// ContentType returns the content type of a problem.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// Failure says of an error that packages return which status it has, what it is called and what to do about it.
// All are in one list, which the server and the client are given.
type Failure struct {
	Err    error         // that errors.Is finds
	Status int           // of the answer
	Name   string        // ends the problem's type, such as turn-running
	Advice string        // what to do
	Retry  time.Duration // after which to try again; 0: a repeat would fail again
}

// Failures are the errors of the packages below this one.
var Failures = []Failure{
	{Err: store.ErrUnavailable, Status: http.StatusServiceUnavailable, Name: "unavailable", Advice: "try again after Retry-After seconds; if it lasts, see the server's log", Retry: 5 * time.Second},
	{Err: store.ErrNotFound, Status: http.StatusNotFound, Name: "not-found"},
	{Err: store.ErrConflict, Status: http.StatusConflict, Name: "conflict", Advice: "read it again and repeat the change"},
	{Err: store.ErrLocked, Status: http.StatusConflict, Name: "locked", Advice: "stop the program that has the folder open"},
	{Err: store.ErrTooLarge, Status: http.StatusRequestEntityTooLarge, Name: "too-large", Advice: "send less at once"},
	{Err: store.ErrClosed, Status: http.StatusServiceUnavailable, Name: "closed", Advice: "the server is stopping; try again after Retry-After seconds", Retry: 5 * time.Second},
	{Err: collect.ErrTooLarge, Status: http.StatusRequestEntityTooLarge, Name: "too-large-body", Advice: "send smaller batches"},
	{Err: collect.ErrTooMany, Status: http.StatusRequestEntityTooLarge, Name: "too-many-messages", Advice: "send smaller batches"},
	{Err: collect.ErrFormat, Status: http.StatusBadRequest, Name: "format", Advice: "name the format that the file is in"},
	{Err: collect.ErrMapping, Status: http.StatusBadRequest, Name: "mapping", Advice: "change the mapping, or leave it out to have one guessed"},
	{Err: context.DeadlineExceeded, Status: http.StatusServiceUnavailable, Name: "too-slow", Advice: "try again after Retry-After seconds", Retry: 5 * time.Second},
}

const problemType = "urn:bellwether:"

// problemOf returns the problem that err amounts to. An error that no row knows is 500, and its text stays inside.
func problemOf(failures []Failure, err error) *Problem {
	var p *Problem
	if errors.As(err, &p) {
		return p
	}
	if at, broken := collect.Broken(err); broken {
		p = BadRequest("the body can't be read from byte %d on: %w", at, err).Advise("send it as JSON; nothing of it was written")
		p.Offset = &at
		return p
	}
	for _, f := range failures {
		if errors.Is(err, f.Err) {
			p = NewProblem(f.Status, "%w", err)
			p.Type, p.Advice, p.Retry = problemType+f.Name, f.Advice, int(f.Retry/time.Second)
			return p
		}
	}
	var field *bellwether.FieldError
	if errors.As(err, &field) {
		p = BadRequest("%w", err).Advise("send it otherwise; the field is named in errors")
		p.Errors = []Fault{{Location: field.Field, Message: field.Reason}}
		return p
	}
	p = NewProblem(http.StatusInternalServerError, "the request failed because of an error inside the program").Advise("see the server's log")
	p.cause = err
	return p
}

// ofHuma is a problem that huma found in a request against its description.
func ofHuma(m *huma.ErrorModel) *Problem {
	p := &Problem{Status: m.Status, Title: http.StatusText(m.Status), Detail: m.Detail, Advice: "errors names what is wrong; GET /openapi.json describes what may be sent"}
	for _, e := range m.Errors {
		p.Errors = append(p.Errors, Fault{Location: e.Location, Message: e.Message})
	}
	return p
}

// write sends p as the answer.
func (p *Problem) write(w http.ResponseWriter) {
	h := w.Header()
	maps.Copy(h, p.GetHeaders())
	h.Set("Content-Type", p.ContentType(""))
	w.WriteHeader(p.Status)
	b, _ := json.Marshal(p) // plain fields: no error is possible
	_, _ = w.Write(append(b, '\n'))
}
