package web

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"time"

	"bellwether"
)

// reports is the content type of an answer that comes in lines: reports of progress, and then the result or a problem.
const reports = "application/x-ndjson"

// Line is one line of such an answer: one of its fields is there.
type Line struct {
	Progress *bellwether.Progress `json:"progress,omitempty"`
	Result   json.RawMessage      `json:"result,omitempty"`
	Problem  *Problem             `json:"problem,omitempty"`
}

func wantsReports(r *http.Request, to *row) bool {
	return !to.HTML && strings.Contains(r.Header.Get("Accept"), reports)
}

// reporter writes reports as they come and keeps the answer until it is whole.
type reporter struct {
	w      *recorder
	header http.Header
	status int
	body   bytes.Buffer

	mu      sync.Mutex
	last    bellwether.Progress
	written time.Time
	ended   bool
}

func newReporter(w *recorder) *reporter { return &reporter{w: w, header: make(http.Header)} }

// Header is the header of the answer within the lines.
func (o *reporter) Header() http.Header { return o.header }

// WriteHeader keeps the status.
func (o *reporter) WriteHeader(status int) {
	if o.status == 0 {
		o.status = status
	}
}

// Write keeps a part of the answer.
func (o *reporter) Write(p []byte) (int, error) { return o.body.Write(p) }

// report writes one line, at most ten a second of one step.
func (o *reporter) report(p bellwether.Progress) {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := time.Now()
	if o.ended || p.Step == o.last.Step && now.Sub(o.written) < 100*time.Millisecond && (p.Total == 0 || p.Done < p.Total) {
		return
	}
	o.last, o.written = p, now
	o.line(&Line{Progress: &p})
}

func (o *reporter) refuse(p *Problem) {
	o.status = p.Status
	o.body.Reset()
	_ = json.NewEncoder(&o.body).Encode(p) // plain fields: no error is possible
}

// finish writes the last line.
func (o *reporter) finish() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ended = true
	var last Line
	if o.status >= http.StatusBadRequest {
		last.Problem = problemIn(o.status, o.body.Bytes())
	} else if text := bytes.TrimSpace(o.body.Bytes()); len(text) == 0 {
		last.Result = json.RawMessage("null")
	} else if json.Valid(text) {
		last.Result = text
	} else {
		last.Result, _ = json.Marshal(o.body.String()) // a text: no error is possible
	}
	o.line(&last)
	return nil
}

// line writes one line at once; a reader that left stops the work by the request's context.
func (o *reporter) line(l *Line) {
	if o.w.status == 0 {
		h := o.w.Header()
		h.Set("Content-Type", reports)
		h.Set("Cache-Control", "no-store")
		h.Set("X-Accel-Buffering", "no")
	}
	b, err := json.Marshal(l)
	if err != nil { // a loss that is no number
		l.Progress.Loss, l.Progress.Valid = 0, 0
		if b, err = json.Marshal(l); err != nil {
			return
		}
	}
	_, _ = o.w.Write(append(b, '\n'))
	_ = http.NewResponseController(o.w).Flush()
}

// problemIn reads the problem that an answer holds, whoever wrote it.
func problemIn(status int, body []byte) *Problem {
	p := new(Problem)
	if json.Unmarshal(body, p) != nil || p.Status == 0 {
		text := strings.TrimSpace(string(body[:min(len(body), 500)]))
		return NewProblem(status, "%s", text)
	}
	return p
}
