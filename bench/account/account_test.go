package main

import (
	"math"
	"testing"
)

// A sample belongs to the innermost function that a step names; what no step names is the rest.
func TestAttribute(t *testing.T) {
	const traces = `File: account
Type: cpu
-----------+-------------------------------------------------------
      30ms   runtime.memmove
             github.com/cockroachdb/pebble/v2.(*DB).Get (inline)
             bellwether/store.get
             bellwether/collect.(*Collector).unseen
             bellwether/collect.(*importer).flush
-----------+-------------------------------------------------------
      10ms   github.com/cockroachdb/pebble/v2.(*DB).compact
-----------+-------------------------------------------------------
      50ms   runtime.scanobject
             runtime.gcBgMarkWorker
-----------+-------------------------------------------------------
      10ms   runtime.futex
`
	got, err := attribute(traces)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]float64{"seen before? (claim, look up)": .3, compactions: .1, "garbage collection": .5, rest: .1}
	if len(got) != len(want) {
		t.Fatalf("%v", got)
	}
	for _, s := range got {
		if math.Abs(s.share-want[s.step]) > 1e-9 {
			t.Errorf("%s: %.2f, want %.2f", s.step, s.share, want[s.step])
		}
	}
	if _, err := attribute("File: account\n"); err == nil {
		t.Error("a profile without samples has an account")
	}
}

// A row becomes the message that a site would send.
func TestSegment(t *testing.T) {
	m := segment(map[string]string{"event_type": "purchase", "event_id": "e1", "item_id": "i", "price": "9.50", "currency": "EUR", "order_id": "o", "quantity": "2"})
	p, _ := m["properties"].(map[string]any)
	if _, named := m["userId"]; named || p["product_id"] != "i" || p["order_id"] != "o" {
		t.Errorf("%v", m)
	}
	if m := segment(map[string]string{"event_type": "identify", "user_id": "u"}); m["type"] != "identify" || m["userId"] != "u" || m["properties"] != nil {
		t.Errorf("%v", m)
	}
}
