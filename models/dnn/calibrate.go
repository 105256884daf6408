package dnn

import (
	"math"

	"bellwether/tensor/nn"
)

// fewestOfClass is how many validation rows of each class calibrate probabilities.
const fewestOfClass = 10

// leastSlope keeps calibration from turning the order of rows round.
const leastSlope = 1e-2

// calibrate scales and shifts the logits so that the validation rows are most likely (Platt 1999, with his targets that are a little less than
// certain): the order of rows stays, and of those that are given 20 %, 20 % do.
func (r *run) calibrate() {
	positives := 0
	for _, y := range r.valid.y {
		if y > 0 {
			positives++
		}
	}
	n := len(r.valid.y)
	if min(positives, n-positives) < fewestOfClass {
		return
	}
	slope, shift := platt(r.logits(), r.valid.y, positives)
	out := r.model.network[len(r.model.network)-1].(*nn.Dense)
	for i := range out.Weight.Value {
		out.Weight.Value[i] *= float32(slope)
	}
	out.Bias.Value[0] = out.Bias.Value[0]*float32(slope) + float32(shift)
	r.model.params.Pack()
}

// logits are those of the validation rows.
func (r *run) logits() []float64 {
	n, width, p := len(r.valid.y), r.model.card.Encoder.Width, &r.pass
	p.Train = false
	r.model.params.Pack()
	out := make([]float64, 0, n)
	for first := 0; first < n; first += chunk {
		rows := min(n-first, chunk)
		p.Begin(rows, nil)
		for _, v := range r.model.network.Forward(p, r.valid.x[first*width:(first+rows)*width])[:rows] {
			out = append(out, float64(v))
		}
	}
	return out
}

// platt returns the slope and shift of logits that make classes most likely, by Newton's method.
func platt(x []float64, y []float32, positives int) (slope, shift float64) {
	high := (float64(positives) + 1) / (float64(positives) + 2)
	low := 1 / (float64(len(y)-positives) + 2)
	slope = 1
	for range 50 {
		var ga, gb, haa, hab, hbb float64
		for i, v := range x {
			target := low
			if y[i] > 0 {
				target = high
			}
			p := 1 / (1 + math.Exp(-(slope*v + shift)))
			d, w := p-target, p*(1-p)
			ga, gb = ga+d*v, gb+d
			haa, hab, hbb = haa+w*v*v, hab+w*v, hbb+w
		}
		haa, hbb = haa+1e-6, hbb+1e-6
		det := haa*hbb - hab*hab
		if !(det > 1e-12) {
			break
		}
		da, db := (hbb*ga-hab*gb)/det, (haa*gb-hab*ga)/det
		size := math.Max(1, math.Max(math.Abs(da), math.Abs(db)/3)) // no step beyond one of the slope or three of the shift
		slope, shift = slope-da/size, shift-db/size
		if math.Abs(da)+math.Abs(db) < 1e-9 {
			break
		}
	}
	if !(slope >= leastSlope) || math.IsNaN(shift) || math.IsInf(slope+shift, 0) {
		return leastSlope, plainShift(x, high*float64(positives)+low*float64(len(y)-positives))
	}
	return slope, shift
}

// plainShift is the shift at the least slope that gives all rows together as many positives as they have.
func plainShift(x []float64, positives float64) float64 {
	lo, hi := -50.0, 50.0
	for range 100 {
		mid, sum := (lo+hi)/2, 0.0
		for _, v := range x {
			sum += 1 / (1 + math.Exp(-(leastSlope*v + mid)))
		}
		if sum < positives {
			lo = mid
		} else {
			hi = mid
		}
	}
	return (lo + hi) / 2
}
