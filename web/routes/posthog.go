package routes

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"bellwether/collect"
	"bellwether/web"
)

const postHogDetails = "Events become messages as Segment writes them: $pageview a page, $screen a screen, $identify and $set identify, $create_alias alias, " +
	"$groupidentify group, anything else track. The key is api_key or token in the body."

// PostHog returns what PostHog's libraries ask: events, and the answers that make them go on without flags, recordings
// and surveys. clock nil is time.Now.
func PostHog(of Of[Collector], clock func() time.Time) []web.Route {
	if clock == nil {
		clock = time.Now
	}
	key := func(_ *http.Request, body []byte) string { return postHogKey(body) }
	write := func(w http.ResponseWriter, r *http.Request) error {
		c, err := of(r.Context())
		if err != nil {
			return err
		}
		body, err := web.BodyOf(r)
		if err == nil {
			err = acceptPostHog(r.Context(), c, body, clock())
		}
		if err != nil {
			return err
		}
		return answer(w, []byte(`{"status":1}`+"\n"))
	}
	flags := func(w http.ResponseWriter, _ *http.Request) error {
		return answer(w, []byte(`{"flags":{},"featureFlags":{},"featureFlagPayloads":{},"errorsWhileComputingFlags":false,"sessionRecording":false,"supportedCompression":["gzip","gzip-js"]}`+"\n"))
	}
	config := func(w http.ResponseWriter, _ *http.Request) error {
		return answer(w, []byte(`{"supportedCompression":["gzip","gzip-js"],"hasFeatureFlags":false,"sessionRecording":false,"surveys":false,"heatmaps":false,`+
			`"capturePerformance":false,"siteApps":[],"defaultIdentifiedOnly":true,"analytics":{"endpoint":"/i/v0/e/"}}`+"\n"))
	}
	return []web.Route{
		web.Raw(http.MethodPost, "/batch", web.Collect, "Write a batch of events in PostHog's format", write).With(func(r *web.Route) {
			r.Name, r.Aliases, r.Key, r.Details = "posthog-batch", []string{"/capture", "/e", "/i/v0/e"}, key, postHogDetails
			r.Accepts = []string{"application/json", "text/plain"}
		}),
		web.Raw(http.MethodPost, "/flags", web.Collect, "No feature flags, in PostHog's format", flags).With(func(r *web.Route) {
			r.Name, r.Aliases, r.Key = "posthog-flags", []string{"/decide"}, key
			r.Accepts = []string{"application/json", "text/plain"}
		}),
		web.Raw(http.MethodGet, "/array/{key}/config", web.Collect, "The settings that PostHog's browser library loads", config).With(func(r *web.Route) {
			r.Name = "posthog-config"
			r.Key = func(r *http.Request, _ []byte) string { return r.PathValue("key") }
		}),
	}
}

// postHogEvent is one event as PostHog's libraries write it.
type postHogEvent struct {
	Event      string         `json:"event"`
	UUID       string         `json:"uuid"`
	DistinctID string         `json:"distinct_id"`
	Properties map[string]any `json:"properties"`
	Set        map[string]any `json:"$set"`
	Timestamp  string         `json:"timestamp"`
	Offset     float64        `json:"offset"` // milliseconds before it was sent, from browsers
	APIKey     string         `json:"api_key"`
	Token      string         `json:"token"`
}

// postHogBody is a body: a batch, one event, or a list of events.
type postHogBody struct {
	postHogEvent
	Batch  []json.RawMessage `json:"batch"`
	SentAt string            `json:"sent_at"`
}

// parse reads a body; events that are no objects are left as they are, to be refused one by one.
func parsePostHog(body []byte) (b postHogBody, events []json.RawMessage, err error) {
	if body = bytes.TrimSpace(body); len(body) > 0 && body[0] == '[' {
		if err = json.Unmarshal(body, &events); err != nil {
			return b, nil, web.BadRequest("the body is no list of events: %w", err)
		}
		return b, events, nil
	}
	if err = json.Unmarshal(body, &b); err != nil {
		return b, nil, web.BadRequest("the body is no JSON in PostHog's format: %w", err)
	}
	if b.Batch == nil {
		b.Batch = []json.RawMessage{body}
	}
	return b, b.Batch, nil
}

// postHogKey finds the key of a body: of the batch, of the first event, or in its properties.
func postHogKey(body []byte) string {
	if body == nil {
		return ""
	}
	b, events, err := parsePostHog(body)
	if err != nil {
		return ""
	}
	e := b.postHogEvent
	if e.key() == "" && len(events) > 0 {
		_ = json.Unmarshal(events[0], &e) // one that can't be read has no key
	}
	return e.key()
}

func (e *postHogEvent) key() string {
	for _, key := range []string{e.APIKey, e.Token} {
		if key != "" {
			return key
		}
	}
	key, _ := e.Properties["token"].(string)
	return key
}

// acceptPostHog writes the events of a body, as messages in Segment's format.
func acceptPostHog(ctx context.Context, c Collector, body []byte, now time.Time) error {
	b, events, err := parsePostHog(body)
	if err != nil {
		return err
	}
	for len(events) > 0 {
		part := events[:min(len(events), collect.MaxBatch)]
		events = events[len(part):]
		messages := make([]any, len(part))
		for i, raw := range part {
			messages[i] = raw // what can't be read becomes a dead letter
			var e postHogEvent
			if json.Unmarshal(raw, &e) == nil {
				messages[i] = e.message(now)
			}
		}
		text, err := json.Marshal(map[string]any{"batch": messages, "sentAt": b.SentAt})
		if err != nil {
			return fmt.Errorf("rewriting a batch: %w", err)
		}
		if _, err := c.AcceptBatch(ctx, text); err != nil {
			return err
		}
	}
	return nil
}

// message is the event as Segment writes it.
func (e *postHogEvent) message(now time.Time) map[string]any {
	p := e.Properties
	m := map[string]any{"properties": plain(p), "context": e.context()}
	put(m, "messageId", e.UUID)
	switch {
	case e.Timestamp != "":
		m["timestamp"] = e.Timestamp
	case e.Offset != 0:
		m["timestamp"] = now.Add(-time.Duration(e.Offset) * time.Millisecond).UTC().Format(time.RFC3339Nano)
	}
	e.person(m)
	switch e.Event {
	case "$pageview":
		m["type"] = "page"
		page(m["properties"].(map[string]any), p)
	case "$screen":
		m["type"] = "screen"
		put(m, "name", text(p, "$screen_name"))
	case "$identify", "$set":
		m["type"], m["traits"] = "identify", e.traits()
	case "$create_alias":
		m["type"] = "alias"
		put(m, "previousId", text(p, "alias"))
	case "$groupidentify":
		m["type"] = "group"
		put(m, "groupId", text(p, "$group_key"))
		m["traits"], _ = p["$group_set"].(map[string]any)
	default:
		m["type"], m["event"] = "track", e.Event
	}
	return m
}

// person says who it was: browsers send the device's id until somebody signs in.
func (e *postHogEvent) person(m map[string]any) {
	p, id := e.Properties, e.DistinctID
	if id == "" {
		id = text(p, "distinct_id")
	}
	device := text(p, "$device_id")
	identified, said := p["$is_identified"].(bool)
	if id == device || said && !identified {
		put(m, "anonymousId", id)
		return
	}
	put(m, "userId", id)
	if old := text(p, "$anon_distinct_id"); old != "" {
		device = old
	}
	put(m, "anonymousId", device)
}

// traits are what is said about the person.
func (e *postHogEvent) traits() map[string]any {
	out := make(map[string]any)
	for _, from := range []any{e.Properties["$set_once"], e.Properties["$set"], e.Set} {
		if set, ok := from.(map[string]any); ok {
			for k, v := range set {
				out[k] = v
			}
		}
	}
	return out
}

// context is what the library found out about the device.
func (e *postHogEvent) context() map[string]any {
	c := make(map[string]any)
	put(c, "userAgent", text(e.Properties, "$raw_user_agent"))
	campaign := make(map[string]any)
	for _, part := range []string{"source", "medium", "name", "term", "content"} {
		from := "utm_" + part
		if part == "name" {
			from = "utm_campaign"
		}
		put(campaign, part, text(e.Properties, from))
	}
	if len(campaign) > 0 {
		c["campaign"] = campaign
	}
	return c
}

// page names a page's properties as Segment does.
func page(to, from map[string]any) {
	for name, source := range map[string]string{"url": "$current_url", "path": "$pathname", "referrer": "$referrer", "title": "title"} {
		put(to, name, text(from, source))
	}
}

// plain are the properties without the library's own.
func plain(p map[string]any) map[string]any {
	out := make(map[string]any, len(p))
	for k, v := range p {
		if k != "" && k[0] != '$' && k != "token" && k != "distinct_id" {
			out[k] = v
		}
	}
	return out
}

func text(p map[string]any, name string) string {
	s, _ := p[name].(string)
	return s
}

func put(m map[string]any, name, value string) {
	if value != "" {
		m[name] = value
	}
}
