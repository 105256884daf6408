package onnx

import (
	"encoding/binary"
	"io"
	"math"
)

// message is an encoded protobuf message. Weights stay where they are until it
// is written, so that a large model is not in memory twice.
type message struct {
	parts []part
	size  int // in bytes
}

// part is bytes, then the bytes of floats.
type part struct {
	head   []byte
	floats []float32
}

// Wire types of protobuf.
const (
	wireVarint = 0
	wireBytes  = 2
	wireFixed  = 5
)

// raw adds bytes to the last part.
func (m *message) raw(add func(b []byte) []byte) {
	if len(m.parts) == 0 || m.parts[len(m.parts)-1].floats != nil {
		m.parts = append(m.parts, part{})
	}
	last := &m.parts[len(m.parts)-1]
	before := len(last.head)
	last.head = add(last.head)
	m.size += len(last.head) - before
}

func (m *message) tag(field, wire int) {
	m.raw(func(b []byte) []byte { return binary.AppendUvarint(b, uint64(field<<3|wire)) })
}

// integer adds an int64, an int32 or an enumeration.
func (m *message) integer(field int, v int64) {
	m.tag(field, wireVarint)
	m.raw(func(b []byte) []byte { return binary.AppendUvarint(b, uint64(v)) })
}

// float adds a float32.
func (m *message) float(field int, v float32) {
	m.tag(field, wireFixed)
	m.raw(func(b []byte) []byte { return binary.LittleEndian.AppendUint32(b, math.Float32bits(v)) })
}

func (m *message) text(field int, s string) {
	m.length(field, len(s))
	m.raw(func(b []byte) []byte { return append(b, s...) })
}

// floats adds the little-endian bytes of v.
func (m *message) floats(field int, v []float32) {
	m.length(field, 4*len(v))
	if len(v) > 0 {
		m.parts[len(m.parts)-1].floats = v
		m.size += 4 * len(v)
	}
}

// message adds a message within this one.
func (m *message) message(field int, sub *message) {
	m.length(field, sub.size)
	m.parts = append(m.parts, sub.parts...)
	m.size += sub.size
}

// length begins a field of n bytes.
func (m *message) length(field, n int) {
	m.tag(field, wireBytes)
	m.raw(func(b []byte) []byte { return binary.AppendUvarint(b, uint64(n)) })
}

func (m *message) writeTo(w io.Writer) error {
	buffer := make([]byte, 0, 1<<16)
	for _, p := range m.parts {
		if _, err := w.Write(p.head); err != nil {
			return err
		}
		for rest := p.floats; len(rest) > 0; {
			n := min(len(rest), cap(buffer)/4)
			buffer = buffer[:0]
			for _, v := range rest[:n] {
				buffer = binary.LittleEndian.AppendUint32(buffer, math.Float32bits(v))
			}
			if _, err := w.Write(buffer); err != nil {
				return err
			}
			rest = rest[n:]
		}
	}
	return nil
}
