package nn

import (
	"bytes"
	"fmt"
	"io"
	"os"
)

// MapWeights reads a file of weights by mapping it: the arrays are the file's own
// pages, which the system reads when they are looked at and copies when they are
// written to; the file never changes. They live until m is released. f may be
// closed, and replaced by renaming another file to its name, but not cut or
// rewritten in place. The checksum is verified by reading the file once.
func MapWeights(f *os.File, m *Memory) (*Weights, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("nn: mapping weights: %w", err)
	}
	size := info.Size()
	h, err := readHeader(io.NewSectionReader(f, 0, size))
	if err != nil {
		return nil, err
	}
	start := int64(8 + len(h.text))
	want := start
	for i := range h.arrays {
		want += int64(h.arrays[i].size())
	}
	if size != want {
		return nil, fmt.Errorf("%w: it has %d bytes, its header speaks of %d", ErrFormat, size, want)
	}
	digest := h.digestOfHeader()
	if _, err := io.CopyBuffer(onlyWriter{digest}, io.NewSectionReader(f, start, size-start), make([]byte, 1<<20)); err != nil {
		return nil, fmt.Errorf("nn: reading %s: %w", f.Name(), err)
	}
	if err := h.verify(digest); err != nil {
		return nil, err
	}
	block, err := m.mapped(f, int(size))
	if err != nil {
		return nil, err
	}
	h.take(block[start:])
	return &Weights{Card: h.card, Arrays: h.arrays}, nil
}

// onlyWriter hides that a digest can do more than write, so that the buffer is used.
type onlyWriter struct{ io.Writer }

// take gives the arrays their data.
func (h *header) take(data []byte) {
	for i := range h.arrays {
		a := &h.arrays[i]
		part := data[:a.size():a.size()]
		data = data[len(part):]
		switch {
		case len(part) == 0 && a.Floats == nil:
			a.Bytes = []byte{}
		case len(part) == 0:
		case a.Floats == nil:
			a.Bytes = part
		case littleEndian && aligned(part):
			a.Floats = floatsOf(part)
		default:
			_ = readGrowing(bytes.NewReader(part), a, len(part))
		}
	}
}
