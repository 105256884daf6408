package behaviour

import (
	"fmt"
	"math"
	"slices"

	"bellwether"
	"bellwether/apps/app"
)

// tableOf makes a table of rows given by column name: a column of numbers (and blanks) is
// numeric, any other is a category.
func tableOf(rows []map[string]any) (*bellwether.Table, error) {
	t := &bellwether.Table{Target: make([]float64, len(rows)), Split: make([]bellwether.Split, len(rows)), Subjects: make([]bellwether.Subject, len(rows))}
	var names []string
	for _, r := range rows {
		for name := range r {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	for _, name := range names {
		c, err := columnOf(name, rows)
		if err != nil {
			return nil, err
		}
		t.Columns = append(t.Columns, c)
	}
	return t, nil
}

func columnOf(name string, rows []map[string]any) (bellwether.Column, error) {
	numbers, texts := make([]float64, len(rows)), make([]string, len(rows))
	category := false
	for i, r := range rows {
		numbers[i] = math.NaN()
		switch v := r[name].(type) {
		case nil:
		case float64:
			numbers[i], texts[i] = v, fmt.Sprint(v)
		case bool:
			texts[i], category = fmt.Sprint(v), true
		case string:
			texts[i], category = v, true
		default:
			return bellwether.Column{}, fmt.Errorf("%w: row %d has a %T in %s; numbers, strings and booleans are understood", app.ErrBadRequest, i+1, v, name)
		}
	}
	if !category {
		return bellwether.Column{Name: name, Numbers: numbers}, nil
	}
	c := bellwether.Column{Name: name, Codes: make([]int32, len(rows))}
	for i, s := range texts {
		c.Codes[i] = -1
		if s == "" {
			continue
		}
		at := slices.Index(c.Levels, s)
		if at < 0 {
			at, c.Levels = len(c.Levels), append(c.Levels, s)
		}
		c.Codes[i] = int32(at)
	}
	return c, nil
}
