package nn

import (
	"testing"

	"bellwether/internal/modeltest"
	"bellwether/tensor"
)

// random returns n values of N(0, 1) that follow from name.
func random(n int, seed uint64) []float32 {
	x := make([]float32, n)
	Normal(1)(x, tensor.Stream{Seed: seed})
	return x
}

// checkLayer holds a layer's gradients against finite differences of Σ y⊙weight.
func checkLayer(t *testing.T, params Params, l Layer, in, out int, offsets []int32) {
	t.Helper()
	rows := 7
	p := &Pass{Train: true, Random: tensor.Stream{Seed: 5, Step: 3}}
	x, weight := random(rows*in, 11), random(rows*out, 12)
	forward := func() []float32 {
		params.Pack()
		p.Begin(rows, offsets)
		return l.Forward(p, x)
	}
	forward()
	params.ZeroGrad()
	dx := append([]float32(nil), l.Backward(p, weight)...)
	gradients := []modeltest.Gradient{{Name: "input", Value: x, Grad: dx}}
	for _, q := range params {
		gradients = append(gradients, modeltest.Gradient{Name: q.Name, Value: q.Value, Grad: q.Grad})
	}
	modeltest.CheckGradients(t, 2e-2, func() float64 {
		var sum float64
		for i, v := range forward()[:rows*out] {
			sum += float64(v) * float64(weight[i])
		}
		return sum
	}, gradients...)
}

func TestLayerGradients(t *testing.T) {
	packed := []int32{0, 3, 4, 7}
	for name, make := range map[string]func(b *Builder) (Layer, int, int){
		"dense":     func(b *Builder) (Layer, int, int) { return b.Dense("d", 5, 3, tensor.Identity), 5, 3 },
		"gelu":      func(b *Builder) (Layer, int, int) { return b.Dense("d", 5, 3, tensor.ActGELU), 5, 3 },
		"silu":      func(b *Builder) (Layer, int, int) { return b.Dense("d", 5, 3, tensor.ActSiLU), 5, 3 },
		"sigmoid":   func(b *Builder) (Layer, int, int) { return b.Dense("d", 5, 3, tensor.ActSigmoid), 5, 3 },
		"tanh":      func(b *Builder) (Layer, int, int) { return b.Dense("d", 5, 3, tensor.ActTanh), 5, 3 },
		"layernorm": func(b *Builder) (Layer, int, int) { return b.LayerNorm("n", 6), 6, 6 },
		"rmsnorm":   func(b *Builder) (Layer, int, int) { return b.RMSNorm("n", 6), 6, 6 },
		"dropout":   func(b *Builder) (Layer, int, int) { return b.Dropout(.4), 6, 6 },
		"attention": func(b *Builder) (Layer, int, int) { return b.SelfAttention("a", 6, 2), 6, 6 },
		"swiglu":    func(b *Builder) (Layer, int, int) { return b.SwiGLU("s", 6, 9), 6, 6 },
		"block": func(b *Builder) (Layer, int, int) {
			return b.Block("b", BlockOptions{Width: 6, Heads: 2, Dropout: .2}), 6, 6
		},
		"ligr": func(b *Builder) (Layer, int, int) {
			return b.Block("b", BlockOptions{Width: 6, Heads: 1, Gated: true, Dropout: .2}), 6, 6
		},
		"modern": func(b *Builder) (Layer, int, int) {
			return b.Block("b", BlockOptions{Width: 6, Heads: 3, Gated: true, SwiGLU: true, RMSNorm: true}), 6, 6
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := NewBuilder(1)
			l, in, out := make(b)
			checkLayer(t, b.Params(), l, in, out, packed)
		})
	}
}

// ReLU's kink is no place for differences: its gradient is checked against its definition.
func TestReLUGradient(t *testing.T) {
	b := NewBuilder(1)
	d := b.Dense("d", 4, 3, tensor.ActReLU)
	p := &Pass{Train: true}
	p.Begin(2, nil)
	b.Params().Pack()
	y := d.Forward(p, random(8, 3))
	dy := []float32{1, 2, 3, 4, 5, 6}
	d.Backward(p, dy)
	var want [3]float32
	for i := range y {
		if y[i] > 0 {
			want[i%3] += dy[i]
		}
	}
	for j := range want {
		if d.Bias.Grad[j] != want[j] {
			t.Errorf("bias gradient %v, want %v", d.Bias.Grad, want)
		}
	}
}

func TestEmbeddingTouchesRows(t *testing.T) {
	b := NewBuilder(1)
	sparse, dense := b.Table("items", Normal(1), 10, 3), b.Param("types", Normal(1), 4, 3)
	e := &Embedding{Width: 3, Tables: []*Param{sparse, dense}}
	p := &Pass{Train: true}
	p.Begin(4, nil)
	ids := [][]int32{{7, 2, 7, -1}, {0, 1, 1, 3}}
	y := e.Forward(p, ids)
	for j := range 3 {
		if got, want := y[j], sparse.Row(7)[j]+dense.Row(0)[j]; got != want {
			t.Errorf("token 0: %g, want %g", got, want)
		}
		if got, want := y[9+j], dense.Row(3)[j]; got != want {
			t.Errorf("a token without an item: %g, want %g", got, want)
		}
	}
	dy := random(12, 4)
	e.Backward(p, dy)
	if got := sparse.Rows(); len(got) != 2 || got[0] != 7 || got[1] != 2 {
		t.Fatalf("touched rows %v, want 7 and 2", got)
	}
	if got, want := sparse.GradRow(7)[1], dy[1]+dy[7]; got != want {
		t.Errorf("gradient of row 7: %g, want %g", got, want)
	}
	if got, want := dense.GradRow(1)[0], dy[3]+dy[6]; got != want {
		t.Errorf("gradient of type 1: %g, want %g", got, want)
	}
	e.Backward(p, dy)
	if got, want := sparse.GradRow(2)[2], 2*dy[5]; got != want || len(sparse.Rows()) != 2 {
		t.Errorf("gradient of row 2 after two passes: %g, want %g; rows %v", got, want, sparse.Rows())
	}
	b.Params().ZeroGrad()
	if len(sparse.Rows()) != 0 || len(sparse.Grad) != 0 || sparse.GradRow(7)[1] != 0 {
		t.Error("ZeroGrad left something")
	}
}

// A pass that is not training changes nothing in the layers, so that people share them.
func TestEvaluationLeavesLayersAlone(t *testing.T) {
	b := NewBuilder(1)
	l := b.Block("b", BlockOptions{Width: 8, Heads: 2, Gated: true, Dropout: .5})
	b.Params().Pack()
	train, other := &Pass{Train: true, Random: tensor.Stream{Seed: 1}}, &Pass{}
	x := random(24, 1)
	train.Begin(3, []int32{0, 3})
	l.Forward(train, x)
	other.Begin(5, []int32{0, 5})
	l.Forward(other, random(40, 2))
	one := append([]float32(nil), l.Backward(train, x)...)
	train.Begin(3, []int32{0, 3})
	l.Forward(train, x)
	for i, v := range l.Backward(train, x)[:24] {
		if v != one[i] {
			t.Fatal("a pass beside the training pass changed its gradients")
		}
	}
}

func TestStepAllocatesNothing(t *testing.T) {
	b := NewBuilder(1)
	items := b.Param("items", Normal(.02), 50, 16)
	e := &Embedding{Width: 16, Tables: []*Param{items}}
	l := b.Block("b", BlockOptions{Width: 16, Heads: 2, Gated: true, Dropout: .2})
	params := b.Params()
	adam := NewAdam(params, Adam{})
	p := &Pass{Train: true}
	offsets, ids, targets := []int32{0, 3, 9}, [][]int32{{1, 2, 3, 4, 5, 6, 7, 8, 9}}, []int32{2, 3, 4, 5, 6, 7, 8, 9, 1}
	dh := make([]float32, 9*16)
	step := 0
	for name, loss := range map[string]NextItem{
		"full":    FullSoftmax{Items: 50},
		"sampled": &Sampled{Items: 50, Negatives: 8, Block: 4},
	} {
		n := testing.AllocsPerRun(5, func() {
			step++
			params.ZeroGrad()
			params.Pack()
			p.Begin(9, offsets)
			h := l.Forward(p, e.Forward(p, ids))
			loss.Loss(p, dh, h, items, targets, .1)
			e.Backward(p, l.Backward(p, dh))
			params.ClipGrad(params.GradNorm(), 1)
			adam.Step(step, 1e-3)
		})
		if n > 0 {
			t.Errorf("%s: a training step allocates %g times", name, n)
		}
	}
}
