package blocks

import (
	"cmp"
	"encoding/binary"
	"slices"
)

// Block is one block file's records.
type Block struct {
	Stream  string
	Index   uint32
	Size    int
	Records []Record
	Bad     []Bad
}

// Bad is bytes of a block in which no record is whole.
type Bad struct {
	Offset, Length int
	Before         uint64 // the last sequence before them, 0 when there is none in this block
	Torn           bool   // they are the block's last, and may be a write that was never finished
}

// Parse reads a block and checks every record. Beyond damage it goes on where the next
// record is whole.
func Parse(stream string, index uint32, b []byte) *Block {
	k := &Block{Stream: stream, Index: index, Size: len(b)}
	h := newHasher(stream, index)
	for offset := 0; offset < len(b); {
		r, ok := h.at(b[offset:], offset)
		if !ok {
			next := h.next(b, offset+1, k.last())
			k.Bad = append(k.Bad, Bad{Offset: offset, Length: next - offset, Before: k.last(), Torn: next == len(b)})
			offset = next
			continue
		}
		k.Records = append(k.Records, r)
		offset += len(r.Raw)
	}
	return k
}

// Keep makes damage of the messages that ok refuses. The checksum of a record without a header
// does not cover where its subject ends.
func (k *Block) Keep(ok func(*Record) bool) {
	kept := k.Records[:0]
	last := uint64(0)
	for i := range k.Records {
		r := k.Records[i]
		if r.Message() && !ok(&r) {
			k.Bad = append(k.Bad, Bad{Offset: r.Offset, Length: len(r.Raw), Before: last})
			continue
		}
		if kept = append(kept, r); !r.Tombstone {
			last = r.Sequence
		}
	}
	k.Records = kept
	slices.SortFunc(k.Bad, func(a, b Bad) int { return cmp.Compare(a.Offset, b.Offset) })
}

// next finds the next whole record of a sequence after the last one, or the block's end.
// That a record of another message is found inside a message is as good as impossible: its
// checksum would have to be keyed for this block.
func (h hasher) next(b []byte, from int, last uint64) int {
	for offset := from; offset+emptyRecord <= len(b); offset++ {
		if length(b[offset:]) == 0 {
			continue
		}
		sequence := binary.LittleEndian.Uint64(b[offset+4:]) &^ erasedBit
		if sequence&tombstoneBit == 0 && (sequence <= last || sequence > last+maxRecord) && last > 0 {
			continue
		}
		if _, ok := h.at(b[offset:], offset); ok {
			return offset
		}
	}
	return len(b)
}

// last returns the last sequence that the records so far use, tombstones aside.
func (k *Block) last() uint64 {
	for i := len(k.Records) - 1; i >= 0; i-- {
		if !k.Records[i].Tombstone {
			return k.Records[i].Sequence
		}
	}
	return 0
}

// Range returns the first and last sequence of the block's records, 0 and 0 without any.
func (k *Block) Range() (first, last uint64) {
	for i := range k.Records {
		if !k.Records[i].Tombstone {
			return k.Records[i].Sequence, k.last()
		}
	}
	return 0, 0
}

// Messages calls fn with each record that holds a message.
func (k *Block) Messages(fn func(*Record)) {
	for i := range k.Records {
		if k.Records[i].Message() {
			fn(&k.Records[i])
		}
	}
}

// Mended returns the block's bytes without what is damaged. The server takes a sequence that no
// record uses for a deleted message. When the last sequence is below upto, a record without a
// message uses upto, so that the server gives none up to it twice.
func (k *Block) Mended(upto uint64) []byte {
	out, at := make([]byte, 0, k.Size+emptyRecord), int64(0)
	for i := range k.Records {
		out, at = append(out, k.Records[i].Raw...), k.Records[i].Time
	}
	if k.last() < upto {
		out = newHasher(k.Stream, k.Index).appendErased(out, upto, at)
	}
	return out
}

// Union returns the bytes of a block with the records that either of two copies of it has, and
// how many are b's. Messages are in the order of their sequences, and what says of other
// messages that they were deleted comes last.
func Union(a, b *Block) (content []byte, added int) {
	type key struct {
		sequence  uint64
		tombstone bool
	}
	have := map[key]int{}
	records := slices.Clone(a.Records)
	for i := range a.Records {
		have[key{a.Records[i].Sequence, a.Records[i].Tombstone}] = i
	}
	for i := range b.Records {
		r := b.Records[i]
		switch at, ok := have[key{r.Sequence, r.Tombstone}]; {
		case !ok:
			records, added = append(records, r), added+1
		case len(r.Subject) > len(records[at].Subject): // the other one's was cut: a longer one that is no subject is refused by Keep
			records[at], added = r, added+1
		}
	}
	slices.SortStableFunc(records, func(x, y Record) int {
		if x.Tombstone != y.Tombstone {
			if x.Tombstone {
				return 1
			}
			return -1
		}
		return cmp.Compare(x.Sequence, y.Sequence)
	})
	for i := range records {
		content = append(content, records[i].Raw...)
	}
	return content, added
}
