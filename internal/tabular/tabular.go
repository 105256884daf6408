// Package tabular holds what families that learn from tables do alike: counting rows, and parting those to fit from those that validate.
package tabular

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"

	"bellwether"
)

// Rows returns the rows of a table, whose target may be absent. Columns of different lengths are an error.
func Rows(t *bellwether.Table) (int, error) {
	rows := max(len(t.Target), len(t.Subjects))
	for i := range t.Columns {
		rows = max(rows, len(t.Columns[i].Numbers), len(t.Columns[i].Codes))
	}
	for i := range t.Columns {
		c := &t.Columns[i]
		if n := max(len(c.Numbers), len(c.Codes)); n != rows {
			return 0, fmt.Errorf("column %q has %d rows, the table %d", c.Name, n, rows)
		}
	}
	return rows, nil
}

// Split returns the rows to fit and those that choose between models of a run: the table's Validation rows or, where it has none, that share
// of the training rows, drawn with the seed (0: none are). Test rows are in neither.
func Split(t *bellwether.Table, share float64, seed uint64) (fit, valid []int, err error) {
	if t == nil || t.Rows() == 0 {
		return nil, nil, errors.New("the data set has no table")
	}
	if n, err := Rows(t); err != nil || n != t.Rows() {
		return nil, nil, fmt.Errorf("the table's target has %d rows, its columns %d: %w", t.Rows(), n, err)
	}
	for r := range t.Target {
		switch {
		case len(t.Split) == 0 || t.Split[r] == bellwether.Train:
			fit = append(fit, r)
		case t.Split[r] == bellwether.Validation:
			valid = append(valid, r)
		}
	}
	if len(fit) < 2 {
		return nil, nil, fmt.Errorf("the table has %d training rows", len(fit))
	}
	if len(valid) == 0 && share > 0 {
		Shuffle(fit, seed, math.MaxUint64)
		n := max(1, int(float64(len(fit))*share))
		fit, valid = fit[n:], fit[:n:n]
	}
	return fit, valid, nil
}

// Shuffle orders rows anew: by the seed and the use that is made of it.
func Shuffle(rows []int, seed, use uint64) {
	rand.New(rand.NewPCG(seed, use)).Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
}

// Targets returns the targets of rows.
func Targets(t *bellwether.Table, rows []int) []float64 {
	y := make([]float64, len(rows))
	for i, r := range rows {
		y[i] = t.Target[r]
	}
	return y
}
