package bellwether

import (
	"encoding"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

var update = flag.Bool("update", false, "rewrite the golden files under testdata")

type binaryRecord interface {
	encoding.BinaryAppender
	encoding.BinaryMarshaler
	encoding.BinaryUnmarshaler
}

// newLike returns a new zero record of r's type.
func newLike(r binaryRecord) binaryRecord {
	return reflect.New(reflect.TypeOf(r).Elem()).Interface().(binaryRecord)
}

func TestGolden(t *testing.T) {
	for name, r := range examples() {
		t.Run(name, func(t *testing.T) {
			b, err := r.MarshalBinary()
			if err != nil {
				t.Fatal(err)
			}
			j, err := json.MarshalIndent(r, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			golden(t, name+".hex", wrap(hex.EncodeToString(b)))
			golden(t, name+".json", string(j)+"\n")

			fromBinary, fromJSON := newLike(r), newLike(r)
			if err := fromBinary.UnmarshalBinary(b); err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(j, fromJSON); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(r, fromBinary, cmpopts.EquateNaNs()); diff != "" {
				t.Errorf("binary round trip (-want +got):\n%s", diff)
			}
			again, err := json.MarshalIndent(fromJSON, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(j), string(again)); diff != "" {
				t.Errorf("JSON round trip (-want +got):\n%s", diff)
			}
		})
	}
}

// wrap breaks hex into lines of 32 bytes.
func wrap(s string) string {
	var b strings.Builder
	for len(s) > 64 {
		b.WriteString(s[:64] + "\n")
		s = s[64:]
	}
	return b.String() + s + "\n"
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got); go test . -update rewrites it:\n%s", path, diff)
	}
}

func TestZeroRecordsRoundTrip(t *testing.T) {
	for name, r := range examples() {
		zero, got := newLike(r), newLike(r)
		b, err := zero.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		if len(b) != 1 {
			t.Errorf("a zero %s takes %d bytes, want the version alone", name, len(b))
		}
		if err := got.UnmarshalBinary(b); err != nil || !reflect.DeepEqual(zero, got) {
			t.Errorf("zero %s: %v, %v", name, got, err)
		}
	}
}

func TestEveryTruncationIsAnErrorOrARecord(t *testing.T) {
	for name, r := range examples() {
		b, err := r.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		for n := range b {
			err := newLike(r).UnmarshalBinary(b[:n])
			var bad *FormatError
			if err != nil && !errors.As(err, &bad) {
				t.Fatalf("%s cut at %d: %T is no *FormatError", name, n, err)
			}
			if n == 0 && err == nil {
				t.Errorf("%s: no bytes at all are accepted", name)
			}
		}
	}
}

func TestHostileBytes(t *testing.T) {
	for _, test := range []struct {
		name, hex, want string
		into            binaryRecord
	}{
		{"newer version", "02", "format version 2", &Event{}},
		{"unknown field", "0163", "field 99", &Event{}},
		{"field twice", "0101016101016a", "field 1 after field 1", &Event{}},
		{"long string", "0101ffffffff0f61", "list of", &Event{}},
		{"long list", "0107ffffffffffffffff7f", "list of", &Decision{}},
		{"overlong number", "010affffffffffffffffffff01", "broken number", &Event{}},
		{"position beyond 32 bits", "010effffffff7f", "too large", &Event{}},
		{"nanoseconds", "0103008094ebdc03", "nanoseconds", &Event{}},
		{"keys out of order", "0115020162000161" + "00", "after", &Event{}},
		{"unknown trait tag", "011501016109", "tag 9", &Event{}},
		{"bad event within", "010901020200", "event within", &Profile{}},
	} {
		b, err := hex.DecodeString(test.hex)
		if err != nil {
			t.Fatal(test.name, err)
		}
		if err := test.into.UnmarshalBinary(b); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want %q", test.name, err, test.want)
		}
	}
}

func TestAppendBinaryAppends(t *testing.T) {
	e := exampleEvent()
	alone, err := e.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	b, err := e.AppendBinary([]byte("before"))
	if err != nil || string(b) != "before"+string(alone) {
		t.Errorf("got %q, %v", b, err)
	}
	e.Traits["list"] = []any{1}
	if b, err := e.AppendBinary([]byte("before")); err == nil || string(b) != "before" {
		t.Errorf("a trait that cannot be kept: got %q, %v", b, err)
	}
}

func TestSmallestVector(t *testing.T) {
	b, err := (&Event{ID: "a"}).MarshalBinary()
	if got := hex.EncodeToString(b); err != nil || got != "01010161" {
		t.Errorf("got %s, %v; docs/formats/records.md says 01 01 01 61", got, err)
	}
}

func TestProfileBoundsItsEvents(t *testing.T) {
	p := &Profile{Subject: "ana", Recent: make([]Event, maxRecent)}
	b, err := p.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	if err := new(Profile).UnmarshalBinary(b); err != nil {
		t.Errorf("%d events: %v", maxRecent, err)
	}
	p.Recent = append(p.Recent, Event{})
	if _, err := p.MarshalBinary(); err == nil {
		t.Errorf("%d events are written, but cannot be read", len(p.Recent))
	}
}

// TestEventIsCompact holds what the log pays for a usual event: at most half of its JSON.
func TestEventIsCompact(t *testing.T) {
	e := exampleEvent()
	e.Raw = nil
	b, _ := e.MarshalBinary()
	j, _ := json.Marshal(e)
	if 2*len(b) > len(j) {
		t.Errorf("%d bytes binary, %d bytes JSON", len(b), len(j))
	}
}

func BenchmarkEventMarshal(b *testing.B) {
	e := exampleEvent()
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf, _ = e.AppendBinary(buf[:0])
	}
}

func BenchmarkEventUnmarshal(b *testing.B) {
	e := exampleEvent()
	buf, _ := e.MarshalBinary()
	b.ReportAllocs()
	for b.Loop() {
		if err := e.UnmarshalBinary(buf); err != nil {
			b.Fatal(err)
		}
	}
}
