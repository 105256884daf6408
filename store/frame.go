package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/klauspost/compress/zstd"
)

// A message of the log is one batch (docs/formats/log.md):
//
//	version byte | flags byte | CRC-32C of the rest, 4 bytes little-endian | body
//	body   = uvarint number of records, records; zstd-compressed when flagZstd is set
//	record = kind byte | uvarint length, id | uvarint length, data
const (
	frameVersion = 1
	frameHeader  = 6
	flagZstd     = 1

	compressFrom = 4 << 10  // bytes of body below which compression is not tried
	maxBody      = 64 << 20 // bytes of a decompressed body: more is refused as hostile
	minRecord    = 3        // bytes of an empty record
)

var (
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
	errFrame   = errors.New("store: damaged message")

	encoder, _ = zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(2), zstd.WithEncoderCRC(false))
	decoder, _ = zstd.NewReader(nil, zstd.WithDecoderMaxMemory(maxBody), zstd.WithDecoderConcurrency(0))
)

// chunk is encoded records that share one message.
type chunk struct {
	records []byte
	count   int
}

// encodeRecords encodes records into chunks of at most limit bytes, most often one.
func encodeRecords(records []Record, limit int) ([]chunk, error) {
	size := 0
	for i := range records {
		size += recordSize(&records[i])
	}
	chunks := []chunk{{records: make([]byte, 0, min(size, limit))}}
	for i := range records {
		r, c := &records[i], &chunks[len(chunks)-1]
		n := recordSize(r)
		if n > limit {
			return nil, fmt.Errorf("%w: record %q has %d bytes, more than %d", ErrTooLarge, r.ID, n, limit)
		}
		if len(c.records)+n > limit {
			chunks = append(chunks, chunk{})
			c = &chunks[len(chunks)-1]
		}
		c.records = appendRecord(c.records, r)
		c.count++
	}
	return chunks, nil
}

// recordSize bounds the encoded size of r from above.
func recordSize(r *Record) int {
	return 1 + 2*binary.MaxVarintLen32 + len(r.ID) + len(r.Data)
}

func appendRecord(b []byte, r *Record) []byte {
	b = append(b, byte(r.Kind))
	b = append(binary.AppendUvarint(b, uint64(len(r.ID))), r.ID...)
	return append(binary.AppendUvarint(b, uint64(len(r.Data))), r.Data...)
}

// encodeFrame makes one message of chunks.
func encodeFrame(chunks []chunk) []byte {
	size, count := frameHeader+binary.MaxVarintLen32, 0
	for _, c := range chunks {
		size += len(c.records)
		count += c.count
	}
	frame := append(make([]byte, 0, size), frameVersion, 0, 0, 0, 0, 0)
	frame = binary.AppendUvarint(frame, uint64(count))
	for _, c := range chunks {
		frame = append(frame, c.records...)
	}
	if len(frame) >= compressFrom {
		small := encoder.EncodeAll(frame[frameHeader:], make([]byte, frameHeader, len(frame)/2))
		if len(small) < len(frame)-len(frame)/8 {
			small[0], small[1] = frameVersion, flagZstd
			frame = small
		}
	}
	binary.LittleEndian.PutUint32(frame[2:], crc32.Checksum(frame[frameHeader:], castagnoli))
	return frame
}

// decodeFrame returns the records of a message. Their Data are parts of frame, or
// of one decompressed copy of it; their IDs share one string.
func decodeFrame(frame []byte) ([]Record, error) {
	if len(frame) < frameHeader {
		return nil, fmt.Errorf("%w: %d bytes", errFrame, len(frame))
	}
	if v := frame[0]; v != frameVersion {
		return nil, fmt.Errorf("%w: a log message has version %d, this program reads %d", ErrNewerFormat, v, frameVersion)
	}
	body := frame[frameHeader:]
	if crc32.Checksum(body, castagnoli) != binary.LittleEndian.Uint32(frame[2:]) {
		return nil, fmt.Errorf("%w: the checksum is wrong", errFrame)
	}
	if frame[1]&flagZstd != 0 {
		var err error
		if body, err = decoder.DecodeAll(body, nil); err != nil {
			return nil, fmt.Errorf("%w: %w", errFrame, err)
		}
	}
	return decodeBody(body)
}

func decodeBody(body []byte) ([]Record, error) {
	count, n := binary.Uvarint(body)
	if n <= 0 || count > uint64(len(body)-n)/minRecord {
		return nil, fmt.Errorf("%w: number of records", errFrame)
	}
	body = body[n:]
	records, ids, lengths := make([]Record, count), []byte(nil), make([]int, count)
	for i := range records {
		if len(body) == 0 {
			return nil, fmt.Errorf("%w: record %d is missing", errFrame, i)
		}
		records[i].Kind = Kind(body[0])
		id, rest, ok := cutBytes(body[1:])
		if !ok {
			return nil, fmt.Errorf("%w: id of record %d", errFrame, i)
		}
		ids, lengths[i] = append(ids, id...), len(id)
		if records[i].Data, body, ok = cutBytes(rest); !ok {
			return nil, fmt.Errorf("%w: data of record %d", errFrame, i)
		}
	}
	if len(body) > 0 {
		return nil, fmt.Errorf("%w: %d bytes after the last record", errFrame, len(body))
	}
	all := string(ids)
	for i, n := range lengths {
		records[i].ID, all = all[:n], all[n:]
	}
	return records, nil
}

// cutBytes takes a uvarint length and that many bytes off b.
func cutBytes(b []byte) (head, rest []byte, ok bool) {
	size, n := binary.Uvarint(b)
	if n <= 0 || size > uint64(len(b)-n) {
		return nil, nil, false
	}
	end := n + int(size)
	return b[n:end:end], b[end:], true
}
