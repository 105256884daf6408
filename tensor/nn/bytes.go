package nn

import (
	"encoding/binary"
	"math"
	"unsafe"
)

// littleEndian says whether floats lie in memory as they do in files of weights.
var littleEndian = binary.NativeEndian.Uint16([]byte{1, 0}) == 1

// bytesOf returns the memory of x.
func bytesOf(x []float32) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(x))), 4*len(x))
}

// floatsOf returns the memory of whole floats as such; b is aligned to four bytes.
func floatsOf(b []byte) []float32 {
	return unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(b))), len(b)/4)
}

// aligned reports whether floatsOf may take b.
func aligned(b []byte) bool { return uintptr(unsafe.Pointer(unsafe.SliceData(b)))%4 == 0 }

// fromFile turns floats whose memory was read from a file into this machine's order.
func fromFile(x []float32) {
	if littleEndian {
		return
	}
	b := bytesOf(x)
	for i := range x {
		x[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
	}
}
