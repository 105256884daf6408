package trees

import (
	"fmt"
	"math"
	"slices"

	"bellwether"
	"bellwether/tensor"
)

// matrix is the bins of rows, by column.
type matrix struct {
	rows int
	bins [][]uint8 // [columns][rows]
}

// encode returns the bins of rows of t. Columns are matched by name; one that t lacks counts as missing, one of another kind is an error.
func encode(columns []column, t *bellwether.Table, rows []int) (*matrix, error) {
	m := &matrix{rows: len(rows), bins: make([][]uint8, len(columns))}
	errs := make([]error, len(columns))
	tensor.Parallel(len(columns), func(i int) {
		m.bins[i] = make([]uint8, len(rows))
		errs[i] = columns[i].encode(m.bins[i], t, rows)
	})
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return m, nil
}

// encode writes the bins of a column of t.
func (c *column) encode(out []uint8, t *bellwether.Table, rows []int) error {
	at := slices.IndexFunc(t.Columns, func(o bellwether.Column) bool { return o.Name == c.Name })
	if at < 0 {
		for i := range out {
			out[i] = uint8(c.rest())
		}
		return nil
	}
	from := &t.Columns[at]
	switch {
	case from.Categorical() != c.Category:
		return fmt.Errorf("column %q was fitted as %s and is now %s", c.Name, kind(c.Category), kind(from.Categorical()))
	case c.Category:
		return c.encodeLevels(out, from, rows)
	}
	for i, r := range rows {
		if math.IsInf(from.Numbers[r], 0) {
			return infinite(c.Name, r)
		}
		out[i] = c.bin(from.Numbers[r])
	}
	return nil
}

func kind(category bool) string {
	if category {
		return "a category"
	}
	return "a number"
}

func (c *column) encodeLevels(out []uint8, from *bellwether.Column, rows []int) error {
	known := make(map[string]uint8, len(c.Levels))
	for bin, level := range c.Levels {
		known[level] = uint8(bin)
	}
	bins := make([]uint8, len(from.Levels)) // by code
	for code, level := range from.Levels {
		bin, ok := known[level]
		if !ok {
			bin = uint8(c.rest())
		}
		bins[code] = bin
	}
	for i, r := range rows {
		code := from.Codes[r]
		switch {
		case int(code) >= len(bins):
			return fmt.Errorf("column %q holds code %d in row %d, beyond its %d levels", c.Name, code, r, len(bins))
		case code < 0:
			out[i] = uint8(c.rest())
		default:
			out[i] = bins[code]
		}
	}
	return nil
}

// cut is rows first to last of m.
func (m *matrix) cut(first, last int) *matrix {
	out := &matrix{rows: last - first, bins: make([][]uint8, len(m.bins))}
	for i := range m.bins {
		out.bins[i] = m.bins[i][first:last]
	}
	return out
}
