package kernel

import (
	"bellwether/tensor/internal/asm"
	"bellwether/tensor/internal/cpu"
	"bellwether/tensor/internal/reference"
)

// Stream is the key and the upper half of the counter of reference.Philox.
type Stream struct {
	Seed        uint64
	Step, Layer uint32
}

// Block returns words 4·number … 4·number+3 of the stream.
func (s Stream) Block(number uint64) [4]uint32 {
	return reference.Philox(
		[4]uint32{uint32(number), uint32(number >> 32), s.Step, s.Layer},
		[2]uint32{uint32(s.Seed), uint32(s.Seed >> 32)})
}

// Bits sets dst to the words of the blocks from number block on.
func (s Stream) Bits(dst []uint32, block uint64) {
	whole := 0
	if cpu.Use != cpu.Portable {
		whole = len(dst) &^ 31
	}
	switch {
	case whole == 0:
	case cpu.Use == cpu.AVX512:
		asm.BitsAVX512(&dst[0], whole, block, s.Step, s.Layer, s.Seed)
	case cpu.Use >= cpu.NEON:
		asm.BitsNEON(&dst[0], whole, block, s.Step, s.Layer, s.Seed)
	default:
		asm.BitsAVX2(&dst[0], whole, block, s.Step, s.Layer, s.Seed)
	}
	for i := whole; i < len(dst); i += 4 {
		words := s.Block(block + uint64(i/4))
		copy(dst[i:], words[:])
	}
}

// Dropout sets dst = x·scale where the word is threshold or more, else 0; the
// word of x[0] is the first of the block.
func (s Stream) Dropout(dst, x []float32, block uint64, threshold uint32, scale float32) {
	whole := 0
	if cpu.Use != cpu.Portable {
		whole = len(x) &^ 31
	}
	switch {
	case whole == 0:
	case cpu.Use == cpu.AVX512:
		asm.DropoutAVX512(&dst[0], &x[0], whole, block, s.Step, s.Layer, s.Seed, threshold, scale)
	case cpu.Use >= cpu.NEON:
		asm.DropoutNEON(&dst[0], &x[0], whole, block, s.Step, s.Layer, s.Seed, threshold, scale)
	default:
		asm.DropoutAVX2(&dst[0], &x[0], whole, block, s.Step, s.Layer, s.Seed, threshold, scale)
	}
	for i := whole; i < len(x); i += 4 {
		words := s.Block(block + uint64(i/4))
		for j := i; j < min(i+4, len(x)); j++ {
			dst[j] = Drop(x[j], words[j-i], threshold, scale)
		}
	}
}

// Drop is x·scale where the word is threshold or more, else 0.
func Drop(x float32, word, threshold uint32, scale float32) float32 {
	if word >= threshold {
		return x * scale
	}
	return 0
}
