package tensor

import (
	"bellwether/tensor/internal/kernel"
	"bellwether/tensor/internal/pool"
)

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
	k := kernel.Stream(s)
	if head := start % 4; head != 0 && len(dst) > 0 {
		words := k.Block(start / 4)
		n := copy(dst, words[head:])
		dst, start = dst[n:], start+uint64(n)
	}
	k.Bits(dst, start/4)
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
	d := dropouts.take()
	*d = dropout{dst: dst, x: x, start: start, threshold: dropoutThreshold(rate), scale: 1 / (1 - rate), stream: kernel.Stream(s)}
	d.run()
}

// dropout is one call: its parts begin where blocks of four words do, but for the first.
type dropout struct {
	dst, x    []float32
	start     uint64
	threshold uint32
	scale     float32
	stream    kernel.Stream
	parts     int
}

var dropouts free[dropout]

func (d *dropout) run() {
	if head := int(d.start % 4); head != 0 && len(d.x) > 0 {
		words := d.stream.Block(d.start / 4)
		n := min(4-head, len(d.x))
		for i := range n {
			d.dst[i] = kernel.Drop(d.x[i], words[head+i], d.threshold, d.scale)
		}
		d.dst, d.x, d.start = d.dst[n:], d.x[n:], d.start+uint64(n)
	}
	d.parts = rowParts(ceilDiv(len(d.x), dropoutUnit), dropoutUnit)
	pool.Run(d.parts, d)
	*d = dropout{}
	dropouts.put(d)
}

const dropoutUnit = 64 // values; a multiple of what the kernel takes at once

// Do works on one part of the values.
func (d *dropout) Do(part int) {
	from, to := share(len(d.x), dropoutUnit, part, d.parts)
	d.stream.Dropout(d.dst[from:to], d.x[from:to], (d.start+uint64(from))/4, d.threshold, d.scale)
}

// dropoutThreshold is the word below which an element is dropped.
func dropoutThreshold(rate float32) uint32 {
	if rate >= 1 {
		panic("tensor: Dropout: rate must be below 1")
	}
	return uint32(float64(rate) * (1 << 32))
}
