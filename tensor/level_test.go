package tensor

import (
	"math"
	"testing"

	"bellwether/tensor/internal/cpu"
)

// TestLevelsAgree compares each level with the portable one: what a network
// would compute of the same weights on another machine.
func TestLevelsAgree(t *testing.T) {
	best := cpu.Use
	defer func() { cpu.Use = best }()
	cpu.Use = cpu.Portable
	want := oneOfEach()
	for _, l := range cpu.Levels()[1:] {
		cpu.Use = l
		for name, got := range oneOfEach() {
			var off, size float64
			for i, w := range want[name] {
				d := float64(got[i]) - float64(w)
				off, size = off+d*d, size+float64(w)*float64(w)
			}
			if !(math.Sqrt(off) <= 2e-5*math.Sqrt(size)) {
				t.Errorf("%v: %s is %.2g away from the portable kernel's, relative to its size", l, name, math.Sqrt(off/size))
			}
		}
	}
}

// oneOfEach returns a result of each kernel with sums.
func oneOfEach() map[string][]float32 {
	const rows, n, d = 130, 300, 48
	x, e, dy := random(rows*d, 1), random(n*d, 2), random(rows*d, 3)
	out := map[string][]float32{}
	result := func(name string, size int) []float32 {
		out[name] = make([]float32, size)
		return out[name]
	}
	MatMulTB(result("MatMulTB", rows*n), x, e, rows, n, d, Tail{Activation: ActGELU})
	MatMulTA(result("MatMulTA", d*d), x, dy, d, d, rows, Tail{})
	MatMul(result("MatMul", d*n), random(d*700, 4), random(700*n, 5), d, n, 700, Tail{})
	loss := SoftmaxCrossEntropy(x, e, make([]int32, rows), rows, n, d, result("dh", rows*d), result("de", n*d), 1)
	result("loss", 1)[0] = float32(loss)
	a, offsets := Attention{Heads: 3, HeadDim: 16}, offsetsOf(0, 70, 9, 51)
	o, lse := result("attention", rows*d), result("lse", rows*3)
	a.Forward(o, lse, x, dy, x, offsets)
	a.Backward(result("dq", rows*d), result("dk", rows*d), result("dv", rows*d), dy, o, lse, x, dy, x, offsets)
	gain, bias, mean, rstd := random(d, 6), random(d, 7), make([]float32, rows), make([]float32, rows)
	LayerNorm(result("norm", rows*d), x, gain, bias, mean, rstd, rows, d, 1e-5)
	LayerNormBackward(result("dx", rows*d), result("dgain", d), result("dbias", d), dy, x, gain, mean, rstd, rows, d)
	Softmax(result("softmax", rows*d), x, rows, d)
	return out
}
