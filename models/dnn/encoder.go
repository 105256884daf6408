package dnn

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"bellwether"
)

// minLevel is the number of training rows below which a level has no input of
// its own: it shares one with the other rare levels, and so identifiers teach nothing.
const minLevel = 5

// Encoder maps the rows of a table to inputs of a network. Numbers are
// standardised, a missing one is the mean, marked by an input of its own if
// training saw any; categories are one-hot. It is fitted on training rows only.
type Encoder struct {
	Columns []EncodedColumn `json:"columns"`
	Width   int             `json:"width"` // inputs
}

// EncodedColumn is the encoding of one column.
type EncodedColumn struct {
	Name    string   `json:"name"`
	First   int      `json:"first"`             // its first input
	Mean    float64  `json:"mean,omitempty"`    // of a number
	Scale   float64  `json:"scale,omitempty"`   // 1/standard deviation; 0 marks a category
	Missing bool     `json:"missing,omitempty"` // has an input that says so
	Levels  []string `json:"levels,omitempty"`  // of a category, most frequent first
	Rare    bool     `json:"rare,omitempty"`    // has an input for the levels not listed
}

func (c *EncodedColumn) width() int {
	n := len(c.Levels)
	if c.Scale != 0 {
		n = 1
	}
	if c.Missing {
		n++
	}
	if c.Rare {
		n++
	}
	return n
}

// fitEncoder fits an encoder on rows of t.
func fitEncoder(t *bellwether.Table, rows []int) (Encoder, error) {
	var e Encoder
	for i := range t.Columns {
		column := &t.Columns[i]
		fit := fitNumbers
		if column.Categorical() {
			fit = fitLevels
		}
		c, err := fit(column, rows)
		if err != nil {
			return Encoder{}, err
		}
		c.First = e.Width
		e.Width += c.width()
		e.Columns = append(e.Columns, c)
	}
	return e, nil
}

func fitNumbers(column *bellwether.Column, rows []int) (EncodedColumn, error) {
	c := EncodedColumn{Name: column.Name}
	var n, mean, squares float64
	for _, r := range rows {
		x := column.Numbers[r]
		if math.IsInf(x, 0) {
			return c, fmt.Errorf("dnn: column %q holds an infinity in row %d: repair or blank it", c.Name, r)
		}
		if math.IsNaN(x) {
			c.Missing = true
			continue
		}
		n++
		delta := x - mean
		mean += delta / n
		squares += delta * (x - mean)
	}
	c.Mean, c.Scale = mean, 1
	if deviation := math.Sqrt(squares / max(n, 1)); deviation > 1e-12*math.Abs(mean) && deviation > 0 {
		c.Scale = 1 / deviation
	}
	if math.IsInf(c.Scale, 0) || math.IsInf(mean, 0) {
		return c, fmt.Errorf("dnn: the numbers of column %q are too large or too small to be standardised", c.Name)
	}
	return c, nil
}

func fitLevels(column *bellwether.Column, rows []int) (EncodedColumn, error) {
	c := EncodedColumn{Name: column.Name}
	counts := make([]int, len(column.Levels))
	for _, r := range rows {
		switch code := column.Codes[r]; {
		case code >= int32(len(counts)):
			return c, fmt.Errorf("dnn: column %q holds code %d in row %d, beyond its %d levels", c.Name, code, r, len(counts))
		case code < 0:
			c.Missing = true
		default:
			counts[code]++
		}
	}
	order := make([]int, 0, len(counts))
	for code, n := range counts {
		if n >= minLevel {
			order = append(order, code)
		} else if n > 0 {
			c.Rare = true
		}
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(column.Levels[a], column.Levels[b]))
	})
	for _, code := range order {
		c.Levels = append(c.Levels, column.Levels[code])
	}
	return c, nil
}

// encode returns the inputs of rows of t, [len(rows), Width]. Columns are matched
// by name; one that t lacks counts as missing values, one of another kind is an error.
func (e *Encoder) encode(t *bellwether.Table, rows []int) ([]float32, error) {
	out := make([]float32, len(rows)*e.Width)
	for i := range e.Columns {
		c := &e.Columns[i]
		at := slices.IndexFunc(t.Columns, func(o bellwether.Column) bool { return o.Name == c.Name })
		var column *bellwether.Column
		if at >= 0 {
			column = &t.Columns[at]
		}
		if err := c.encode(out[c.First:], e.Width, column, rows); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// encode writes the inputs of one column; out begins at its first input of the first row.
func (c *EncodedColumn) encode(out []float32, stride int, column *bellwether.Column, rows []int) error {
	switch {
	case column != nil && column.Categorical() != (c.Scale == 0):
		return fmt.Errorf("dnn: column %q was fitted as %s and is now %s", c.Name, kind(c.Scale == 0), kind(column.Categorical()))
	case c.Scale != 0:
		return c.encodeNumbers(out, stride, column, rows)
	}
	return c.encodeLevels(out, stride, column, rows)
}

func kind(categorical bool) string {
	if categorical {
		return "a category"
	}
	return "a number"
}

func (c *EncodedColumn) encodeNumbers(out []float32, stride int, column *bellwether.Column, rows []int) error {
	for i, r := range rows {
		x := math.NaN()
		if column != nil {
			x = column.Numbers[r]
		}
		switch {
		case math.IsInf(x, 0):
			return fmt.Errorf("dnn: column %q holds an infinity in row %d: repair or blank it", c.Name, r)
		case !math.IsNaN(x):
			out[i*stride] = float32((x - c.Mean) * c.Scale)
		case c.Missing:
			out[i*stride+1] = 1
		}
	}
	return nil
}

func (c *EncodedColumn) encodeLevels(out []float32, stride int, column *bellwether.Column, rows []int) error {
	missing, rare := -1, -1
	next := len(c.Levels)
	if c.Missing {
		missing = next
		next++
	}
	if c.Rare {
		rare = next
	}
	var place []int // by code of column
	if column != nil {
		place = make([]int, len(column.Levels))
		for code, level := range column.Levels {
			if place[code] = slices.Index(c.Levels, level); place[code] < 0 {
				place[code] = rare
			}
		}
	}
	for i, r := range rows {
		at := missing
		if column != nil && column.Codes[r] >= 0 {
			if int(column.Codes[r]) >= len(place) {
				return fmt.Errorf("dnn: column %q holds code %d in row %d, beyond its %d levels", c.Name, column.Codes[r], r, len(place))
			}
			at = place[column.Codes[r]]
		}
		if at >= 0 {
			out[i*stride+at] = 1
		}
	}
	return nil
}
