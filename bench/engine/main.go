// Engine times the kernels of package tensor at the shapes of
// ../shared/peers/engine_torch.py and prints one JSON document: for each the
// median and the least time of the repetitions, in milliseconds. On a machine
// that others use, -cpu counts the processor time of one thread instead.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"bellwether/tensor"
)

// timing is what is printed of one kernel.
type timing struct {
	Name       string  `json:"name"`
	Median     float64 `json:"median_ms"`
	Least      float64 `json:"least_ms"`
	GFLOPS     float64 `json:"gflops"`      // at the median
	LeastGF    float64 `json:"gflops_best"` // at the least
	operations float64
}

// kernel is something to time: run does operations floating-point operations.
type kernel struct {
	name       string
	operations float64
	run        func()
}

func main() {
	only := flag.String("only", "", "kernels whose name contains this")
	times := flag.Int("n", 25, "repetitions of each kernel")
	processor := flag.Bool("cpu", false, "processor time of one thread, not time on the wall")
	flag.Parse()
	now := wall
	if *processor {
		runtime.GOMAXPROCS(1)
		runtime.LockOSThread()
		now = threadTime
	}
	var out []timing
	for _, k := range kernels() {
		if strings.Contains(k.name, *only) {
			out = append(out, measure(k, *times, now))
		}
	}
	text := json.NewEncoder(os.Stdout)
	text.SetIndent("", " ")
	if err := text.Encode(out); err != nil {
		log.Fatal(err)
	}
}

// wall is the time on the wall, from some start.
func wall() time.Duration { return time.Since(started) }

var started = time.Now()

func measure(k kernel, times int, now func() time.Duration) timing {
	for range 3 {
		k.run()
	}
	ms := make([]float64, times)
	for i := range ms {
		start := now()
		k.run()
		ms[i] = (now() - start).Seconds() * 1e3
	}
	slices.Sort(ms)
	t := timing{Name: k.name, Median: ms[times/2], Least: ms[0]}
	t.GFLOPS, t.LeastGF = k.operations/t.Median/1e6, k.operations/t.Least/1e6
	return t
}

func kernels() []kernel {
	out := []kernel{peak()}
	for _, s := range [][3]int{{6400, 64, 64}, {25600, 64, 64}, {6400, 256, 64}, {128, 3416, 64}, {6400, 3416, 64}, {512, 512, 512}, {1024, 1024, 1024}, {32, 128, 32}, {64, 64, 25600}, {256, 64, 1152}} {
		out = append(out, products(s[0], s[1], s[2])...)
	}
	out = append(out, entropy(1152, 12101, 64), entropy(6400, 3416, 64))
	for _, length := range []int{9, 50, 200} {
		out = append(out, attention(128, length)...)
	}
	return append(out, rows()...)
}

// peak is a product that stays in the first-level cache of one core.
func peak() kernel {
	const m, n, k, times = 12, 32, 128, 100
	a, c, b := random(m*k), make([]float32, m*n), tensor.Pack(nil, random(k*n), k, n)
	return kernel{"peak of one core", 2 * m * n * k * times, func() {
		for range times {
			tensor.MatMulPacked(c, a, b, m, tensor.Tail{})
		}
	}}
}

func products(m, n, k int) []kernel {
	a, b, c := random(m*k), random(k*n), make([]float32, m*n)
	p := tensor.Pack(nil, b, k, n)
	shape, operations := fmt.Sprintf("%dx%dx%d", m, n, k), 2*float64(m)*float64(n)*float64(k)
	return []kernel{
		{"MatMul/" + shape, operations, func() { tensor.MatMul(c, a, b, m, n, k, tensor.Tail{}) }},
		{"MatMulTB/" + shape, operations, func() { tensor.MatMulTB(c, a, b, m, n, k, tensor.Tail{}) }},
		{"MatMulTA/" + shape, operations, func() { tensor.MatMulTA(c, a, b, m, n, k, tensor.Tail{}) }},
		{"MatMulPacked/" + shape, operations, func() { tensor.MatMulPacked(c, a, p, m, tensor.Tail{}) }},
	}
}

func entropy(t, n, d int) kernel {
	h, e, targets, dh, de := random(t*d), random(n*d), make([]int32, t), make([]float32, t*d), make([]float32, n*d)
	return kernel{fmt.Sprintf("SoftmaxCrossEntropy/%dx%dx%d", t, n, d), 6 * float64(t) * float64(n) * float64(d), func() {
		tensor.SoftmaxCrossEntropy(h, e, targets, t, n, d, dh, de, 1)
	}}
}

// attention is one head of 64 over sequences of one length; half of the scores are in the past.
func attention(sequences, length int) []kernel {
	a, offsets := tensor.Attention{Heads: 1, HeadDim: 64}, make([]int32, sequences+1)
	for i := range offsets {
		offsets[i] = int32(i * length)
	}
	n := sequences * length * 64
	q, k, v, dout, out, lse := random(n), random(n), random(n), random(n), make([]float32, n), make([]float32, n)
	dq, dk, dv := make([]float32, n), make([]float32, n), make([]float32, n)
	shape, products := fmt.Sprintf("%dx%d", sequences, length), float64(n)*float64(length+1)
	return []kernel{
		{"Attention/" + shape, 2 * products, func() { a.Forward(out, lse, q, k, v, offsets) }},
		{"AttentionBackward/" + shape, 5 * products, func() { a.Backward(dq, dk, dv, dout, out, lse, q, k, v, offsets) }},
	}
}

// rows are kernels on 6,400 rows of 64 values, and on 8,192 rows of a table of a million.
func rows() []kernel {
	const n, width, table, count = 6400, 64, 1_000_000, 8192
	x, y, gain, bias, mean, rstd := random(n*width), make([]float32, n*width), random(width), random(width), make([]float32, n), make([]float32, n)
	dgain, dbias := make([]float32, width), make([]float32, width)
	value, means, square, grad, ids := random(table*width), random(table*width), make([]float32, table), random(count*width), make([]int32, count)
	for i, id := range rand.New(rand.NewPCG(1, 2)).Perm(table)[:count] {
		ids[i] = int32(id)
	}
	step, out := tensor.AdamStep{Beta1: .9, Beta2: .999, Epsilon: 1e-8, Decay: 1, Rate: 1e-3, Root: 1}, make([]int32, 100)
	return []kernel{
		{"LayerNorm/6400x64", 8 * n * width, func() { tensor.LayerNorm(y, x, gain, bias, mean, rstd, n, width, 1e-5) }},
		{"LayerNormBackward/6400x64", 14 * n * width, func() { tensor.LayerNormBackward(y, dgain, dbias, x, x, gain, mean, rstd, n, width) }},
		{"Softmax/6400x64", 4 * n * width, func() { tensor.Softmax(y, x, n, width) }},
		{"GELU/6400x64", n * width, func() { tensor.GELU(y, x) }},
		{"Dropout/6400x64", n * width, func() { tensor.Dropout(y, x, .2, tensor.Stream{}, 0) }},
		{"AdamRowWise/8192of1000000x64", 9 * count * width, func() { step.MoveRowWise(value, grad, means, square, ids, width) }},
		{"GatherRows/8192of1000000x64", count * width, func() { tensor.GatherRows(grad, value, ids, width) }},
		{"TopK/100of1000000", table, func() { tensor.TopK(value[:table], 100, out) }},
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
