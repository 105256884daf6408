package nn

import "math"

// Schedule is a learning rate over the steps of a run: a linear warm-up, then
// a cosine from Peak down to Floor (Loshchilov and Hutter 2017), or Peak for
// ever when Total is 0.
type Schedule struct {
	Peak   float64
	Floor  float64
	Warmup int // steps
	Total  int // steps, warm-up included
}

// At returns the rate of a step, which counts from 1.
func (s Schedule) At(step int) float32 {
	switch {
	case step <= s.Warmup:
		return float32(s.Peak * float64(step) / float64(s.Warmup))
	case s.Total <= s.Warmup:
		return float32(s.Peak)
	}
	done := min(1, float64(step-s.Warmup)/float64(s.Total-s.Warmup))
	return float32(s.Floor + (s.Peak-s.Floor)*(1+math.Cos(math.Pi*done))/2)
}

// Average is an exponential average of weights (Polyak and Juditsky 1992): what
// is validated and kept instead of the weights of the last step. Its decay grows
// with the steps, (1+step)/(10+step), up to Decay, so that the first steps do not
// hold it back.
type Average struct {
	Decay float32

	params, mean Params
}

// NewAverage returns the average of ps, which begins at their present values.
func NewAverage(ps Params, decay float32) *Average {
	a := &Average{Decay: decay, params: ps, mean: state(ps, "average:", 0, nil)}
	for i, p := range ps {
		copy(a.mean[i].Value, p.Value)
	}
	return a
}

// Update takes in the weights after a step, which counts from 1.
func (a *Average) Update(step int) {
	decay := min(a.Decay, float32(1+step)/float32(10+step))
	for i, p := range a.params {
		mean := a.mean[i].Value
		for j, v := range p.Value {
			mean[j] += (1 - decay) * (v - mean[j])
		}
	}
}

// Swap exchanges the weights and their average; a second call undoes the first.
func (a *Average) Swap() {
	for i, p := range a.params {
		mean := a.mean[i].Value
		for j := range mean {
			mean[j], p.Value[j] = p.Value[j], mean[j]
		}
	}
}

// State lists the averaged arrays for a checkpoint.
func (a *Average) State() Params { return a.mean }
