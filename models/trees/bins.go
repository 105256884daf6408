package trees

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"bellwether"
	"bellwether/tensor"
)

// maxBins is the most bins of values in a column. One more holds what is missing, so that a bin is a byte.
const maxBins = 255

const (
	leastInBin = 3       // rows of the sample
	sampleRows = 200_000 // that bins are found from
)

// column says how a column's values become bins: 0, 1, … for values, the last for what is missing or, of categories, was not seen or is rare.
type column struct {
	Name     string    `json:"name"`
	Category bool      `json:"category,omitempty"`
	Bounds   []float64 `json:"bounds,omitempty"` // bin i holds numbers up to Bounds[i], the one behind the last bound all above
	Levels   []string  `json:"levels,omitempty"` // of bins, most frequent first
}

// rest is the bin of what is missing.
func (c *column) rest() int {
	if c.Category {
		return len(c.Levels)
	}
	return len(c.Bounds) + 1
}

// bin returns the bin of a number.
func (c *column) bin(x float64) uint8 {
	if math.IsNaN(x) {
		return uint8(c.rest())
	}
	low, high := 0, len(c.Bounds)
	for low < high {
		if mid := (low + high) / 2; c.Bounds[mid] < x {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return uint8(low)
}

// fitColumns finds the bins of a table's columns from some of its rows.
func fitColumns(t *bellwether.Table, rows []int, bins int, seed uint64) ([]column, error) {
	if len(rows) > sampleRows {
		rows = slices.Clone(rows)
		rng := rand.New(rand.NewPCG(seed, sampleRows))
		for i := range sampleRows {
			j := i + rng.IntN(len(rows)-i)
			rows[i], rows[j] = rows[j], rows[i]
		}
		rows = rows[:sampleRows]
	}
	out, errs := make([]column, len(t.Columns)), make([]error, len(t.Columns))
	tensor.Parallel(len(out), func(i int) {
		c := &t.Columns[i]
		out[i] = column{Name: c.Name, Category: c.Categorical()}
		if c.Categorical() {
			out[i].Levels, errs[i] = levels(c, rows, bins)
		} else {
			out[i].Bounds, errs[i] = bounds(c, rows, bins)
		}
	})
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// levels lists a category's levels, most frequent first, ties by name: as many as there are bins.
func levels(c *bellwether.Column, rows []int, bins int) ([]string, error) {
	counts := make([]int, len(c.Levels))
	for _, r := range rows {
		code := c.Codes[r]
		if int(code) >= len(counts) {
			return nil, fmt.Errorf("column %q holds code %d in row %d, beyond its %d levels", c.Name, code, r, len(counts))
		}
		if code >= 0 {
			counts[code]++
		}
	}
	var order []int
	for code, n := range counts {
		if n > 0 {
			order = append(order, code)
		}
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(c.Levels[a], c.Levels[b]))
	})
	var out []string
	for _, code := range order[:min(len(order), bins)] {
		out = append(out, c.Levels[code])
	}
	return out, nil
}

// bounds returns where a column's numbers are parted.
func bounds(c *bellwether.Column, rows []int, bins int) ([]float64, error) {
	x := make([]float64, 0, len(rows))
	for _, r := range rows {
		switch v := c.Numbers[r]; {
		case math.IsInf(v, 0):
			return nil, infinite(c.Name, r)
		case !math.IsNaN(v):
			x = append(x, v)
		}
	}
	slices.Sort(x)
	var values []float64
	var counts []int
	for _, v := range x {
		if n := len(values); n > 0 && values[n-1] == v {
			counts[n-1]++
			continue
		}
		values, counts = append(values, v), append(counts, 1)
	}
	return cuts(values, counts, len(x), bins), nil
}

func infinite(name string, row int) error {
	return fmt.Errorf("column %q holds an infinity in row %d: repair or blank it", name, row)
}

// cuts parts distinct values into bins of about equally many rows; a value with more rows than a bin's share has a bin of its own.
func cuts(values []float64, counts []int, total, bins int) (bounds []float64) {
	single := make([]bool, len(values)) // has a bin of its own
	left, room := total, bins
	share := float64(total) / float64(bins)
	if len(values) <= bins {
		share = leastInBin
	} else {
		for i, n := range counts {
			if float64(n) >= share {
				single[i] = true
				left, room = left-n, room-1
			}
		}
		share = max(float64(left)/float64(max(room, 1)), leastInBin)
	}
	in := 0
	for i := range len(values) - 1 {
		in += counts[i]
		if !single[i] {
			left -= counts[i]
		}
		if !(single[i] || float64(in) >= share || single[i+1] && float64(in) >= max(1, share/2)) {
			continue
		}
		bounds, in = append(bounds, between(values[i], values[i+1])), 0
		if len(bounds) == bins-1 {
			return bounds
		}
		if !single[i] && len(values) > bins {
			room--
			share = max(float64(left)/float64(max(room, 1)), leastInBin)
		}
	}
	return bounds
}

// between is a number of [a, b), the middle if there is one.
func between(a, b float64) float64 {
	if m := a/2 + b/2; m >= a && m < b {
		return m
	}
	return a
}
