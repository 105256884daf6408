package v1

import (
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"bellwether"

	"github.com/google/go-cmp/cmp"
)

// TestEvent reads a record that was written by hand from the description of format 1.
func TestEvent(t *testing.T) {
	b, err := hex.DecodeString("01" + "010161" + "0209" + hex.EncodeToString([]byte("view_item")) + "0302ac02" + "0b9f1f03" + hex.EncodeToString([]byte("EUR")) +
		"0c0000000000001240" + "0e06" + "14010178" + "1506" + "016100" + "016201" + "016302" + "0164030178" + "016504000000000000f03f" + "01660503" + "16027b7d")
	if err != nil {
		t.Fatal(err)
	}
	want := bellwether.Event{
		ID: "a", Type: "view_item", Occurred: time.Unix(1, 300).UTC(), Price: bellwether.Money{Amount: -2000, Currency: "EUR"},
		Value: 4.5, Position: 3, Consent: []bellwether.Purpose{"x"}, Raw: []byte("{}"),
		Traits: map[string]any{"a": nil, "b": false, "c": true, "d": "x", "e": 1.0, "f": int64(-2)},
	}
	var got bellwether.Event
	if err := Event(b, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestHostileRecords(t *testing.T) {
	for _, bad := range []string{
		"", "02", "0163", "0101016101016a", "0101ffffffff0f61", "010affffffffffffffffffff01", "0103008094ebdc03", "011501016109", "011501",
		"0107ffffffffffffffff7f", "010c00", "0114ffffffff0f",
	} {
		b, _ := hex.DecodeString(bad)
		if Event(b, new(bellwether.Event)) == nil {
			t.Errorf("%s is accepted as an event", bad)
		}
		if Reject(b, new(Rejected)) == nil {
			t.Errorf("%s is accepted as a dead letter", bad)
		}
	}
	if err := Decision([]byte("\x01\x07\xff\xff\x7f"), new(bellwether.Decision)); err == nil || !strings.Contains(err.Error(), "list") {
		t.Errorf("a long list: %v", err)
	}
}

func FuzzRecords(f *testing.F) {
	f.Add([]byte("\x01\x01\x01a\x15\x01\x01a\x05\x03"))
	f.Add([]byte("\x02{}raw"))
	f.Fuzz(func(_ *testing.T, b []byte) {
		_ = Event(b, new(bellwether.Event))
		_ = Item(b, new(bellwether.Item))
		_ = Decision(b, new(bellwether.Decision))
		_ = Reject(b, new(Rejected))
	})
}
