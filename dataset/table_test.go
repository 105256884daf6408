package dataset

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"bellwether"
)

func TestSplitRows(t *testing.T) {
	count := func(s []bellwether.Split) (n [3]int) {
		for _, part := range s {
			n[part]++
		}
		return n
	}
	target := alternating(1000)
	a := SplitRows(target, 0, 0, 0)
	if got := count(a); got != [3]int{640, 160, 200} {
		t.Errorf("train, validation, test: %v", got)
	}
	if diff := cmp.Diff(a, SplitRows(target, .2, .2, 42)); diff != "" {
		t.Errorf("the defaults are 80/20 with seed 42:\n%s", diff)
	}
	if cmp.Equal(a, SplitRows(target, 0, 0, 43)) {
		t.Error("another seed gives the same split")
	}
	if got := count(SplitRows(target[:10], .2, -1, 1)); got != [3]int{8, 0, 2} {
		t.Errorf("no validation: %v", got)
	}
	if got := count(SplitRows([]float64{3, 1, 4, 1, 5, 9, 2, 6, 5, 3}, .2, -1, 1)); got != [3]int{8, 0, 2} {
		t.Errorf("a target of numbers: %v", got)
	}
}

// TestSplitRowsByClass holds that every part has its share of a rare class.
func TestSplitRowsByClass(t *testing.T) {
	target := make([]float64, 1000)
	for i := range 50 {
		target[i*20] = 1
	}
	var positives [3]int
	for i, part := range SplitRows(target, 0, 0, 0) {
		positives[part] += int(target[i])
	}
	if positives != [3]int{32, 8, 10} {
		t.Errorf("positives by part: %v", positives)
	}
}

// alternating is a target of n rows: 0, 1, 0, 1, …
func alternating(n int) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = float64(i % 2)
	}
	return out
}
