package store

import "sync"

const (
	recentBatches = 1024
	recentBytes   = 16 << 20
)

// recent keeps the last batches that the server told of, decoded once for all views.
type recent struct {
	mu      sync.Mutex
	batches []Batch // sequences without gaps
	sizes   []int   // bytes of each one's message
	bytes   int
}

// add appends b, of a message of size bytes. A gap forgets what was before it.
func (r *recent) add(b Batch, size int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n := len(r.batches); n > 0 {
		switch last := r.batches[n-1].Sequence; {
		case b.Sequence <= last:
			return // told twice
		case b.Sequence != last+1:
			r.batches, r.sizes, r.bytes = nil, nil, 0
		}
	}
	r.batches, r.sizes, r.bytes = append(r.batches, b), append(r.sizes, size), r.bytes+size
	for len(r.batches) > recentBatches || r.bytes > recentBytes && len(r.batches) > 1 {
		r.bytes -= r.sizes[0]
		r.batches[0] = Batch{}
		r.batches, r.sizes = r.batches[1:], r.sizes[1:]
	}
}

// get returns the batch with the sequence, if it is kept.
func (r *recent) get(sequence uint64) (Batch, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.batches) == 0 || sequence < r.batches[0].Sequence {
		return Batch{}, false
	}
	i := sequence - r.batches[0].Sequence
	if i >= uint64(len(r.batches)) {
		return Batch{}, false
	}
	return r.batches[i], true
}
