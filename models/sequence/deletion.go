package sequence

import (
	"math/rand/v2"

	"bellwether"
)

// deletion leaves events out of the histories that a model learns from, other
// ones in each pass, so that it learns as well what follows the events before
// the last: "delete" of the augmentations that Zhou et al. (2024, arXiv
// 2403.11136) compare.
type deletion struct {
	random rand.PCG
	kept   []bellwether.Step
	places []int // of kept among the steps
}

// apply returns the steps that are kept and their places: each of them but a
// share, the last one, and one before it in any case. What it returns holds
// until the next call.
func (d *deletion) apply(steps []bellwether.Step, share float32, seed uint64, pass, place int) ([]bellwether.Step, []int) {
	d.random.Seed(seed, uint64(pass)<<32|uint64(place))
	d.kept, d.places = d.kept[:0], d.places[:0]
	last := len(steps) - 1
	for i, s := range steps {
		spare := i < last-1 || i == last-1 && len(d.kept) > 0
		if spare && d.draw() < share {
			continue
		}
		d.kept, d.places = append(d.kept, s), append(d.places, i)
	}
	return d.kept, d.places
}

// draw is uniform in [0, 1).
func (d *deletion) draw() float32 { return float32(d.random.Uint64()>>40) / (1 << 24) }
