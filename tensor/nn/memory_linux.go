package nn

import (
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// huge returns n zeros in huge pages, or an ordinary slice where the system refuses.
func (m *Memory) huge(n int) []float32 {
	block, err := unix.Mmap(-1, 0, 4*n+hugePage, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		return make([]float32, n)
	}
	_ = unix.Madvise(block, unix.MADV_HUGEPAGE) // else pages are small: slower, and right
	m.blocks = append(m.blocks, block)
	before := -uintptr(unsafe.Pointer(&block[0])) & (hugePage - 1)
	return floatsOf(block[before : before+uintptr(4*n)])
}

// mapped returns the bytes of f. What is written into them stays in this process:
// a page is copied when it is first written to (copy on write).
func (m *Memory) mapped(f *os.File, size int) ([]byte, error) {
	block, err := unix.Mmap(int(f.Fd()), 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE)
	if err != nil {
		return nil, fmt.Errorf("nn: mapping %s: %w", f.Name(), err)
	}
	m.blocks = append(m.blocks, block)
	return block, nil
}

// Release gives the arrays back: whoever looks into one afterwards crashes.
func (m *Memory) Release() {
	for _, block := range m.blocks {
		_ = unix.Munmap(block)
	}
	m.blocks = nil
}
