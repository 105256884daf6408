package recommend

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"

	"bellwether"
	"bellwether/apps/app"
	"bellwether/web"
)

// routes are what can be asked of this application.
func routes() []web.Route {
	query := func(r *web.Route) {
		r.Name = "get-recommend"
		r.Query = []web.Query{
			{Name: "subject", Doc: "The person."},
			{Name: "anonymous", Doc: "The device, when the person is not signed in."},
			{Name: "surface", Doc: "Where the slate is shown; home by default."},
			{Name: "k", Doc: "How many items, 1–1000; 10 by default."},
			{Name: "key", Doc: "Idempotency key: the same key gives the same decision."},
			{Name: "category", Doc: "Only items of it."},
			{Name: "exclude", Doc: "What is left out: purchased (by default), seen or none."},
		}
	}
	return []web.Route{
		web.Raw(http.MethodGet, "/v1/recommend", web.Read, "A slate for one person", slateRoute(readQuery)).With(query),
		web.Raw(http.MethodPost, "/v1/recommend", web.Read, "A slate for one person", slateRoute(readBody)).With(func(r *web.Route) { r.Name = "recommend" }),
		web.Raw(http.MethodPost, "/v1/recommend/everybody", web.Write, "A slate for each person who signed in, as an array that is written as it comes", everybodyRoute).
			With(func(r *web.Route) { r.Name = "recommend-everybody" }),
		web.Typed(http.MethodGet, "/v1/forecast", web.Read, "What a person is expected to do next, and when", forecastRoute).
			With(func(r *web.Route) { r.Name, r.Aliases = "forecast", []string{"/v1/outlook"} }),
	}
}

// requestBody is the body of the routes that recommend.
type requestBody struct {
	Subject   bellwether.Subject     `json:"subject,omitempty"`
	Anonymous bellwether.AnonymousID `json:"anonymous,omitempty"`
	Surface   bellwether.Surface     `json:"surface,omitempty"`
	K         int                    `json:"k,omitempty"`
	Key       string                 `json:"key,omitempty"`
	Category  string                 `json:"category,omitempty"`
	Exclude   string                 `json:"exclude,omitempty"`
	History   []app.Visit            `json:"history,omitempty"`
	Preview   bool                   `json:"preview,omitempty"`
	Holdout   *bool                  `json:"holdout,omitempty"`
}

func (b *requestBody) request(p *app.Project) (Request, error) {
	r := Request{
		Subject: b.Subject, Anonymous: b.Anonymous, Surface: b.Surface, K: b.K, Key: b.Key, Category: b.Category, Exclude: b.Exclude,
		History: p.Events(b.History), Preview: b.Preview, Holdout: b.Holdout,
	}
	switch {
	case b.Holdout != nil && !b.Preview:
		return r, fmt.Errorf("%w: holdout can be set in a preview only", app.ErrBadRequest)
	case b.K < 0 || b.K > 1000:
		return r, fmt.Errorf("%w: k is %d, outside 1–1000", app.ErrBadRequest, b.K)
	}
	return r, nil
}

// Slate is a slate as the routes answer it.
type Slate struct {
	app.DecisionAnswer
	Items []SlateItem `json:"items"`
}

// SlateItem is one place of a slate.
type SlateItem struct {
	Item       string  `json:"item"`
	Score      float64 `json:"score"`
	Propensity float64 `json:"propensity"` // of being drawn first
}

func newSlate(a *app.Answer) Slate {
	d := &a.Decision
	out := Slate{DecisionAnswer: a.Described(), Items: make([]SlateItem, len(d.Actions))}
	for i, at := range d.Actions {
		c := d.Candidates[at]
		out.Items[i] = SlateItem{Item: c.Action, Score: c.Score, Propensity: c.Propensity}
	}
	return out
}

func slateRoute(read func(*http.Request) (requestBody, error)) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		p, request, err := asked(r, read)
		if err != nil {
			return err
		}
		answer, err := Recommend(r.Context(), p, request)
		if err != nil {
			return err
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(newSlate(&answer)) // the connection is gone: nobody is left to tell
		return nil
	}
}

func asked(r *http.Request, read func(*http.Request) (requestBody, error)) (*app.Project, Request, error) {
	p, err := app.From(r.Context())
	if err != nil {
		return nil, Request{}, err
	}
	b, err := read(r)
	if err != nil {
		return nil, Request{}, err
	}
	request, err := b.request(p)
	return p, request, err
}

func readQuery(r *http.Request) (requestBody, error) {
	q := r.URL.Query()
	b := requestBody{
		Subject: bellwether.Subject(q.Get("subject")), Anonymous: bellwether.AnonymousID(q.Get("anonymous")),
		Surface: bellwether.Surface(q.Get("surface")), Key: q.Get("key"), Category: q.Get("category"), Exclude: q.Get("exclude"),
	}
	if k := q.Get("k"); k != "" {
		n, err := strconv.Atoi(k)
		if err != nil {
			return b, fmt.Errorf("%w: k is %q, not a whole number", app.ErrBadRequest, k)
		}
		b.K = n
	}
	return b, nil
}

// readBody decodes a body; an unreadable one is a bad request that names the byte where it broke.
func readBody(r *http.Request) (b requestBody, err error) {
	data, err := io.ReadAll(r.Body)
	if err != nil {
		return b, fmt.Errorf("%w: reading the body: %w", app.ErrBadRequest, err)
	}
	if err := json.Unmarshal(data, &b); err != nil {
		var syntax *json.SyntaxError
		var kind *json.UnmarshalTypeError
		switch {
		case errors.As(err, &syntax):
			return b, fmt.Errorf("%w: the body is not JSON from byte %d on: %w", app.ErrBadRequest, syntax.Offset, err)
		case errors.As(err, &kind):
			return b, fmt.Errorf("%w: at byte %d of the body: %w", app.ErrBadRequest, kind.Offset, err)
		}
		return b, fmt.Errorf("%w: the body: %w", app.ErrBadRequest, err)
	}
	return b, nil
}

// everybodyRoute writes a slate a person; whoever no item may be shown to is left out.
func everybodyRoute(w http.ResponseWriter, r *http.Request) error {
	p, request, err := asked(r, readBody)
	if err != nil {
		return err
	}
	out, begun := bufio.NewWriterSize(w, 1<<16), false
	err = Everybody(r.Context(), p, request, func(who bellwether.Subject, a app.Answer, err error) error {
		if errors.Is(err, ErrNothing) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("recommending to %s: %w", who, err)
		}
		text, err := json.Marshal(newSlate(&a))
		if err != nil {
			return err
		}
		between := ",\n"
		if !begun {
			begun, between = true, "[\n"
			w.Header().Set("Content-Type", "application/json")
		}
		_, _ = out.WriteString(between)
		_, err = out.Write(text)
		return err
	})
	if err != nil && begun {
		panic(http.ErrAbortHandler) // the array must not look whole
	}
	if err != nil {
		return err
	}
	if !begun {
		w.Header().Set("Content-Type", "application/json")
		_, _ = out.WriteString("[")
	}
	_, _ = out.WriteString("\n]\n")
	return out.Flush()
}

type forecastInput struct {
	Subject string `query:"subject" required:"true" doc:"The person."`
}

type forecastOutput struct{ Body Forecast }

func forecastRoute(ctx context.Context, in *forecastInput) (*forecastOutput, error) {
	p, err := app.From(ctx)
	if err != nil {
		return nil, err
	}
	f, err := NextSteps(ctx, p, bellwether.Subject(in.Subject))
	return &forecastOutput{Body: f}, err
}
