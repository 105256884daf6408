package tabular

import (
	"slices"
	"testing"

	"bellwether"
)

func table(n int) *bellwether.Table {
	return &bellwether.Table{Target: make([]float64, n), Columns: []bellwether.Column{{Name: "x", Numbers: make([]float64, n)}}}
}

// TestSplit: each training row is in one part, test rows in none, and a share is drawn only where the table names no validation.
func TestSplit(t *testing.T) {
	d := table(100)
	d.Split = make([]bellwether.Split, 100)
	for r := 80; r < 100; r++ {
		d.Split[r] = bellwether.Test
	}
	fit, valid, err := Split(d, .25, 3)
	again, _, _ := Split(d, .25, 3)
	other, _, _ := Split(d, .25, 4)
	if err != nil || len(fit) != 60 || len(valid) != 20 || !slices.Equal(fit, again) || slices.Equal(fit, other) {
		t.Errorf("%d and %d rows (%v)", len(fit), len(valid), err)
	}
	for i, r := range slices.Sorted(slices.Values(slices.Concat(fit, valid))) {
		if i != r {
			t.Fatalf("row %d is missing, or there twice", i)
		}
	}
	if fit, valid, _ = Split(d, 0, 3); len(fit) != 80 || len(valid) != 0 {
		t.Errorf("%d and %d rows without a share", len(fit), len(valid))
	}
	d.Split[7] = bellwether.Validation
	if fit, valid, _ = Split(d, .25, 3); len(fit) != 79 || !slices.Equal(valid, []int{7}) {
		t.Errorf("%d rows and %v, when the table names one", len(fit), valid)
	}
}

func TestSplitRefuses(t *testing.T) {
	short := table(3)
	short.Columns[0].Numbers = short.Columns[0].Numbers[:2]
	for name, d := range map[string]*bellwether.Table{"none": nil, "empty": {}, "one row": table(1), "short column": short} {
		if _, _, err := Split(d, .2, 1); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
