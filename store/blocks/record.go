package blocks

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"github.com/minio/highwayhash"
)

// A record of a block is
//
//	length, 4 bytes, with headerBit when it has a header | sequence, 8 | time in Unix ns, 8 | length of the subject, 2
//	subject | length of the header, 4, and header, with headerBit only | data | HighwayHash-64 of all but lengths, 8
//
// all numbers little-endian. The hash is keyed with the stream's name and the block's number.
const (
	recordHeader = 22
	recordHash   = 8
	emptyRecord  = recordHeader + recordHash
	maxRecord    = 32 << 20 // bytes: more is damage

	headerBit    = 1 << 31
	erasedBit    = 1 << 63 // in a sequence: the message was erased, only its number is used
	tombstoneBit = 1 << 62 // in a sequence: the message with this number, in any block, was deleted
)

// Record is one entry of a block that is whole. Its slices are parts of the block's bytes.
type Record struct {
	Offset    int
	Raw       []byte // all of it
	Sequence  uint64
	Time      int64 // Unix ns
	Erased    bool  // it holds no message any more
	Tombstone bool  // it says that message Sequence was deleted
	Subject   []byte
}

// Message reports whether the record holds a message.
func (r *Record) Message() bool { return !r.Erased && !r.Tombstone && r.Sequence != 0 }

// Header returns the message's header and data.
func (r *Record) Header() (header, data []byte) {
	rest := r.Raw[recordHeader+len(r.Subject) : len(r.Raw)-recordHash]
	if binary.LittleEndian.Uint32(r.Raw)&headerBit == 0 {
		return nil, rest
	}
	n := int(binary.LittleEndian.Uint32(rest))
	return rest[4 : 4+n], rest[4+n:]
}

// hasher computes the checksums of one block's records.
type hasher struct{ digest *highwayhash.Digest64 }

func newHasher(stream string, index uint32) hasher {
	key := sha256.Sum256(fmt.Appendf(nil, "%s-%d", stream, index))
	digest, _ := highwayhash.NewDigest64(key[:]) // fails only on a key of another length
	return hasher{digest}
}

// sum appends the checksum of a record, given without it, to b.
func (h hasher) sum(b, record []byte) []byte {
	subject := recordHeader + int(binary.LittleEndian.Uint16(record[20:]))
	rest := record[subject:]
	if binary.LittleEndian.Uint32(record)&headerBit != 0 {
		rest = rest[4:]
	}
	h.digest.Reset()
	_, _ = h.digest.Write(record[4:20])
	_, _ = h.digest.Write(record[recordHeader:subject])
	_, _ = h.digest.Write(rest)
	return h.digest.Sum(b)
}

// at returns the record that begins at b, which is at offset of its block; ok is false
// when there is none, or it is not whole.
func (h hasher) at(b []byte, offset int) (r Record, ok bool) {
	n := length(b)
	if n == 0 {
		return r, false
	}
	var sum [recordHash]byte
	if string(h.sum(sum[:0], b[:n-recordHash])) != string(b[n-recordHash:n]) {
		return r, false
	}
	if !headerWhole(b[:n]) {
		return r, false
	}
	sequence := binary.LittleEndian.Uint64(b[4:])
	subject := recordHeader + int(binary.LittleEndian.Uint16(b[20:]))
	return Record{
		Offset: offset, Raw: b[:n:n], Time: int64(binary.LittleEndian.Uint64(b[12:])),
		Sequence: sequence &^ (erasedBit | tombstoneBit), Erased: sequence&erasedBit != 0, Tombstone: sequence&tombstoneBit != 0,
		Subject: b[recordHeader:subject:subject],
	}, true
}

// headerWhole checks what the checksum does not cover: where the subject ends and the header, if any.
func headerWhole(record []byte) bool {
	if binary.LittleEndian.Uint32(record)&headerBit == 0 {
		return true
	}
	rest := record[recordHeader+int(binary.LittleEndian.Uint16(record[20:])) : len(record)-recordHash]
	n := int(binary.LittleEndian.Uint32(rest))
	if n < 0 || n > len(rest)-4 {
		return false
	}
	header := rest[4 : 4+n]
	return bytes.HasPrefix(header, []byte("NATS/1.0")) && bytes.HasSuffix(header, []byte("\r\n\r\n"))
}

// length returns the length of the record at b by its header, 0 when that cannot be.
func length(b []byte) int {
	if len(b) < emptyRecord {
		return 0
	}
	head := binary.LittleEndian.Uint32(b)
	n, lengths := int(head&^headerBit), int(binary.LittleEndian.Uint16(b[20:]))
	if head&headerBit != 0 {
		lengths += 4
	}
	if n > len(b) || n > maxRecord || recordHeader+lengths+recordHash > n {
		return 0
	}
	return n
}

// appendErased appends a record that only uses a sequence.
func (h hasher) appendErased(b []byte, sequence uint64, at int64) []byte {
	start := len(b)
	b = binary.LittleEndian.AppendUint32(b, emptyRecord)
	b = binary.LittleEndian.AppendUint64(b, sequence|erasedBit)
	b = binary.LittleEndian.AppendUint64(b, uint64(at))
	b = binary.LittleEndian.AppendUint16(b, 0)
	return h.sum(b, b[start:])
}
