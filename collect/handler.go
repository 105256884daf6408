package collect

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"bellwether/store"
)

// Limits of a request.
const (
	MaxBatch = 500     // messages
	MaxBody  = 4 << 20 // bytes, unpacked
)

// HandlerOptions of the HTTP interface; the zero value works.
type HandlerOptions struct {
	MaxInFlight int          // requests that are worked on at once, the next is answered 429; 0: 256
	Logger      *slog.Logger // nil: none
}

// Opener finds the collector of a write key. It returns an error that is ErrUnknownKey where no
// project has the key; any other error is answered 503.
type Opener func(ctx context.Context, writeKey string) (*Collector, error)

// Handler speaks Segment's HTTP interface:
//
//	POST /v1/batch                                     {"batch": [message, …], "sentAt": time}
//	POST /v1/{track,identify,page,screen,group,alias}  one message; analytics.js's short paths too
//	POST /v1/items                                     {"items": [Item, …]}, as this program's own
//	GET  /v1/projects/{key}/settings                   what analytics.js asks before it starts
//
// The write key is the user name of basic authentication, or, from browsers, "writeKey" in the
// body. 200 means that every message is on disk, as an event or as a dead letter; 400 that the
// body cannot be read, with the byte where it broke; 401 an unknown key; 413 too many messages
// or bytes; 429 and 503 that nothing was written and when to try again.
func Handler(open Opener, o HandlerOptions) http.Handler {
	if o.MaxInFlight == 0 {
		o.MaxInFlight = 256
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	h := &handler{open: open, slots: make(chan struct{}, o.MaxInFlight), log: o.Logger}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/items", h.serve(items))
	mux.HandleFunc("POST /v1/batch", h.serve(batch))
	mux.HandleFunc("POST /v1/b", h.serve(batch))
	for _, kind := range []string{"track", "identify", "page", "screen", "group", "alias"} {
		mux.HandleFunc("POST /v1/"+kind, h.serve(single(kind)))
	}
	for path, kind := range map[string]string{"t": "track", "i": "identify", "p": "page", "s": "screen", "g": "group", "a": "alias"} {
		mux.HandleFunc("POST /v1/"+path, h.serve(single(kind)))
	}
	mux.HandleFunc("GET /v1/projects/{key}/settings", h.settings)
	return cors(mux)
}

type handler struct {
	open  Opener
	slots chan struct{}
	log   *slog.Logger
}

// reader turns a body into messages.
type reader func(c *Collector, body []byte) ([]message, error)

// serve answers a request whose body read understands.
func (h *handler) serve(read reader) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		select {
		case h.slots <- struct{}{}:
			defer func() { <-h.slots }()
		default:
			h.fail(w, r, errBusy)
			return
		}
		result, err := h.handle(r, read)
		if err != nil {
			h.fail(w, r, err)
			return
		}
		answer(w, http.StatusOK, result.appendJSON(make([]byte, 0, 96)))
	}
}

func (h *handler) handle(r *http.Request, read reader) (Result, error) {
	var c *Collector
	var err error
	key, _, given := r.BasicAuth()
	if given {
		if c, err = h.open(r.Context(), key); err != nil {
			return Result{}, err
		}
	}
	body, release, err := readBody(r)
	if err != nil {
		return Result{}, err
	}
	defer release()
	if c == nil {
		if c, err = h.open(r.Context(), bodyKey(body)); err != nil {
			return Result{}, err
		}
	}
	messages, err := read(c, body)
	if err != nil {
		return Result{}, err
	}
	return c.accept(r.Context(), messages)
}

func (r Result) appendJSON(b []byte) []byte {
	b = strconv.AppendInt(append(b, `{"success":true,"accepted":`...), r.Accepted, 10)
	b = strconv.AppendInt(append(b, `,"duplicates":`...), r.Duplicates, 10)
	b = strconv.AppendInt(append(b, `,"rejected":`...), r.Rejected, 10)
	b = strconv.AppendInt(append(b, `,"events":`...), r.Events, 10)
	return append(b, "}\n"...)
}

// Reasons of refusing a whole request.
var (
	errBusy     = errors.New("too many requests are under way; try again after Retry-After seconds")
	errTooLarge = errors.New("body is larger than 4 MB unpacked; send smaller batches")
	errTooMany  = errors.New("batch has more than 500 messages; send smaller batches")
)

// fail answers with the status that err calls for.
func (h *handler) fail(w http.ResponseWriter, r *http.Request, err error) {
	status, offset := http.StatusServiceUnavailable, -1
	var syntax *syntaxError
	switch {
	case errors.Is(err, errBusy):
		status = http.StatusTooManyRequests
		w.Header().Set("Retry-After", "1")
	case errors.Is(err, ErrUnknownKey):
		status = http.StatusUnauthorized
		w.Header().Set("WWW-Authenticate", `Basic realm="write key as user name"`)
		err = errors.New("unknown write key; send a project's write key as the user name of basic authentication")
	case errors.Is(err, errTooLarge), errors.Is(err, errTooMany):
		status = http.StatusRequestEntityTooLarge
	case errors.As(err, &syntax):
		status, offset = http.StatusBadRequest, syntax.Offset
	default:
		w.Header().Set("Retry-After", "5")
		h.log.Error("messages were not written", "path", r.URL.Path, "error", err)
		err = publicError(err)
	}
	body := struct {
		Success bool   `json:"success"`
		Error   string `json:"error"`
		Offset  *int   `json:"offset,omitempty"` // byte of the unpacked body
	}{Error: err.Error()}
	if offset >= 0 {
		body.Offset = &offset
	}
	b, _ := json.Marshal(body) // three plain fields: no error is possible
	answer(w, status, append(b, '\n'))
}

// publicError is what a sender may know of a failure inside.
func publicError(err error) error {
	if errors.Is(err, store.ErrUnavailable) {
		return errors.New("nothing can be stored now; nothing was written; try again after Retry-After seconds")
	}
	return errors.New("nothing was acknowledged because of an internal error; try again after Retry-After seconds")
}

func answer(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // a sender that hung up asks again
}

// cors lets browsers of any site send events, which carry a write key and no cookie.
func cors(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "*")
		if r.Method != http.MethodOptions {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Access-Control-Allow-Methods", "GET, POST, OPTIONS")
		w.Header().Set("Access-Control-Allow-Headers", "Authorization, Content-Type, Content-Encoding")
		w.Header().Set("Access-Control-Max-Age", "86400")
		w.WriteHeader(http.StatusNoContent)
	})
}

// settings answers what analytics.js loads before its first event: one destination, this program.
func (h *handler) settings(w http.ResponseWriter, r *http.Request) {
	key := r.PathValue("key")
	if _, err := h.open(r.Context(), key); err != nil {
		h.fail(w, r, err)
		return
	}
	protocol := "http"
	if r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https" {
		protocol = "https"
	}
	type object = map[string]any
	b, _ := json.Marshal(object{ // texts alone: no error is possible
		"integrations": object{"Segment.io": object{
			"apiKey": key, "apiHost": r.Host + "/v1", "protocol": protocol,
			"unbundledIntegrations": []string{}, "addBundledMetadata": true, "versionSettings": object{"version": "4.4.7", "componentTypes": []string{"browser"}},
		}},
		"plan": object{"track": object{"__default": object{"enabled": true, "integrations": object{}}}},
	})
	answer(w, http.StatusOK, append(b, '\n'))
}

// newSegmentReader reads messages that come in now.
func (c *Collector) newSegmentReader(kind string, now, sent time.Time) segmentReader {
	s := segmentReader{currency: c.o.Currency, received: now, kind: kind}
	if !sent.IsZero() {
		s.skew = now.Sub(sent)
	}
	return s
}
