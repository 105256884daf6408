package store

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

func TestFrameRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Record {
			return Record{
				Kind: Kind(rapid.Byte().Draw(t, "kind")),
				ID:   rapid.StringN(0, 20, 40).Draw(t, "id"),
				Data: bytes.Repeat(rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "data"), rapid.IntRange(1, 100).Draw(t, "times")),
			}
		}), 1, 60).Draw(t, "records")
		limit := rapid.IntRange(5000, 20_000).Draw(t, "limit")
		chunks, err := encodeRecords(want, limit)
		if err != nil {
			t.Fatal(err)
		}
		var got []Record
		for _, c := range chunks {
			if len(c.records) > limit {
				t.Fatalf("a chunk of %d bytes, limit %d", len(c.records), limit)
			}
			records, err := decodeFrame(encodeFrame([]chunk{c}))
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, records...)
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestFrameIsCompressed(t *testing.T) {
	chunks, err := encodeRecords([]Record{{Data: bytes.Repeat([]byte("event "), 10_000)}}, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(encodeFrame(chunks)); n > 6000 {
		t.Errorf("60,000 repetitive bytes became %d", n)
	}
}

// TestFrameDamage: each flipped bit, and each cut, is noticed.
func TestFrameDamage(t *testing.T) {
	chunks, err := encodeRecords([]Record{{KindEvent, "a", []byte("data")}, {KindItem, "b", nil}}, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	frame := encodeFrame(chunks)
	for i := range len(frame) * 8 {
		bad := bytes.Clone(frame)
		bad[i/8] ^= 1 << (i % 8)
		if records, err := decodeFrame(bad); err == nil && i/8 != 1 {
			t.Errorf("bit %d flipped: %v", i, records)
		}
	}
	for n := range frame {
		if _, err := decodeFrame(frame[:n]); !errors.Is(err, errFrame) {
			t.Errorf("cut to %d bytes: %v", n, err)
		}
	}
	frame[0] = frameVersion + 1
	if _, err := decodeFrame(frame); !errors.Is(err, ErrNewerFormat) {
		t.Errorf("a newer version: %v", err)
	}
}

func FuzzDecodeFrame(f *testing.F) {
	for _, records := range [][]Record{{{}}, {{KindEvent, "id", []byte("data")}}, {{KindNote, "n", make([]byte, 9000)}}} {
		chunks, err := encodeRecords(records, 1<<20)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(encodeFrame(chunks))
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		records, err := decodeFrame(frame)
		if err != nil {
			return
		}
		chunks, err := encodeRecords(records, maxBody)
		if err != nil {
			t.Fatal(err)
		}
		again, err := decodeFrame(encodeFrame(chunks))
		if diff := cmp.Diff(records, again, cmpopts.EquateEmpty()); err != nil || diff != "" {
			t.Fatal(err, diff)
		}
	})
}

// FuzzDecodeBody skips the checksum, which keeps a fuzzer out of the parser.
func FuzzDecodeBody(f *testing.F) {
	f.Add([]byte{2, 1, 1, 'a', 0, 2, 0, 1, 'x'})
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0x0f})
	f.Fuzz(func(t *testing.T, body []byte) {
		records, err := decodeBody(body)
		if err != nil && !errors.Is(err, errFrame) {
			t.Fatal(err)
		}
		size := 0
		for _, r := range records {
			size += len(r.ID) + len(r.Data)
		}
		if size > len(body) {
			t.Fatalf("%d bytes of records from %d", size, len(body))
		}
	})
}

func TestKeyRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.StringN(1, 50, maxKey).Draw(t, "key")
		subject, err := encodeKey(key)
		if err != nil {
			t.Fatal(err)
		}
		got, err := decodeKey(subject)
		if err != nil || got != key {
			t.Fatalf("%q became %q and %q, %v", key, subject, got, err)
		}
	})
	for _, bad := range []string{"=4", "=ZZ"} {
		if got, err := decodeKey(bad); !errors.Is(err, errKey) {
			t.Errorf("decodeKey(%q) = %q, %v", bad, got, err)
		}
	}
}

func TestPack(t *testing.T) {
	group := func(sizes ...[]int) (out []*request) {
		for _, request := range sizes {
			out = append(out, newRequest(request))
		}
		return out
	}
	for _, c := range []struct {
		group []*request
		want  string // chunk sizes of each message / requests that end in it
	}{
		{group([]int{3}), "[3]/1"},
		{group([]int{3}, []int{4}, []int{4}), "[3 4]/2 [4]/1"},
		{group([]int{9, 10}, []int{1}), "[9]/0 [10]/1 [1]/1"},
		{group([]int{10}, []int{10}), "[10]/1 [10]/1"},
	} {
		var got []string
		for _, m := range pack(c.group, 10) {
			sizes := []int{}
			for _, c := range m.chunks {
				sizes = append(sizes, len(c.records))
			}
			got = append(got, fmt.Sprintf("%v/%d", sizes, len(m.ends)))
		}
		if diff := cmp.Diff(c.want, fmt.Sprint(got)[1:len(fmt.Sprint(got))-1]); diff != "" {
			t.Error(diff)
		}
	}
}

func newRequest(sizes []int) *request {
	r := &request{}
	for _, n := range sizes {
		r.chunks = append(r.chunks, chunk{records: make([]byte, n), count: 1})
	}
	return r
}

func TestRecent(t *testing.T) {
	var r recent
	for i := range uint64(recentBatches + 10) {
		r.add(Batch{Sequence: i + 1}, 10)
	}
	r.add(Batch{Sequence: 5}, 10) // told again
	for sequence, want := range map[uint64]bool{1: false, 10: false, 11: true, recentBatches + 10: true, recentBatches + 11: false} {
		if b, ok := r.get(sequence); ok != want || ok && b.Sequence != sequence {
			t.Errorf("get(%d) = %v, %v", sequence, b.Sequence, ok)
		}
	}
	r.add(Batch{Sequence: 2 * recentBatches}, 10)
	if _, ok := r.get(recentBatches); ok {
		t.Error("batches before a gap are kept")
	}
	r.add(Batch{Sequence: 2*recentBatches + 1}, recentBytes)
	if _, ok := r.get(2 * recentBatches); ok {
		t.Error("more bytes are kept than allowed")
	}
}
