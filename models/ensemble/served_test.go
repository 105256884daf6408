package ensemble

import (
	"math"
	"testing"

	"bellwether"
)

// TestFitAsksWhatTheSurfaceOffers compares the figure that chooses the weights with a plain reference on the model that was chosen: what
// is withheld does not compete, and targets that are withheld do not count.
func TestFitAsksWhatTheSurfaceOffers(t *testing.T) {
	const items = 30
	q := &bellwether.Sequences{Items: vocabulary(items)}
	for i := range int32(items) {
		next := (i + 1) % items
		switch i % 3 {
		case 0:
			next = (i + 27) % items // it was there
		case 1:
			next = (i + 5) % items // what a part puts above it, was there
		}
		q.Steps = append(q.Steps, []bellwether.Step{{Item: (i + 27) % items, Bought: i%2 == 0}, {Item: (i + 3) % items}, {Item: i}, {Item: next}})
		q.Validation = append(q.Validation, bellwether.Target{Person: i, At: 3})
	}
	parts := []Part{{Name: "a", Scorer: peaks("a", items, true), Scale: Softmax}, {Name: "b", Scorer: peaks("b", items, false), Scale: Share}}
	figures := map[float64]bool{}
	for _, exclude := range []bellwether.Exclude{bellwether.ExcludeNone, bellwether.ExcludePurchased, bellwether.ExcludeSeen} {
		q.Served.Exclude = exclude
		got := 0.0
		m, err := Fit(t.Context(), parts, q, func(p bellwether.Progress) {
			if p.Valid > 0 {
				got = p.Valid
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		want, n := 0.0, 0.0
		for _, steps := range q.Steps {
			may := func(item int32) bool { return q.Served.Allows(steps[:3], 0, item) }
			if !may(steps[3].Item) {
				continue
			}
			row := score(t, m, steps[:3])[0]
			above, tied := 0, 0
			for item := range int32(items) {
				if own := float64(row[steps[3].Item]); may(item) && math.Abs(float64(row[item])-own) < 1e-5 {
					tied++
				} else if may(item) && float64(row[item]) > own {
					above++
				}
			}
			n++
			for place := above; place < min(above+tied, cutoff); place++ {
				want += 1 / math.Log2(float64(place+2)) / float64(tied)
			}
		}
		if want /= n; math.Abs(got-want) > 1e-6 {
			t.Errorf("excluding %d: %.6f, want %.6f over %.0f targets", exclude, got, want, n)
		}
		figures[got] = true
	}
	if len(figures) != 3 {
		t.Errorf("the filters make %d different figures of 3: the test shows nothing", len(figures))
	}
}
