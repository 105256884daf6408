package tensor

import "bellwether/tensor/internal/reference"

// Stream is a source of random bits without state: the bits at an index follow
// from the seed, the step, the layer and that index alone (Philox4x32-10,
// Salmon et al. 2011), so that a backward pass finds the mask of its forward
// pass again, and threads and resumed runs agree.
type Stream struct {
	Seed  uint64
	Step  uint32 // of training
	Layer uint32 // or any other number that keeps two uses apart
}

// Bits fills dst with the random words at indices start, start+1, ….
func (s Stream) Bits(dst []uint32, start uint64) {
	var block [4]uint32
	for i := range dst {
		at := start + uint64(i)
		if i == 0 || at%4 == 0 {
			block = s.block(at / 4)
		}
		dst[i] = block[at%4]
	}
}

func (s Stream) block(number uint64) [4]uint32 {
	return reference.Philox(
		[4]uint32{uint32(number), uint32(number >> 32), s.Step, s.Layer},
		[2]uint32{uint32(s.Seed), uint32(s.Seed >> 32)})
}

// Dropout sets dst[i] = x[i]/(1−rate) or, with probability rate, 0. start is the
// index in the stream of x[0]: a matrix worked on in parts passes the part's
// place. The backward pass is Dropout of the gradient with the same stream,
// rate and start.
func Dropout(dst, x []float32, rate float32, s Stream, start uint64) {
	need("Dropout", "dst", dst, len(x))
	if rate <= 0 {
		copy(dst, x)
		return
	}
	threshold, scale := dropoutThreshold(rate), 1/(1-rate)
	var bits [64]uint32
	for len(x) > 0 {
		n := min(len(x), len(bits))
		s.Bits(bits[:n], start)
		for i, v := range x[:n] {
			if bits[i] >= threshold {
				dst[i] = v * scale
			} else {
				dst[i] = 0
			}
		}
		dst, x, start = dst[n:], x[n:], start+uint64(n)
	}
}

// dropoutThreshold is the word below which an element is dropped.
func dropoutThreshold(rate float32) uint32 {
	if rate >= 1 {
		panic("tensor: Dropout: rate must be below 1")
	}
	return uint32(float64(rate) * (1 << 32))
}
