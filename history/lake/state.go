package lake

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"bellwether/history"
	"bellwether/store"

	"github.com/cespare/xxhash/v2"
)

// Buckets is by how many buckets people are parted; [history.BucketOf] tells which is whose.
const Buckets = history.Buckets

// hashOf is XXH64 of the person's id.
func hashOf(subject string) uint64 { return xxhash.Sum64String(subject) }

// state is what a bucket remembers of its people between two turns: by it a turn knows who changed and on which days.
type state struct {
	people []known // in the order of hashes
}

// known is one person as the files have them.
type known struct {
	hash   uint64
	digest uint64 // of all rows
	days   []day  // in order
}

// day is one person's rows of a table on a day.
type day struct {
	table  byte  // place in tables
	day    int32 // since 1970
	digest uint32
	rows   uint32
}

func compareDays(a, b day) int {
	return cmp.Or(cmp.Compare(a.table, b.table), cmp.Compare(a.day, b.day))
}

// stateVersion is the first byte of a state; another version's is read as none, and the bucket is written anew.
const stateVersion = 3

func stateName(bucket int) string { return fmt.Sprintf("_state/bucket-%02d", bucket) }

// encode is: version, people, then the XXH64 of both.
func (s *state) encode() []byte {
	b := binary.AppendUvarint([]byte{stateVersion}, uint64(len(s.people)))
	last := uint64(0)
	for i := range s.people {
		p := &s.people[i]
		b = binary.AppendUvarint(b, p.hash-last)
		last = p.hash
		b = binary.LittleEndian.AppendUint64(b, p.digest)
		b = binary.AppendUvarint(b, uint64(len(p.days)))
		before := int32(0)
		for _, d := range p.days {
			b = binary.AppendVarint(append(b, d.table), int64(d.day-before))
			b = binary.AppendUvarint(binary.LittleEndian.AppendUint32(b, d.digest), uint64(d.rows))
			before = d.day
		}
	}
	return binary.LittleEndian.AppendUint64(b, xxhash.Sum64(b))
}

// decodeState reads what encode wrote; nil if it is damaged or of another version.
func decodeState(b []byte) *state {
	if len(b) < 9 || b[0] != stateVersion || xxhash.Sum64(b[:len(b)-8]) != binary.LittleEndian.Uint64(b[len(b)-8:]) {
		return nil
	}
	r := reader{b: b[1 : len(b)-8]}
	s := &state{people: make([]known, 0, min(r.uvarint(), uint64(len(b))))}
	last := uint64(0)
	for len(r.b) > 0 && !r.bad {
		last += r.uvarint()
		p := known{hash: last, digest: r.fixed64()}
		before := int32(0)
		for n := r.uvarint(); n > 0 && !r.bad; n-- {
			d := day{table: r.octet()}
			before += int32(r.varint())
			d.day, d.digest, d.rows = before, r.fixed32(), uint32(r.uvarint())
			p.days = append(p.days, d)
		}
		s.people = append(s.people, p)
	}
	if r.bad {
		return nil
	}
	return s
}

// loadState reads a bucket's state; nil if there is none that counts.
func loadState(ctx context.Context, t Target, bucket int) (*state, error) {
	b, err := content(ctx, t, stateName(bucket))
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return decodeState(b), nil
}

func saveState(ctx context.Context, t Target, bucket int, s *state) error {
	return t.Put(ctx, stateName(bucket), bytes.NewReader(s.encode()))
}

// content is what is stored under a name.
func content(ctx context.Context, t Target, name string) ([]byte, error) {
	r, err := t.Get(ctx, name)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(r)
	if err = errors.Join(err, r.Close()); err != nil {
		return nil, fmt.Errorf("lake: reading %s: %w", name, err)
	}
	return b, nil
}

func (s *state) find(hash uint64) (*known, bool) {
	i, ok := slices.BinarySearchFunc(s.people, hash, func(k known, h uint64) int { return cmp.Compare(k.hash, h) })
	if !ok {
		return nil, false
	}
	return &s.people[i], true
}

// reader reads numbers off b until it is bad.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	return taken(r, v, n)
}

func (r *reader) varint() int64 {
	v, n := binary.Varint(r.b)
	return taken(r, v, n)
}

func taken[T any](r *reader, v T, n int) T {
	if n <= 0 {
		r.bad, r.b = true, nil
		return v
	}
	r.b = r.b[n:]
	return v
}

// next returns n bytes.
func (r *reader) next(n int) []byte {
	if n > len(r.b) {
		r.bad, r.b = true, nil
		return make([]byte, n)
	}
	head := r.b[:n]
	r.b = r.b[n:]
	return head
}

func (r *reader) octet() byte     { return r.next(1)[0] }
func (r *reader) fixed32() uint32 { return binary.LittleEndian.Uint32(r.next(4)) }
func (r *reader) fixed64() uint64 { return binary.LittleEndian.Uint64(r.next(8)) }
