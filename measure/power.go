package measure

import (
	"fmt"
	"math"
)

// Power plans a comparison before it starts: how many people, which share of them in the holdout, or
// which effect can be seen. SD is needed.
type Power struct {
	SD          float64 `json:"sd"`          // of the metric between people
	Correlation float64 `json:"correlation"` // of the metric with its pre-period, when CUPED will be used
	Error       float64 `json:"error"`       // two-sided; 0: 0.05
	Power       float64 `json:"power"`       // chance to see an effect that is there; 0: 0.8
	Ratio       float64 `json:"ratio"`       // variance of the treated over the holdout's; 0: 1
}

// factor is (z_{1−α/2} + z_{power})², and v1, v0 the arms' variances after CUPED.
func (p Power) factor() (f, v1, v0 float64) {
	alpha, power, ratio := p.Error, p.Power, p.Ratio
	if alpha == 0 {
		alpha = 0.05
	}
	if power == 0 {
		power = 0.8
	}
	if ratio == 0 {
		ratio = 1
	}
	z := normalQuantile(1-alpha/2) + normalQuantile(power)
	v0 = p.SD * p.SD * (1 - p.Correlation*p.Correlation)
	return z * z, v0 * ratio, v0
}

// MinimalEffect is the smallest true difference a person that n people, share of them in the
// holdout, will show with the wanted power.
func (p Power) MinimalEffect(n int, share float64) float64 {
	f, v1, v0 := p.factor()
	return math.Sqrt(f * (v1/(float64(n)*(1-share)) + v0/(float64(n)*share)))
}

// People is how many people, share of them in the holdout, show the effect.
func (p Power) People(effect, share float64) int {
	f, v1, v0 := p.factor()
	return int(math.Ceil(f * (v1/(1-share) + v0/share) / (effect * effect)))
}

// HoldoutShare is the smallest share of n people in the holdout that shows the effect, or
// an error that names how many people would be needed.
func (p Power) HoldoutShare(effect float64, n int) (float64, error) {
	_, v1, v0 := p.factor()
	best := math.Sqrt(v0) / (math.Sqrt(v0) + math.Sqrt(v1)) // the share with the least variance
	if p.MinimalEffect(n, best) > effect {
		return 0, fmt.Errorf("%d people cannot show an effect of %g: %d are needed, half of them in the holdout; "+
			"measure longer, or a metric that varies less", n, effect, p.People(effect, best))
	}
	low, high := 0.0, best
	for range 60 {
		if mid := (low + high) / 2; p.MinimalEffect(n, mid) > effect {
			low = mid
		} else {
			high = mid
		}
	}
	return high, nil
}
