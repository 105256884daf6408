package nn

import (
	"math"
	"testing"

	"bellwether/internal/modeltest"
	"bellwether/tensor"
)

func TestScalarLossGradients(t *testing.T) {
	x, target := random(12, 1), random(12, 2)
	for i := range target {
		target[i] = sigmoid(target[i])
	}
	for name, loss := range map[string]func(dx, x, target []float32, scale float32) float64{
		"bce": BinaryCrossEntropy,
	} {
		dx := make([]float32, len(x))
		loss(dx, x, target, .5)
		modeltest.CheckGradients(t, 1e-2, func() float64 { return loss(nil, x, target, .5) },
			modeltest.Gradient{Name: name, Value: x, Grad: dx})
	}
}

func TestCrossEntropyGradient(t *testing.T) {
	x, dx := random(12, 1), make([]float32, 12)
	targets := []int32{2, -1, 0, 1}
	loss := func() float64 { return CrossEntropy(make([]float32, 12), x, targets, 3, .5) }
	CrossEntropy(dx, x, targets, 3, .5)
	modeltest.CheckGradients(t, 1e-2, loss, modeltest.Gradient{Name: "x", Value: x, Grad: dx})
	if got, want := loss(), fullOf(x, targets); math.Abs(got-want) > 1e-5 {
		t.Errorf("loss %g, of the tiled kernel %g", got, want)
	}
}

// fullOf is the full softmax of logits x, [4, 3], as a product with the unit matrix.
func fullOf(x []float32, targets []int32) float64 {
	p := &Pass{}
	p.Begin(4, nil)
	unit := &Param{Shape: []int{3, 3}, Value: []float32{1, 0, 0, 0, 1, 0, 0, 0, 1}, Grad: make([]float32, 9)}
	return FullSoftmax{Items: 3}.Loss(p, make([]float32, 12), x, unit, targets, .5)
}

func TestBinaryCrossEntropyOfLargeLogits(t *testing.T) {
	dx := make([]float32, 2)
	got := BinaryCrossEntropy(dx, []float32{200, -200}, []float32{0, 1}, 1)
	if got != 400 || dx[0] != 1 || dx[1] != -1 {
		t.Errorf("loss %g, gradient %v", got, dx)
	}
}

func TestNextItemGradients(t *testing.T) {
	cumulative := make([]float64, 20)
	for j := range cumulative {
		cumulative[j] = float64((j + 1) * (j + 2))
	}
	for name, loss := range map[string]NextItem{
		"full":            FullSoftmax{Items: 20},
		"sampled softmax": &Sampled{Items: 20, Negatives: 6, Block: 4},
		"popular":         &Sampled{Items: 20, Negatives: 6, Block: 4, Cumulative: cumulative},
		"bce":             &Sampled{Objective: SampledBCE, Items: 20, Negatives: 3, Block: 4},
		"gbce":            &Sampled{Objective: GBCE, Items: 20, Negatives: 5, Calibration: .75},
		"own bce":         &Sampled{Objective: SampledBCE, Items: 20, Negatives: 1},
		"own popular":     &Sampled{Items: 20, Negatives: 1, Cumulative: cumulative},
	} {
		t.Run(name, func(t *testing.T) {
			b := NewBuilder(2)
			items := b.Param("items", Normal(1), 21, 4)
			p := &Pass{Train: true, Random: tensor.Stream{Seed: 9, Step: 1}}
			h, dh := random(7*4, 3), make([]float32, 7*4)
			targets := []int32{0, 5, -1, 19, 5, 8, 3}
			run := func() float64 {
				p.Begin(7, nil)
				return loss.Loss(p, dh, h, items, targets, .3)
			}
			run()
			ownDh, grad := append([]float32(nil), dh...), append([]float32(nil), items.Grad...)
			modeltest.CheckGradients(t, 2e-2, run,
				modeltest.Gradient{Name: "h", Value: h, Grad: ownDh},
				modeltest.Gradient{Name: "items", Value: items.Value, Grad: grad})
		})
	}
}

// One negative a token is the loss of blocks of one token.
func TestOwnNegativesAreBlocksOfOneToken(t *testing.T) {
	const tokens, width = 1200, 8
	b := NewBuilder(2)
	items := b.Table("items", Normal(1), 50, width)
	p := &Pass{Train: true, Random: tensor.Stream{Seed: 9, Step: 1}}
	p.Begin(tokens, nil)
	h, dh, wantDh, targets := random(tokens*width, 3), make([]float32, tokens*width), make([]float32, tokens*width), make([]int32, tokens)
	for i := range targets {
		targets[i] = int32(i*7%51 - 1)
	}
	l := &Sampled{Objective: SampledBCE, Items: 50, Negatives: 1}
	got, grad := l.Loss(p, dh, h, items, targets, .3), map[int32][]float32{}
	for _, row := range items.Rows() {
		grad[row] = append([]float32(nil), items.GradRow(row)...)
	}
	b.Params().ZeroGrad()
	var want float64
	drawn := map[int32]bool{}
	for i, negative := range l.drawn {
		at := i * width
		want += l.shared(p, wantDh[at:at+width], h[at:at+width], items, targets[i:i+1], []int32{negative}, .3)
		drawn[negative] = true
	}
	near(t, "loss", []float32{float32(got)}, []float32{float32(want)})
	near(t, "dh", dh, wantDh)
	for _, row := range items.Rows() {
		near(t, "gradient", grad[row], items.GradRow(row))
	}
	if len(drawn) < 45 {
		t.Errorf("1200 draws found %d of 50 items", len(drawn))
	}
}

// With the correction for what is drawn how often, the expected gradient of the
// sampled softmax is close to the full one, whatever is drawn more often.
func TestSampledSoftmaxApproachesTheFullOne(t *testing.T) {
	b := NewBuilder(2)
	items := b.Param("items", Normal(.5), 40, 4)
	cumulative := make([]float64, 40)
	for j := range cumulative {
		cumulative[j] = float64((j + 1) * (j + 2))
	}
	h, targets := random(4, 3), []int32{2}
	full, dh, sum := make([]float32, 4), make([]float32, 4), make([]float64, 4)
	p := &Pass{Train: true, Random: tensor.Stream{Seed: 9}}
	p.Begin(1, nil)
	FullSoftmax{Items: 40}.Loss(p, full, h, items, targets, 1)
	loss := &Sampled{Items: 40, Negatives: 2000, Cumulative: cumulative}
	for i := range 20 {
		p.Random.Step = uint32(i)
		p.Begin(1, nil)
		loss.Loss(p, dh, h, items, targets, 1)
		for j, v := range dh {
			sum[j] += float64(v) / 20
		}
	}
	// Only the positive's own weight differs: it is counted once more, corrected by −ln q.
	for j := range sum {
		if math.Abs(sum[j]-float64(full[j])) > .1 {
			t.Errorf("gradient %d: %g sampled, %g full", j, sum[j], full[j])
		}
	}
}

func TestGBCEWithoutCalibrationIsBCE(t *testing.T) {
	g := Sampled{Objective: GBCE, Items: 101, Negatives: 10}
	if got := g.positiveWeight(); math.Abs(got-1) > 1e-12 {
		t.Errorf("β is %g for t = 0, want 1", got)
	}
	g.Calibration = 1
	if got := g.positiveWeight(); math.Abs(got-.1) > 1e-12 {
		t.Errorf("β is %g for t = 1, want α = .1", got)
	}
}

// Fitted by its loss, the hazard of a bucket is the share of those still waiting
// for whom it ends, whatever happened to be censored.
func TestHazardRecoversShares(t *testing.T) {
	b := NewBuilder(1)
	p := b.Param("x", Constant(0), 2)
	adam := NewAdam(b.Params(), Adam{})
	waits := []int32{0, 1, 1, ^0, ^1, 0, ^1, ^1} // 2 of 8 end in bucket 0; of the 5 still seen, 2 in bucket 1
	x, dx := make([]float32, 16), make([]float32, 16)
	for step := 1; step <= 800; step++ {
		for r := range 8 {
			copy(x[2*r:], p.Value)
		}
		Hazard(dx, x, waits, 2, 1./8)
		p.Grad[0], p.Grad[1] = 0, 0
		for r := range 8 {
			p.Grad[0] += dx[2*r]
			p.Grad[1] += dx[2*r+1]
		}
		adam.Step(step, .05)
	}
	if h := sigmoid(p.Value[0]); math.Abs(float64(h)-2./8) > 1e-3 {
		t.Errorf("hazard of bucket 0 is %g, want 2/8", h)
	}
	if h := sigmoid(p.Value[1]); math.Abs(float64(h)-2./5) > 1e-3 {
		t.Errorf("hazard of bucket 1 is %g, want 2/5", h)
	}
}
