// Package tensor is the numeric engine: kernels on []float32, row-major, with
// shapes given in their comments. Layers, losses and optimisers are in
// tensor/nn; the plain form of every kernel is in tensor/internal/reference.
//
// The destination comes first, as in copy. A slice may be longer than its shape
// needs; a shorter one, or a negative dimension, is a programming error and
// panics with the name of the argument. Element-wise kernels work in place
// (dst may be x); matrix products, normalisations and attention do not unless
// their comment says so.
//
// The same arguments give the same bits on the same machine with the same
// GOMAXPROCS: sums have a fixed order, whichever goroutine computes them.
package tensor
