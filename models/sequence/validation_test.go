package sequence

import (
	"math"
	"testing"

	"bellwether"
)

// TestValidationAsksWhatTheSurfaceOffers compares the figure that chooses epochs with a plain reference: what is withheld does not
// compete, and targets that are withheld do not count.
func TestValidationAsksWhatTheSurfaceOffers(t *testing.T) {
	d := walks(120, 20)
	q := d.Sequences
	for p := 0; p < len(q.Steps); p += 3 {
		k := q.Validation[p]
		q.Steps[p][k.At].Item = q.Steps[p][0].Item // they return
		q.Steps[p][0].Bought = p%2 == 0
	}
	trained, err := Trainer{Settings: small(), Epochs: 1, Seed: 1}.Train(t.Context(), d, nil)
	if err != nil {
		t.Fatal(err)
	}
	m := trained.(*Model)
	figures := map[float64]bool{}
	for _, exclude := range []bellwether.Exclude{bellwether.ExcludeNone, bellwether.ExcludePurchased, bellwether.ExcludeSeen} {
		q.Served.Exclude = exclude
		v, err := newValidation(m, q)
		if err != nil {
			t.Fatal(err)
		}
		got, err := v.ndcg(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		want, n, row := 0.0, 0.0, make([]float32, len(q.Items))
		for _, k := range q.Validation {
			steps := q.Steps[k.Person]
			if !q.Served.Allows(steps[:k.At], 0, steps[k.At].Item) {
				continue
			}
			if err := m.Score(t.Context(), [][]bellwether.Step{steps[:k.At]}, [][]float32{row}); err != nil {
				t.Fatal(err)
			}
			above := 0.0
			for item, score := range row {
				if score > row[steps[k.At].Item] && q.Served.Allows(steps[:k.At], 0, int32(item)) {
					above++
				}
			}
			if n++; above < 10 {
				want += 1 / math.Log2(above+2)
			}
		}
		if want /= n; math.Abs(got-want) > 1e-6 || len(v.targets) != int(n) {
			t.Errorf("excluding %d: %.6f over %d targets, want %.6f over %.0f", exclude, got, len(v.targets), want, n)
		}
		figures[got] = true
	}
	if len(figures) != 3 {
		t.Errorf("the filters make %d different figures of 3: the test shows nothing", len(figures))
	}
}
