package routes

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"bellwether/collect"
	"bellwether/web"

	"github.com/google/go-cmp/cmp"
)

// The bodies are what posthog-python 7.91.1 and posthog-node 5.70.0 send, and posthog-js's form.
const (
	fromPython = `{"batch":[
 {"properties":{"product_id":"a","price":3.5,"$lib":"posthog-python"},"timestamp":"2026-04-27T12:34:44.621737+00:00","distinct_id":"ann","event":"product_viewed","uuid":"55d2be39-b430-4ce9-abd0-c1c51492eff5"},
 {"timestamp":"2026-04-27T12:34:44.622071+00:00","distinct_id":"ann","$set":{"email":"a@x"},"event":"$set","properties":{"$lib":"posthog-python"},"uuid":"294be4ec-8dc7-4cad-bb57-ad6294823b3d"},
 {"properties":{"distinct_id":"anon-1","alias":"ann"},"timestamp":"2026-04-27T12:34:44.622574+00:00","event":"$create_alias","distinct_id":"anon-1","uuid":"fee1d797-5b2b-428f-85a2-23942b3cedee"},
 {"event":"$groupidentify","properties":{"$group_type":"company","$group_key":"c1","$group_set":{"name":"C"}},"distinct_id":"ann","timestamp":"2026-04-27T12:34:44.622682+00:00","uuid":"0a1648c6-7755-4235-aeb9-55650b492ed4"}
],"historical_migration":false,"sent_at":"2026-04-27T12:34:44.622879+00:00","api_key":"KEY"}`
	fromNode = `{"api_key":"KEY","batch":[
 {"event":"order completed","properties":{"order_id":"o1","products":[{"product_id":"a","quantity":2,"price":4}],"$lib":"posthog-node"},"timestamp":"2026-04-27T12:34:48.170Z","uuid":"01a21d00-4b11-76b6-ae47-2596271fa481","distinct_id":"bob"},
 {"event":"$identify","properties":{"$set":{"plan":"x"},"$set_once":{}},"timestamp":"2026-04-27T12:34:48.211Z","uuid":"01a21d00-4b13-7536-bc57-961951cc263a","distinct_id":"bob"}
],"sent_at":"2026-04-27T12:34:48.330Z"}`
	fromBrowser = `[{"uuid":"u1","event":"$pageview","properties":{"token":"KEY","distinct_id":"dev-1","$device_id":"dev-1","$current_url":"https://x/p?utm_source=news","$pathname":"/p","title":"P","utm_source":"news"},"offset":1500},
 {"uuid":"u2","event":"added","properties":{"token":"KEY","distinct_id":"ann","$device_id":"dev-1","$is_identified":true,"product_id":"a"},"offset":1000}]`
)

// TestPostHogMessages compares events with the messages that they become.
func TestPostHogMessages(t *testing.T) {
	now := time.Date(2026, 4, 27, 12, 0, 10, 0, time.UTC)
	type object = map[string]any
	var got []object
	for _, body := range []string{fromPython, fromNode, fromBrowser} {
		_, events, err := parsePostHog([]byte(body))
		must(t, err)
		for _, raw := range events {
			var e postHogEvent
			must(t, json.Unmarshal(raw, &e))
			got = append(got, e.message(now))
		}
	}
	none := object{}
	want := []object{
		{"type": "track", "event": "product_viewed", "userId": "ann", "messageId": "55d2be39-b430-4ce9-abd0-c1c51492eff5", "timestamp": "2026-04-27T12:34:44.621737+00:00", "properties": object{"product_id": "a", "price": 3.5}, "context": none},
		{"type": "identify", "userId": "ann", "messageId": "294be4ec-8dc7-4cad-bb57-ad6294823b3d", "timestamp": "2026-04-27T12:34:44.622071+00:00", "properties": none, "traits": object{"email": "a@x"}, "context": none},
		{"type": "alias", "userId": "anon-1", "previousId": "ann", "messageId": "fee1d797-5b2b-428f-85a2-23942b3cedee", "timestamp": "2026-04-27T12:34:44.622574+00:00", "properties": object{"alias": "ann"}, "context": none},
		{"type": "group", "userId": "ann", "groupId": "c1", "messageId": "0a1648c6-7755-4235-aeb9-55650b492ed4", "timestamp": "2026-04-27T12:34:44.622682+00:00", "properties": none, "traits": object{"name": "C"}, "context": none},
		{"type": "track", "event": "order completed", "userId": "bob", "messageId": "01a21d00-4b11-76b6-ae47-2596271fa481", "timestamp": "2026-04-27T12:34:48.170Z", "properties": object{"order_id": "o1", "products": []any{object{"product_id": "a", "quantity": 2.0, "price": 4.0}}}, "context": none},
		{"type": "identify", "userId": "bob", "messageId": "01a21d00-4b13-7536-bc57-961951cc263a", "timestamp": "2026-04-27T12:34:48.211Z", "properties": none, "traits": object{"plan": "x"}, "context": none},
		{"type": "page", "anonymousId": "dev-1", "messageId": "u1", "timestamp": "2026-04-27T12:00:08.5Z", "properties": object{"url": "https://x/p?utm_source=news", "path": "/p", "title": "P", "utm_source": "news"}, "context": object{"campaign": object{"source": "news"}}},
		{"type": "track", "event": "added", "userId": "ann", "anonymousId": "dev-1", "messageId": "u2", "timestamp": "2026-04-27T12:00:09Z", "properties": object{"product_id": "a"}, "context": none},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestPostHogIsCollected: every event once in the log, at each path that the libraries use.
func TestPostHogIsCollected(t *testing.T) {
	f := newFixture(t)
	key := f.key[web.Collect]
	before := f.shop.Totals()
	for path, body := range map[string]string{"/batch/": fromPython, "/batch": fromNode, "/i/v0/e/?compression=gzip-js": fromBrowser, "/e/capture/": `{"event":"x","distinct_id":"ann","api_key":"KEY","uuid":"u9"}`} {
		if status, text := f.ask("POST", path, web.Public, strings.ReplaceAll(body, "KEY", key)); status != 200 || !strings.Contains(text, `"status":1`) {
			t.Errorf("%s: %d %s", path, status, text)
		}
	}
	if status, _ := f.ask("POST", "/batch/", web.Public, strings.ReplaceAll(fromPython, "KEY", key)); status != 200 {
		t.Errorf("again: %d", status)
	}
	after := f.shop.Totals()
	if got := after.Accepted - before.Accepted; got != 9 {
		t.Errorf("%d messages were accepted, want 9", got)
	}
	if got := after.Duplicates - before.Duplicates; got != 4 {
		t.Errorf("%d were duplicates, want 4", got)
	}
	if after.Rejected != before.Rejected {
		_ = f.shop.DeadLetters(t.Context(), func(r collect.Rejected) bool { t.Errorf("refused: %s: %s", r.Reason, r.Raw); return true })
	}
	for path, want := range map[string]int{"/array/" + key + "/config": 200, "/array/guess/config": 401} {
		if status, text := f.ask("GET", path, web.Public, ""); status != want {
			t.Errorf("%s: %d %s", path, status, text)
		}
	}
	if status, text := f.ask("POST", "/flags/?v=2", web.Public, `{"token":"`+key+`"}`); status != 200 || !strings.Contains(text, `"flags":{}`) {
		t.Errorf("flags: %d %s", status, text)
	}
	for _, body := range []string{fromPython, "[]", "{", `[1]`} {
		if status, text := f.ask("POST", "/batch", web.Public, body); status != 401 {
			t.Errorf("without a key: %d %s", status, text)
		}
	}
	if status, text := f.ask("POST", "/batch", web.Collect, `{"batch":[7,{"event":"y","distinct_id":"ann"}]}`); status != 200 {
		t.Errorf("a bad event failed its batch: %d %s", status, text)
	}
	if got := f.shop.Totals(); got.Rejected != after.Rejected+1 || got.Accepted != after.Accepted+1 {
		t.Errorf("of a bad event and a good one: %+v after %+v", got, after)
	}
}
