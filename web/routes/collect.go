package routes

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"

	"bellwether/collect"
	"bellwether/web"
)

// Of finds what does the work of a route in the project of the call.
type Of[T any] func(ctx context.Context) (T, error)

// Collector writes events.
type Collector interface {
	AcceptBatch(ctx context.Context, body []byte) (collect.Result, error)
	AcceptMessage(ctx context.Context, kind string, body []byte) (collect.Result, error)
}

// CollectOptions of [Collect]; the zero value works.
type CollectOptions struct {
	Prefix  string // first-party path of the server (web.Options.Prefix): browsers are told to send there
	Proxied bool   // X-Forwarded-Proto is believed
}

const collectDetails = "200 means that every message is on disk, as an event or as a dead letter; a broken message never fails its batch. " +
	"400 that the body can't be read, 413 that it is too long; 429 and 503 that nothing was written, and when to try again. " +
	"The key is the user name of Basic authentication, or writeKey in the body."

// Collect returns what Segment's and RudderStack's libraries ask, server and browser: each message, batches, and the
// settings that they load before they start, at the paths that they use.
func Collect(of Of[Collector], o CollectOptions) []web.Route {
	batch := func(ctx context.Context, c Collector, body []byte) (collect.Result, error) {
		return c.AcceptBatch(ctx, body)
	}
	out := []web.Route{
		accepts(of, "/v1/batch", "Write a batch of messages in Segment's format", batch, "/v1/b", "/v1/import"),
		web.Raw(http.MethodGet, "/v1/projects/{key}/settings", web.Collect, "The settings that analytics.js loads", o.settings).With(func(r *web.Route) {
			r.Key = func(r *http.Request, _ []byte) string { return r.PathValue("key") }
		}),
	}
	out = append(out, web.Raw(http.MethodGet, "/sourceConfig", web.Collect, "The settings that RudderStack's browser library loads", sourceConfig).With(func(r *web.Route) {
		r.Name, r.Query = "rudderstack-config", []web.Query{{Name: "writeKey", Doc: "The key, where the header has none."}}
		r.Key = func(r *http.Request, _ []byte) string { return r.URL.Query().Get("writeKey") }
	}))
	for _, kind := range []string{"track", "identify", "page", "screen", "group", "alias"} {
		one := func(ctx context.Context, c Collector, body []byte) (collect.Result, error) {
			return c.AcceptMessage(ctx, kind, body)
		}
		out = append(out, accepts(of, "/v1/"+kind, "Write one "+kind+" message in Segment's format", one, "/v1/"+kind[:1]))
	}
	return out
}

// accepts is a route whose body accept writes.
func accepts(of Of[Collector], path, doc string, accept func(context.Context, Collector, []byte) (collect.Result, error), aliases ...string) web.Route {
	return web.Raw(http.MethodPost, path, web.Collect, doc, func(w http.ResponseWriter, r *http.Request) error {
		c, err := of(r.Context())
		if err != nil {
			return err
		}
		body, err := web.BodyOf(r)
		if err != nil {
			return err
		}
		result, err := accept(r.Context(), c, body)
		if err != nil {
			return err
		}
		return answer(w, appendResult(make([]byte, 0, 96), &result))
	}).With(func(r *web.Route) {
		r.Aliases, r.Details, r.Accepts = aliases, collectDetails, []string{"application/json", "text/plain"}
		r.Key = keyInBody
	})
}

func keyInBody(_ *http.Request, body []byte) string {
	if body == nil {
		return ""
	}
	return collect.WriteKey(body)
}

func appendResult(b []byte, r *collect.Result) []byte {
	b = strconv.AppendInt(append(b, `{"success":true,"accepted":`...), r.Accepted, 10)
	b = strconv.AppendInt(append(b, `,"duplicates":`...), r.Duplicates, 10)
	b = strconv.AppendInt(append(b, `,"rejected":`...), r.Rejected, 10)
	b = strconv.AppendInt(append(b, `,"events":`...), r.Events, 10)
	return append(b, "}\n"...)
}

func answer(w http.ResponseWriter, body []byte) error {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body) // a sender that hung up asks again
	return nil
}

// sourceConfig tells RudderStack's library that there is nothing to load: events go to this program alone.
func sourceConfig(w http.ResponseWriter, r *http.Request) error {
	c := web.CallFrom(r.Context())
	b, err := json.Marshal(map[string]any{"source": map[string]any{
		"id": c.Key, "name": string(c.Project), "workspaceId": string(c.Project), "enabled": true, "destinations": []string{},
		"config": map[string]any{"statsCollection": map[string]any{"errors": map[string]bool{"enabled": false}, "metrics": map[string]bool{"enabled": false}}},
	}})
	if err != nil {
		return err
	}
	return answer(w, append(b, '\n'))
}

// settings tells analytics.js its one destination: this program, at the address that it was asked at.
func (o CollectOptions) settings(w http.ResponseWriter, r *http.Request) error {
	protocol := "http"
	if r.TLS != nil || o.Proxied && r.Header.Get("X-Forwarded-Proto") == "https" {
		protocol = "https"
	}
	key, host := r.PathValue("key"), r.Host+"/v1"
	if o.Prefix != "" {
		host = r.Host + o.Prefix
	}
	type object = map[string]any
	b, err := json.Marshal(object{
		"integrations": object{"Segment.io": object{
			"apiKey": key, "apiHost": host, "protocol": protocol,
			"unbundledIntegrations": []string{}, "addBundledMetadata": true, "versionSettings": object{"version": "4.4.7", "componentTypes": []string{"browser"}},
		}},
		"plan": object{"track": object{"__default": object{"enabled": true, "integrations": object{}}}},
	})
	if err != nil {
		return err
	}
	return answer(w, append(b, '\n'))
}
