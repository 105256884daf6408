package engine

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"time"

	"bellwether/tensor"
)

// kernel is a case of some floating-point operations, whose operands are made when it is opened.
func kernel(name string, operations float64, open func() func()) Case {
	return Case{Name: name, Operations: operations, Open: func(context.Context) (Run, error) { return repeat(open()), nil }}
}

// Products are the shapes of DESIGN §8, [m, n, k].
var Products = [][3]int{{6400, 64, 64}, {25600, 64, 64}, {6400, 256, 64}, {128, 3416, 64}, {6400, 3416, 64}, {512, 512, 512}, {1024, 1024, 1024}}

// kernels are the kernels of package tensor.
func kernels() []Case {
	var out []Case
	for _, s := range append(Products[:len(Products):len(Products)], [3]int{32, 128, 32}, [3]int{64, 64, 25600}, [3]int{256, 64, 1152}) {
		out = append(out, products(s[0], s[1], s[2])...)
	}
	out = append(out, entropy(1152, 12101, 64), entropy(6400, 3416, 64))
	for _, length := range []int{9, 50, 200} {
		out = append(out, attention(128, length)...)
	}
	return append(append(append(out, maps()...), norms()...), rows()...)
}

// peakRate is what the processors reach together in a product that stays in
// their first-level caches, in GFLOP/s.
func peakRate() float64 {
	const m, n, k, times = 12, 32, 128, 100
	a, c, b := random(m*k), make([]float32, m*n), tensor.Pack(nil, random(k*n), k, n)
	took, _ := repeat(func() {
		for range times {
			tensor.MatMulPacked(c, a, b, m, tensor.Tail{})
		}
	}).Sample(51)
	return 2 * m * n * k * times / milliseconds(median(took)) / 1e6 * float64(runtime.GOMAXPROCS(0))
}

func products(m, n, k int) []Case {
	one := func(name string, run func(c, a, b []float32)) Case {
		return kernel(fmt.Sprintf("%s/%dx%dx%d", name, m, n, k), 2*float64(m)*float64(n)*float64(k), func() func() {
			a, b, c := random(m*k), random(k*n), make([]float32, m*n)
			return func() { run(c, a, b) }
		})
	}
	var packed *tensor.Packed
	return []Case{
		one("MatMul", func(c, a, b []float32) { tensor.MatMul(c, a, b, m, n, k, tensor.Tail{}) }),
		one("MatMulTB", func(c, a, b []float32) { tensor.MatMulTB(c, a, b, m, n, k, tensor.Tail{}) }),
		one("MatMulTA", func(c, a, b []float32) { tensor.MatMulTA(c, a, b, m, n, k, tensor.Tail{}) }),
		one("MatMulPacked", func(c, a, b []float32) {
			if packed == nil {
				packed = tensor.Pack(nil, b, k, n)
			}
			tensor.MatMulPacked(c, a, packed, m, tensor.Tail{})
		}),
	}
}

func entropy(t, n, d int) Case {
	return kernel(fmt.Sprintf("SoftmaxCrossEntropy/%dx%dx%d", t, n, d), 6*float64(t)*float64(n)*float64(d), func() func() {
		h, e, targets, dh, de := random(t*d), random(n*d), make([]int32, t), make([]float32, t*d), make([]float32, n*d)
		return func() { tensor.SoftmaxCrossEntropy(h, e, targets, t, n, d, dh, de, 1) }
	})
}

// attention is one head of 64 over sequences of one length; half of the scores are in the past.
func attention(sequences, length int) []Case {
	a, n := tensor.Attention{Heads: 1, HeadDim: 64}, sequences*length*64
	offsets := make([]int32, sequences+1)
	for i := range offsets {
		offsets[i] = int32(i * length)
	}
	shape, operations := fmt.Sprintf("%dx%d", sequences, length), float64(n)*float64(length+1)
	return []Case{
		kernel("Attention/"+shape, 2*operations, func() func() {
			q, out, lse := random(n), make([]float32, n), make([]float32, n)
			return func() { a.Forward(out, lse, q, q, q, offsets) }
		}),
		kernel("AttentionBackward/"+shape, 5*operations, func() func() {
			q, out, lse := random(n), make([]float32, n), make([]float32, n)
			dq, dk, dv := make([]float32, n), make([]float32, n), make([]float32, n)
			a.Forward(out, lse, q, q, q, offsets)
			return func() { a.Backward(dq, dk, dv, q, out, lse, q, q, q, offsets) }
		}),
	}
}

// The rows of the element-wise kernels.
const height, width = 6400, 64

// maps are element-wise; an operation is a value.
func maps() []Case {
	var out []Case
	for _, f := range []struct {
		name string
		run  func(dst, x []float32)
	}{
		{"Exp", tensor.Exp},
		{"Log", tensor.Log},
		{"Tanh", tensor.Tanh},
		{"Sigmoid", tensor.Sigmoid},
		{"ReLU", tensor.ReLU},
		{"GELU", tensor.GELU},
		{"SiLU", tensor.SiLU},
		{"GELUBackward", func(dst, x []float32) { tensor.GELUBackward(dst, x, x) }},
		{"Softmax", func(dst, x []float32) { tensor.Softmax(dst, x, height, width) }},
		{"Dropout", func(dst, x []float32) { tensor.Dropout(dst, x, .2, tensor.Stream{}, 0) }},
		{"Add", func(dst, x []float32) { tensor.Add(dst, x, x) }},
		{"Mul", func(dst, x []float32) { tensor.Mul(dst, x, x) }},
		{"Adam", func(dst, x []float32) { adamStep.Move(dst, x, dst, dst) }},
	} {
		out = append(out, kernel(fmt.Sprintf("%s/%dx%d", f.name, height, width), height*width, func() func() {
			dst, x := make([]float32, height*width), random(height*width)
			return func() { f.run(dst, x) }
		}))
	}
	return out
}

var adamStep = tensor.AdamStep{Beta1: .9, Beta2: .999, Epsilon: 1e-8, Decay: 1, Rate: 1e-3, Root: 1}

func norms() []Case {
	one := func(name string, perValue float64, run func(y, x, gain, mean, rstd []float32)) Case {
		return kernel(fmt.Sprintf("%s/%dx%d", name, height, width), perValue*height*width, func() func() {
			y, x, gain, mean, rstd := make([]float32, height*width), random(height*width), random(width), random(height), random(height)
			return func() { run(y, x, gain, mean, rstd) }
		})
	}
	gradient := make([]float32, width)
	return []Case{
		one("LayerNorm", 8, func(y, x, gain, mean, rstd []float32) {
			tensor.LayerNorm(y, x, gain, gain, mean, rstd, height, width, 1e-5)
		}),
		one("LayerNormBackward", 14, func(y, x, gain, mean, rstd []float32) {
			tensor.LayerNormBackward(y, gradient, gradient, x, x, gain, mean, rstd, height, width)
		}),
		one("RMSNorm", 4, func(y, x, gain, _, rstd []float32) { tensor.RMSNorm(y, x, gain, rstd, height, width, 1e-5) }),
		one("RMSNormBackward", 9, func(y, x, gain, _, rstd []float32) {
			tensor.RMSNormBackward(y, gradient, x, x, gain, rstd, height, width)
		}),
	}
}

// rows are kernels on 8,192 rows of a table of a million, and others of a long vector.
func rows() []Case {
	const table, count = 1_000_000, 8192
	out, small, dots := make([]int32, 100), make([]int8, 1<<16), make([]float32, 1<<16)
	ids := func() []int32 {
		ids := make([]int32, count)
		for i, id := range rand.New(rand.NewPCG(1, 2)).Perm(table)[:count] {
			ids[i] = int32(id)
		}
		return ids
	}
	return []Case{
		kernel(fmt.Sprintf("AdamRowWise/%dof%dx%d", count, table, width), 9*count*width, func() func() {
			value, means, square, grad, ids := make([]float32, table*width), make([]float32, table*width), make([]float32, table), random(count*width), ids()
			return func() { adamStep.MoveRowWise(value, grad, means, square, ids, width) }
		}),
		kernel(fmt.Sprintf("GatherRows/%dof%dx%d", count, table, width), count*width, func() func() {
			value, rows, ids := make([]float32, table*width), make([]float32, count*width), ids()
			return func() { tensor.GatherRows(rows, value, ids, width) }
		}),
		kernel(fmt.Sprintf("TopK/100of%d", table), table, func() func() {
			scores := random(table)
			return func() { tensor.TopK(scores, 100, out) }
		}),
		kernel("Dot/65536", 2<<16, func() func() { return func() { tensor.Dot(dots, dots) } }),
		kernel("DotInt8/65536", 2<<16, func() func() { return func() { tensor.DotInt8(small, small) } }),
	}
}

func random(n int) []float32 {
	rng := rand.New(rand.NewPCG(1, 2))
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(rng.NormFloat64())
	}
	return x
}

// repeat is a Run that calls a function.
type repeat func()

// Sample implements Run.
func (f repeat) Sample(n int) ([]time.Duration, error) {
	times := make([]time.Duration, n)
	for i := range times {
		start := clock()
		f()
		times[i] = clock() - start
	}
	return times, nil
}

// Close implements Run.
func (f repeat) Close() {}
