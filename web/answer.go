package web

import (
	"net/http"
	"strings"
	"time"
)

// slowReader is how long one part of an answer may take to be read.
const slowReader = time.Minute

// recorder notes the status of an answer and cuts off who doesn't read it.
type recorder struct {
	http.ResponseWriter
	status int
}

// WriteHeader notes the status.
func (w *recorder) WriteHeader(status int) {
	if w.status == 0 || w.status < 200 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write gives the reader a minute for p.
func (w *recorder) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	_ = http.NewResponseController(w.ResponseWriter).SetWriteDeadline(time.Now().Add(slowReader)) // within the program there is none
	return w.ResponseWriter.Write(p)
}

// Unwrap returns the connection's own writer, for http.ResponseController.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// preflight answers a browser that asks whether a page of another site may send events, and reports whether it did:
// only what collects may be asked from elsewhere.
func preflight(w http.ResponseWriter, r *http.Request, methods map[string]*row) bool {
	open := []string{http.MethodOptions}
	for m, to := range methods {
		if to.browsers() {
			open = append(open, m)
		}
	}
	if len(open) == 1 {
		return false
	}
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Allow-Methods", strings.Join(open, ", "))
	h.Set("Access-Control-Allow-Headers", headers(r.Header.Get("Access-Control-Request-Headers")))
	h.Set("Access-Control-Max-Age", "86400")
	h.Set("Vary", "Access-Control-Request-Headers")
	w.WriteHeader(http.StatusNoContent)
	return true
}

// headers is what a preflight may send: what it asks for, since a request without a cookie can do no harm by a header.
func headers(asked string) string {
	const usual = "Authorization, Content-Type, Content-Encoding"
	if asked == "" || len(asked) > 1024 || strings.ContainsFunc(asked, func(c rune) bool { return c < ' ' || c > '~' }) {
		return usual
	}
	return usual + ", " + asked
}
