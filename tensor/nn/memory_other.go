//go:build !linux

package nn

import (
	"fmt"
	"io"
	"os"
)

// huge returns n zeros: an ordinary slice.
func (m *Memory) huge(n int) []float32 { return make([]float32, n) }

// mapped returns the bytes of f, read.
func (m *Memory) mapped(f *os.File, size int) ([]byte, error) {
	block := make([]byte, size)
	if _, err := io.ReadFull(io.NewSectionReader(f, 0, int64(size)), block); err != nil {
		return nil, fmt.Errorf("nn: reading %s: %w", f.Name(), err)
	}
	return block, nil
}

// Release forgets the arrays.
func (m *Memory) Release() { m.blocks = nil }
