package learn

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"bellwether"
)

// rowsOf is a table of n rows with two columns that say a little of a target, split by chance.
func rowsOf(n int) *bellwether.Dataset {
	rng, t := rand.New(rand.NewPCG(6, 6)), &bellwether.Table{Columns: []bellwether.Column{{Name: "a"}, {Name: "b"}}}
	for range n {
		y := float64(rng.IntN(2))
		t.Target = append(t.Target, y)
		t.Columns[0].Numbers = append(t.Columns[0].Numbers, y+2*rng.NormFloat64())
		t.Columns[1].Numbers = append(t.Columns[1].Numbers, rng.NormFloat64())
		t.Split = append(t.Split, []bellwether.Split{bellwether.Train, bellwether.Train, bellwether.Validation, bellwether.Test}[rng.IntN(4)])
	}
	return &bellwether.Dataset{AsOf: begin, Newest: begin, Table: t}
}

// TestChecked: data that are fine say nothing, and each broken world makes its check fire.
func TestChecked(t *testing.T) {
	for name, test := range map[string]struct {
		spoil func(*bellwether.Dataset)
		want  string // "": nothing is said
	}{
		"fine":       {func(*bellwether.Dataset) {}, ""},
		"old":        {func(d *bellwether.Dataset) { d.Newest = begin.Add(-10 * 24 * time.Hour) }, "10 days before"},
		"not so old": {func(d *bellwether.Dataset) { d.Newest = begin.Add(-6 * 24 * time.Hour) }, ""},
		"old steps": {func(d *bellwether.Dataset) {
			d.Newest, d.Table = time.Time{}, nil
			d.Sequences = &bellwether.Sequences{Steps: [][]bellwether.Step{{{Time: begin.Unix() - 9*86_400}}, {{Time: begin.Unix() - 8*86_400}}, nil}}
		}, "8 days before"},
		"a leak": {func(d *bellwether.Dataset) { d.Table.Columns[1].Numbers = d.Table.Target }, `column "b" alone has AUC 1.000`},
		"a leak by consent": {func(d *bellwether.Dataset) {
			d.Table.Columns[1].Numbers, d.Table.Allowed = d.Table.Target, []string{"b"}
		}, ""},
		"another time": {func(d *bellwether.Dataset) {
			for i, split := range d.Table.Split {
				if split != bellwether.Train {
					d.Table.Columns[1].Numbers[i] += 2
				}
			}
		}, "held-out rows can be told from those that are learned from"},
		"few rows of another time": {func(d *bellwether.Dataset) {
			*d = *rowsOf(80)
			for i, split := range d.Table.Split {
				if split != bellwether.Train {
					d.Table.Columns[1].Numbers[i] += 9
				}
			}
		}, ""},
	} {
		d := rowsOf(2000)
		test.spoil(d)
		got, err := checked(t.Context(), d)
		if err != nil {
			t.Fatal(err)
		}
		if text := strings.Join(got, "; "); (text == "") != (test.want == "") || !strings.Contains(text, test.want) || len(got) > 1 {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// TestGivenLeaks: a table that somebody gives with a column that tells the outcome is refused until the column is allowed.
func TestGivenLeaks(t *testing.T) {
	d := rowsOf(500)
	d.Table.Columns[1].Numbers = d.Table.Target
	task := &Task{Name: "x"}
	if _, err := task.Given("p", d.Table, begin); !errors.Is(err, ErrLeak) || !strings.Contains(err.Error(), "allow it by name") {
		t.Errorf("a leak: %v", err)
	}
	d.Table.Allowed = []string{"b"}
	if _, err := task.Given("p", d.Table, begin); err != nil {
		t.Errorf("an allowed one: %v", err)
	}
}
