package nn

import (
	"encoding/json"
	"maps"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"bellwether/tensor"
)

// The files in testdata were computed with PyTorch in float64 by bench/peers/fixtures.py.

func fixtures[T any](t *testing.T, name string) []T {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	var out []T
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// near fails where got differs from want by more than 1e-5, relative to want where that is above 1.
func near(t *testing.T, what string, got, want []float32) {
	t.Helper()
	if len(got) < len(want) {
		t.Fatalf("%s: %d values, want %d", what, len(got), len(want))
	}
	for i, w := range want {
		if d := math.Abs(float64(got[i] - w)); !(d <= 1e-5*max(1, math.Abs(float64(w)))) {
			t.Errorf("%s[%d] is %g, PyTorch says %g", what, i, got[i], w)
			return
		}
	}
}

func TestLayersEqualPyTorch(t *testing.T) {
	activations := map[string]tensor.Activation{
		"identity": tensor.Identity, "relu": tensor.ActReLU, "gelu": tensor.ActGELU,
		"sigmoid": tensor.ActSigmoid, "tanh": tensor.ActTanh, "silu": tensor.ActSiLU,
	}
	layer := func(b *Builder, name string) Layer {
		switch name {
		case "layer norm":
			return b.LayerNorm("l", 6)
		case "rms norm":
			return b.RMSNorm("l", 6)
		case "attention":
			return b.SelfAttention("l", 6, 2)
		case "experts top 1":
			return b.Experts("l", BlockOptions{Width: 6, Hidden: 8, Experts: 3})
		case "experts top 2":
			return b.Experts("l", BlockOptions{Width: 6, Hidden: 8, Experts: 4, Top: 2})
		case "swiglu":
			return b.SwiGLU("l", 6, 9)
		case "block":
			return b.Block("l", BlockOptions{Width: 6, Heads: 2})
		case "ligr block":
			return b.Block("l", BlockOptions{Width: 6, Heads: 1, Gated: true})
		case "ligr swiglu rms block":
			return b.Block("l", BlockOptions{Width: 6, Heads: 3, Gated: true, SwiGLU: true, RMSNorm: true})
		}
		f, ok := activations[strings.TrimPrefix(name, "dense ")]
		if !ok {
			t.Fatalf("no layer is called %q", name)
		}
		return b.Dense("l", 5, 3, f)
	}
	for _, c := range fixtures[struct {
		Name                  string
		Offsets               []int32
		Parameters, Gradients map[string][]float32
		X, Y, Dy, Dx          []float32
	}](t, "layers.json") {
		t.Run(c.Name, func(t *testing.T) {
			b := NewBuilder(0)
			l := layer(b, c.Name)
			if names := len(b.Params()); names != len(c.Parameters) {
				t.Fatalf("%d parameters, PyTorch has %v", names, slices.Sorted(maps.Keys(c.Parameters)))
			}
			for _, p := range b.Params() {
				copy(p.Value, c.Parameters[p.Name])
			}
			b.Params().Pack()
			p := &Pass{Train: true}
			p.Begin(7, c.Offsets)
			near(t, "y", l.Forward(p, c.X), c.Y)
			near(t, "dx", l.Backward(p, c.Dy), c.Dx)
			for _, q := range b.Params() {
				near(t, "gradient of "+q.Name, q.Grad, c.Gradients[q.Name])
			}
		})
	}
}

func TestLossesEqualPyTorch(t *testing.T) {
	for _, c := range fixtures[struct {
		Name               string
		X, Target, Dx      []float32 // of losses of rows
		H, Items           []float32 // of the others: [6, 4], [11, 4]
		Targets, Negatives []int32
		Cumulative         []float64
		Loss               float32
		Dh, Ditems         []float32
	}](t, "losses.json") {
		t.Run(c.Name, func(t *testing.T) {
			if c.X != nil {
				dx := make([]float32, len(c.X))
				near(t, "loss", []float32{float32(rowLoss(c.Name, dx, c.X, c.Target, c.Targets))}, []float32{c.Loss})
				near(t, "dx", dx, c.Dx)
				return
			}
			b := NewBuilder(0)
			items := b.Param("items", Constant(0), 11, 4)
			copy(items.Value, c.Items)
			p := &Pass{Train: true}
			p.Begin(6, nil)
			dh := make([]float32, 24)
			const scale = 1. / 5 // one of the six tokens has no target
			sampled := Sampled{Items: 11, Negatives: len(c.Negatives), Calibration: .75}
			var got float64
			switch c.Name {
			case "full softmax":
				got = FullSoftmax{Items: 11}.Loss(p, dh, c.H, items, c.Targets, scale)
			case "sampled softmax logq":
				sampled.Cumulative = c.Cumulative
				fallthrough
			case "sampled softmax":
				got = sampled.shared(p, dh, c.H, items, c.Targets, c.Negatives, scale)
			case "sampled bce":
				sampled.Objective = SampledBCE
				got = sampled.shared(p, dh, c.H, items, c.Targets, c.Negatives, scale)
			case "gbce":
				sampled.Objective = GBCE
				got = sampled.shared(p, dh, c.H, items, c.Targets, c.Negatives, scale)
			default:
				t.Fatal("no such loss")
			}
			near(t, "loss", []float32{float32(got)}, []float32{c.Loss})
			near(t, "dh", dh, c.Dh)
			near(t, "gradient of the items", items.Grad, c.Ditems)
		})
	}
}

// rowLoss is a mean loss that needs no table.
func rowLoss(name string, dx, x, target []float32, waits []int32) float64 {
	switch name {
	case "bce":
		return BinaryCrossEntropy(dx, x, target, 1/float32(len(x)))
	default:
		return Hazard(dx, x, waits, 4, 1./5)
	}
}

func TestOptimizersEqualPyTorch(t *testing.T) {
	makers := map[string]func(Params) Optimizer{
		"adagrad":          func(ps Params) Optimizer { return NewAdaGrad(ps, AdaGrad{}) },
		"adam":             func(ps Params) Optimizer { return NewAdam(ps, Adam{}) },
		"adamw":            func(ps Params) Optimizer { return NewAdam(ps, Adam{WeightDecay: .01}) },
		"adafactor":        func(ps Params) Optimizer { return NewAdafactor(ps, Adafactor{WeightDecay: .01}) },
		"row-wise adagrad": func(ps Params) Optimizer { return NewAdaGrad(ps, AdaGrad{RowWise: true}) },
		"row-wise adam":    func(ps Params) Optimizer { return NewAdam(ps, Adam{RowWise: true}) },
	}
	for _, c := range fixtures[struct {
		Name             string
		Sparse           bool
		Start            []float32
		Gradients, After [][]float32
		Rows             [][]int32
	}](t, "optimizers.json") {
		b := NewBuilder(0)
		p := (*Param)(nil)
		if c.Sparse {
			p = b.Table("x", Constant(0), 6, 3)
		} else {
			p = b.Param("x", Constant(0), 6, 3)
		}
		copy(p.Value, c.Start)
		o := makers[c.Name](b.Params())
		for i, g := range c.Gradients {
			b.Params().ZeroGrad()
			if !c.Sparse {
				copy(p.Grad, g)
			}
			for _, r := range c.Rows[i] {
				copy(p.GradRow(r), g[3*r:3*r+3])
			}
			o.Step(i+1, .1)
			near(t, c.Name, p.Value, c.After[i])
		}
	}
}
