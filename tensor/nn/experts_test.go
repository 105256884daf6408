package nn

import (
	"math"
	"testing"

	"bellwether/internal/modeltest"
	"bellwether/tensor"
)

func experts(count, top int) (*Experts, Params) {
	b := NewBuilder(3)
	e := b.Experts("moe", BlockOptions{Width: 6, Hidden: 9, Experts: count, Top: top})
	return e, b.Params()
}

func TestExpertsGradients(t *testing.T) {
	for _, top := range []int{1, 2} {
		e, params := experts(4, top)
		e.Balance, e.RouterZ, e.Capacity = .3, .1, .8
		tensor.Scale(6, e.Gate.Value) // choices that small steps do not change
		p := &Pass{Train: true}
		x, weight := random(9*6, 8), random(9*6, 2) // tokens whose choices are clear
		loss := func() float64 {
			params.Pack()
			p.Begin(9, nil)
			var sum float64
			for i, v := range e.Forward(p, x)[:54] {
				sum += float64(v) * float64(weight[i])
			}
			return sum + e.Auxiliary()
		}
		loss()
		if _, dropped := e.Load(); dropped == 0 {
			t.Fatal("nothing is dropped: the test does not cover capacity")
		}
		params.ZeroGrad()
		dx := append([]float32(nil), e.Backward(p, weight)...)
		gradients := []modeltest.Gradient{{Name: "x", Value: x, Grad: dx}}
		for _, q := range params {
			gradients = append(gradients, modeltest.Gradient{Name: q.Name, Value: q.Value, Grad: q.Grad})
		}
		modeltest.CheckGradients(t, 3e-2, loss, gradients...)
	}
}

// A mixture of one is the dense layer.
func TestOneExpertIsTheDenseLayer(t *testing.T) {
	e, params := experts(1, 1)
	e.Balance, e.RouterZ = 0, 0
	params.Pack()
	p := &Pass{Train: true}
	p.Begin(9, nil)
	x := random(54, 1)
	y, alone := e.Forward(p, x), e.Layers[0].Forward(p, x)
	for i := range y {
		if math.Abs(float64(y[i]-alone[i])) > 1e-5 {
			t.Fatalf("output %d is %g, the dense layer's %g", i, y[i], alone[i])
		}
	}
}

// While scoring nothing is dropped: a token's answer is its own.
func TestScoringHasNoCapacity(t *testing.T) {
	e, params := experts(4, 2)
	params.Pack()
	p, x := &Pass{}, random(9*6, 1)
	p.Begin(9, nil)
	together := append([]float32(nil), e.Forward(p, x)...)
	for t0 := range 9 {
		p.Begin(1, nil)
		for i, v := range e.Forward(p, x[6*t0:6*t0+6]) {
			if math.Abs(float64(v-together[6*t0+i])) > 1e-5 {
				t.Fatalf("token %d answers %g alone, %g among others", t0, v, together[6*t0+i])
			}
		}
	}
}

// The balance loss evens out a gate that begins by sending everything to one expert.
func TestBalanceLossSpreadsTokens(t *testing.T) {
	e, params := experts(4, 1)
	copy(e.Gate.Value, []float32{2, 2, 2, 2, 2, 2})
	p := &Pass{Train: true}
	x := random(200*6, 4)
	for i := range x {
		x[i] = float32(math.Abs(float64(x[i])))
	}
	step := func() (least float64) {
		params.ZeroGrad()
		params.Pack()
		p.Begin(200, nil)
		dy := p.Buffer(len(e.Forward(p, x)))
		clear(dy)
		e.Backward(p, dy)
		least, _ = e.Load()
		return least
	}
	if before := step(); before > .1 {
		t.Fatalf("the gate is balanced from the start: %g", before)
	}
	adam := NewAdam(params, Adam{})
	var after float64
	for i := range 300 {
		adam.Step(i+1, .02)
		after = step()
	}
	if after < .3 {
		t.Errorf("the least used expert gets %g of its share after training on balance alone", after)
	}
}

func TestExpertsInABlockAllocateNothing(t *testing.T) {
	b := NewBuilder(1)
	l := b.Block("b", BlockOptions{Width: 16, Heads: 2, Gated: true, Experts: 4, Top: 2})
	p := &Pass{Train: true, Random: tensor.Stream{Seed: 1}}
	x, offsets := random(9*16, 1), []int32{0, 3, 9}
	b.Params().Pack()
	if n := testing.AllocsPerRun(5, func() {
		p.Begin(9, offsets)
		l.Backward(p, l.Forward(p, x))
	}); n > 0 {
		t.Errorf("a step allocates %g times", n)
	}
}
