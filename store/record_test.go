package store_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"bellwether"
	"bellwether/store"

	"github.com/fxamacker/cbor/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

var update = flag.Bool("update", false, "rewrite the golden files under testdata")

// examples returns the records of the root's golden files, which fill every field.
func examples(t testing.TB) map[string]any {
	out := map[string]any{
		"event": new(bellwether.Event), "item": new(bellwether.Item), "profile": new(bellwether.Profile),
		"decision": new(bellwether.Decision), "outcome": new(bellwether.Outcome),
	}
	for name, r := range out {
		j, err := os.ReadFile(filepath.Join("..", "testdata", name+".json"))
		if err == nil {
			err = json.Unmarshal(j, r)
		}
		if err != nil {
			t.Fatal(err)
		}
		if e, ok := r.(*bellwether.Event); ok {
			var compact bytes.Buffer
			if err := json.Compact(&compact, e.Raw); err != nil {
				t.Fatal(err)
			}
			e.Raw = compact.Bytes()
		}
	}
	return out
}

func newLike(r any) any { return reflect.New(reflect.TypeOf(r).Elem()).Interface() }

func encode(t testing.TB, r any) []byte {
	t.Helper()
	b, err := store.Encode(r)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestRecordsGolden(t *testing.T) {
	for name, r := range examples(t) {
		b := encode(t, r)
		text, path := "", filepath.Join("testdata", name+".hex")
		for h := hex.EncodeToString(b); h != ""; h = h[min(64, len(h)):] {
			text += h[:min(64, len(h))] + "\n"
		}
		if *update {
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), text); diff != "" {
			t.Errorf("%s (-want +got); go test ./store -update rewrites it:\n%s", path, diff)
		}
		got := newLike(r)
		if err := store.Decode(b, got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(r, got, cmpopts.EquateNaNs()); diff != "" {
			t.Errorf("%s: round trip (-want +got):\n%s", name, diff)
		}
	}
}

func TestZeroRecords(t *testing.T) {
	for name, r := range examples(t) {
		zero, got := newLike(r), newLike(r)
		b := encode(t, zero)
		if hex.EncodeToString(b) != "a0" {
			t.Errorf("a zero %s is %x, want an empty map", name, b)
		}
		if err := store.Decode(b, got); err != nil || !reflect.DeepEqual(zero, got) {
			t.Errorf("zero %s: %v, %v", name, got, err)
		}
	}
}

func TestSmallestVector(t *testing.T) {
	if b := encode(t, &bellwether.Event{ID: "a"}); hex.EncodeToString(b) != "a1016161" {
		t.Errorf("got %x; docs/formats/records.md says a1 01 61 61", b)
	}
}

func TestCutRecordsAreErrors(t *testing.T) {
	for name, r := range examples(t) {
		b := encode(t, r)
		for n := range b {
			var bad *store.RecordError
			if err := store.Decode(b[:n], newLike(r)); !errors.As(err, &bad) || bad.Record != name {
				t.Fatalf("%s cut at %d: %v", name, n, err)
			}
		}
	}
}

func TestHostileRecords(t *testing.T) {
	deep := strings.Repeat("81", 30) + "00"
	for _, test := range []struct {
		name, hex, want string
		into            any
	}{
		{"nothing", "", "EOF", &bellwether.Event{}},
		{"old form", "01010161", "extraneous", &bellwether.Event{}},
		{"no map", "83010203", "array", &bellwether.Event{}},
		{"more bytes", "a000", "extraneous", &bellwether.Event{}},
		{"long text", "a1017b0000000fffffffff61", "EOF", &bellwether.Event{}},
		{"long list", "a1079b7fffffffffffffff", "exceeded", &bellwether.Decision{}},
		{"many candidates", "a1079a0002000100", "exceeded", &bellwether.Decision{}},
		{"many recent events", "a109992711" + strings.Repeat("a0", 10_001), "exceeded", &bellwether.Profile{}},
		{"endless", "bf016161ff", "indefinite", &bellwether.Event{}},
		{"deep", "a11828" + deep, "nested", &bellwether.Event{}},
		{"number beyond 32 bits", "a10e1b00000000ffffffff", "overflow", &bellwether.Event{}},
		{"text as a number", "a10a6161", "cannot unmarshal UTF-8 text", &bellwether.Event{}},
		{"money of three", "a10b8301634555520a", "different number", &bellwether.Event{}},
		{"money of texts", "a10b8261616161", "cannot unmarshal", &bellwether.Event{}},
		{"candidate of two", "a107818261610a", "different number", &bellwether.Decision{}},
		{"nanoseconds", "a10382001a3b9aca00", "a time is", &bellwether.Event{}},
		{"time as text", "a1036161", "a time is", &bellwether.Event{}},
		{"list as a trait", "a115a1616181f5", "trait", &bellwether.Event{}},
		{"trait beyond 64 bits", "a115a161611bffffffffffffffff", "overflow", &bellwether.Event{}},
		{"tagged trait", "a115a16161c100", "trait", &bellwether.Event{}},
		{"trait of an event within", "a10981a115a1616181f5", "trait", &bellwether.Profile{}},
		{"no record", "a0", "pointer", bellwether.Event{}},
	} {
		b, err := hex.DecodeString(test.hex)
		if err != nil {
			t.Fatal(test.name, err)
		}
		err = store.Decode(b, test.into)
		var bad *store.RecordError
		if !errors.As(err, &bad) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want a RecordError with %q", test.name, err, test.want)
		}
	}
}

func TestTraitsThatHaveNoForm(t *testing.T) {
	for _, v := range []any{[]any{1}, map[string]any{}, float32(1), time.Now(), uint64(1)} {
		_, err := store.Encode(&bellwether.Event{Traits: map[string]any{"x": v}})
		var bad *store.RecordError
		if !errors.As(err, &bad) || bad.Record != "event" {
			t.Errorf("%T: %v", v, err)
		}
	}
}

// TestWhatCannotBeReadIsNotWritten: a list longer than a reader takes, and no record at all.
func TestWhatCannotBeReadIsNotWritten(t *testing.T) {
	for name, r := range map[string]any{
		"candidates": &bellwether.Decision{ID: "d", Candidates: make([]bellwether.Candidate, 1<<17+1)},
		"features":   &bellwether.Item{ID: "i", Features: make([]float32, 1<<17+1)},
		"events":     &bellwether.Profile{Subject: "ana", Recent: make([]bellwether.Event, 10_001)},
		"links":      &bellwether.Profile{Subject: "ana", Links: make([]bellwether.Link, 10_001)},
		"nil":        (*bellwether.Event)(nil), "nil too": (*bellwether.Item)(nil), "nothing": nil, "a number": new(int),
	} {
		var bad *store.RecordError
		if b, err := store.Encode(r); !errors.As(err, &bad) {
			t.Errorf("%s: %d bytes, %v", name, len(b), err)
		}
	}
	long := &bellwether.Decision{ID: "d", Candidates: make([]bellwether.Candidate, 1<<17)}
	if err := store.Decode(encode(t, long), new(bellwether.Decision)); err != nil {
		t.Error("the longest list:", err)
	}
}

// newer is an event as a later program may write it.
type newer struct {
	ID      string         `cbor:"1,keyasint,omitempty"`
	Type    string         `cbor:"2,keyasint,omitempty"`
	Item    string         `cbor:"9,keyasint,omitempty"`
	Mood    string         `cbor:"23,keyasint,omitempty"`
	Screens []screen       `cbor:"200,keyasint,omitempty"`
	Notes   map[string]any `cbor:"70000,keyasint,omitempty"`
	Name    string         `cbor:"named"`
	Fine    cbor.Tag       `cbor:"201,keyasint"`
}

type screen struct {
	Width int     `cbor:"1,keyasint"`
	Scale float64 `cbor:"2,keyasint"`
}

// TestTwoVersionsSideBySide: what a newer program wrote is read by this one and survives its rewriting.
func TestTwoVersionsSideBySide(t *testing.T) {
	want := newer{
		ID: "m-1", Type: "view_item", Item: "tea", Mood: "good", Screens: []screen{{320, 1.5}, {640, 2}}, Name: "n",
		Notes: map[string]any{"a": uint64(1)}, Fine: cbor.Tag{Number: 1000, Content: uint64(1)},
	}
	b, err := cbor.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	e := bellwether.Event{Session: "left over", Unknown: []byte("left over")}
	if err := store.Decode(b, &e); err != nil {
		t.Fatal("a newer event is not read:", err)
	}
	if e.ID != "m-1" || e.Type != "view_item" || e.Item != "tea" || e.Session != "" {
		t.Errorf("got %+v", e)
	}
	e.Item, want.Item = "cup", "cup"
	rewritten := encode(t, &e)
	var got newer
	if err := cbor.Unmarshal(rewritten, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("after a rewrite (-want +got):\n%s", diff)
	}
	var again bellwether.Event
	if err := store.Decode(rewritten, &again); err != nil || !reflect.DeepEqual(e, again) {
		t.Errorf("read again: %+v, %v", again, err)
	}
	if err := store.Decode(encode(t, &bellwether.Event{ID: "b"}), &again); err != nil || again.Unknown != nil {
		t.Errorf("an event of today has the unknown fields %x, %v", again.Unknown, err)
	}
}

// TestUnknownFieldsWithin: fields of a newer event within a profile are skipped.
func TestUnknownFieldsWithin(t *testing.T) {
	b, _ := hex.DecodeString("a20163616e610981a201616118286178")
	var p bellwether.Profile
	if err := store.Decode(b, &p); err != nil || p.Subject != "ana" || len(p.Recent) != 1 || p.Recent[0].ID != "a" {
		t.Errorf("%+v, %v", p, err)
	}
}

// TestKeysInLongForm: a known number that is written in more bytes than it needs is still known.
func TestKeysInLongForm(t *testing.T) {
	b, _ := hex.DecodeString("a2180161611828f5")
	var e bellwether.Event
	if err := store.Decode(b, &e); err != nil || e.ID != "a" {
		t.Fatalf("%+v, %v", e, err)
	}
	if got := hex.EncodeToString(encode(t, &e)); got != "a20161611828f5" {
		t.Errorf("rewritten as %s", got)
	}
}

func TestBrokenUnknownFieldsAreNotWritten(t *testing.T) {
	for _, unknown := range []string{"x", "\x81\x01", "\xa1\x01", "\xa1\x18\x28\xf5\x00"} {
		if b, err := store.Encode(&bellwether.Event{ID: "a", Unknown: []byte(unknown)}); err == nil {
			t.Errorf("%q: written as %x", unknown, b)
		}
	}
}

func TestTimes(t *testing.T) {
	east := time.FixedZone("east", 5*3600+1800)
	for _, at := range []time.Time{
		time.Date(2026, 1, 2, 3, 4, 5, 6, east), time.Unix(0, 0), time.Unix(0, 1), time.Unix(0, -1), time.Unix(-5, 999_999_999),
		time.Unix(0, 1<<63-1), time.Unix(0, 1<<63-1).Add(1), time.Unix(0, -1<<63), time.Unix(0, -1<<63).Add(-1),
		time.Date(9999, 12, 31, 23, 59, 59, 999_999_999, time.UTC), time.Date(1, 1, 1, 0, 0, 0, 1, time.UTC), time.Date(-500, 1, 1, 0, 0, 0, 0, east),
	} {
		var got bellwether.Item
		if err := store.Decode(encode(t, &bellwether.Item{To: at}), &got); err != nil || !got.To.Equal(at) || got.To.Location() != time.UTC {
			t.Errorf("%v became %v, %v", at, got.To, err)
		}
	}
}

// TestEventIsCompact holds what the log pays for a usual event: at most half of its JSON.
func TestEventIsCompact(t *testing.T) {
	e := examples(t)["event"].(*bellwether.Event)
	e.Raw = nil
	j, _ := json.Marshal(e)
	if b := encode(t, e); 2*len(b) > len(j) {
		t.Errorf("%d bytes stored, %d bytes JSON", len(b), len(j))
	}
}
