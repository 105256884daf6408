package nn

import (
	"fmt"
	"math"
	"testing"

	"bellwether/tensor"
)

// Half a million ids in a tenth as many rows: hardly two share both rows, and
// the rows are used evenly.
func TestBloomRowsTellIDsApart(t *testing.T) {
	const ids, rows = 500_000, 50_000
	seen, used := make(map[[2]int32]bool, ids), make([]int, rows)
	same := 0
	for i := range ids {
		a, b := BloomRows(fmt.Sprintf("sku-%05d", i), rows)
		if a < 0 || a >= rows || b < 0 || b >= rows {
			t.Fatalf("rows %d and %d of %d", a, b, rows)
		}
		used[a]++
		used[b]++
		if seen[[2]int32{a, b}] {
			same++
		}
		seen[[2]int32{a, b}] = true
	}
	if expected := float64(ids) * ids / 2 / rows / rows; float64(same) > 2*expected {
		t.Errorf("%d ids have both rows of another, %.0f expected by chance", same, expected)
	}
	var square float64
	for _, n := range used {
		d := float64(n) - 2*ids/rows
		square += d * d / (2 * ids / rows)
	}
	if z := (square - rows) / math.Sqrt(2*rows); math.Abs(z) > 5 {
		t.Errorf("the rows are used unevenly: χ² is %.1f deviations off", z)
	}
}

// Files depend on these numbers.
func TestBloomRowsStay(t *testing.T) {
	for id, want := range map[string][2]int32{"": {9576, 9133}, "sku-00001": {8780, 6833}, "p:c-000001": {3393, 2575}} {
		if a, b := BloomRows(id, 10_000); a != want[0] || b != want[1] {
			t.Errorf("rows of %q are %d and %d, want %v", id, a, b, want)
		}
	}
}

// The gradient is the transpose of the look-up: ⟨Gather(table), g⟩ = ⟨table, AddGrad(g)⟩.
func TestBloomGradient(t *testing.T) {
	b := NewBuilder(3)
	bloom := &Bloom{Table: b.Table("t", Normal(1), 5, 4), Rows: [2][]int32{{0, 1, 4}, {3, 1, -1}}}
	ids := []int32{2, 0, -1, 1, 0}
	y, g := make([]float32, 20), make([]float32, 20)
	Normal(1)(g, tensor.Stream{Seed: 7})
	bloom.Gather(y, ids)
	bloom.AddGrad(g, ids)
	want, got := float64(tensor.Dot(y, g)), 0.0
	for i, row := range bloom.Table.Rows() {
		got += float64(tensor.Dot(bloom.Table.Row(row), bloom.Table.Grad[4*i:4*i+4]))
	}
	if math.Abs(want-got) > 1e-5 {
		t.Errorf("⟨y, g⟩ is %g, ⟨table, gradient⟩ %g", want, got)
	}
	near(t, "an item that is not there", y[8:12], make([]float32, 4))
	near(t, "an item with one row", y[:4], bloom.Table.Row(4))
}
