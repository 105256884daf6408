package tensor

import "sync"

// free keeps values with their buffers for reuse, so that a kernel allocates
// only the first time. It holds as many as were ever in use at once.
type free[T any] struct {
	mu    sync.Mutex
	items []*T // guarded by mu
}

func (f *free[T]) take() *T {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.items) == 0 {
		return new(T)
	}
	last := f.items[len(f.items)-1]
	f.items = f.items[:len(f.items)-1]
	return last
}

func (f *free[T]) put(x *T) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.items = append(f.items, x)
}

// grow returns a slice of n values in the memory of x if that is enough; what they are is not said.
func grow[T any](x []T, n int) []T {
	if cap(x) < n {
		return make([]T, n)
	}
	return x[:n]
}
