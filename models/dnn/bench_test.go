package dnn

import (
	"testing"

	"bellwether/tensor/nn"
)

// BenchmarkStep is a training step of the reference network: 32 inputs, a batch of 32.
func BenchmarkStep(b *testing.B) {
	r := run{Trainer: Trainer{}.withDefaults(), model: newModel(card{Hidden: []int{128, 64}, Dropout: .2, Encoder: Encoder{Width: 32}}, 1)}
	r.fit = examples{x: make([]float32, 32*32), y: make([]float32, 32)}
	for i := range r.fit.x {
		r.fit.x[i] = float32(i%7) - 3
	}
	r.prepare()
	adam := nn.NewAdam(r.model.params, nn.Adam{})
	step := 0
	b.ReportAllocs()
	for b.Loop() {
		step++
		r.model.params.ZeroGrad()
		r.model.params.Pack()
		if _, err := r.batch(0, 0, step); err != nil {
			b.Fatal(err)
		}
		r.model.params.GradNorm()
		adam.Step(step, 1e-3)
	}
}
