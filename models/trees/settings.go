package trees

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"bellwether"
)

// Family is the name of this package's models.
const Family = "trees"

// Trainer fits a Model on Dataset.Table. The zero value is the strongest row of LightGBM in docs/science.md §3 for a class of 0 or 1,
// stopped early: at most 400 trees of 15 leaves, shrinkage .03, rows .8, columns .6.
type Trainer struct {
	Objective  Objective
	Quantile   float64        // what Quantile estimates; 0: .5
	Trees      int            // rounds at most (Softmax grows a tree a class in each); 0: 400
	Leaves     int            // of a tree at most, 2–65536; 0: 15
	Rate       float64        // shrinkage; 0: .03
	Rows       float64        // share of the rows that a tree sees; 0: .8
	Columns    float64        // share of the columns that a tree sees; 0: .6
	MinRows    int            // in a leaf, about (told from Hessians); 0: 20
	MinHessian float64        // sum in a leaf; 0: 1e-3
	L2         float64        // on leaves' values
	Bins       int            // of a column at most, 2–255, missing values apart; 0: 255
	Monotone   map[string]int // by column of numbers: +1 never falls, −1 never rises with it
	Patience   int            // rounds without a better validation after which training stops; 0: 50, below 0: fits all rows, all rounds
	Validation float64        // share of the training rows that choose the round when the table has no Validation rows; 0: .2
	Seed       uint64
	Checkpoint bellwether.Checkpoint
	Clock      func() time.Time // nil: time.Now
}

// Family implements bellwether.Trainer.
func (tr Trainer) Family() string { return Family }

// withDefaults fills in what is not said.
func (tr Trainer) withDefaults() Trainer {
	number := func(v *int, d int) {
		if *v == 0 {
			*v = d
		}
	}
	real := func(v *float64, d float64) {
		if *v == 0 {
			*v = d
		}
	}
	number(&tr.Trees, 400)
	number(&tr.Leaves, 15)
	number(&tr.MinRows, 20)
	number(&tr.Bins, 255)
	number(&tr.Patience, 50)
	real(&tr.Quantile, .5)
	real(&tr.Rate, .03)
	real(&tr.Rows, .8)
	real(&tr.Columns, .6)
	real(&tr.MinHessian, 1e-3)
	real(&tr.Validation, .2)
	if tr.Clock == nil {
		tr.Clock = time.Now
	}
	return tr
}

// check names the first setting that makes no sense.
func (tr *Trainer) check() error {
	share := func(v float64) bool { return v > 0 && v <= 1 }
	for _, c := range []struct {
		ok   bool
		name string
		got  any
		want string
	}{
		{tr.Objective <= Softmax, "Objective", tr.Objective, "one of this package"},
		{tr.Quantile > 0 && tr.Quantile < 1, "Quantile", tr.Quantile, "between 0 and 1"},
		{tr.Trees > 0, "Trees", tr.Trees, "above 0"},
		{tr.Leaves >= 2 && tr.Leaves <= 1<<16, "Leaves", tr.Leaves, "2 to 65536"},
		{tr.Rate > 0 && tr.Rate <= 1, "Rate", tr.Rate, "above 0, at most 1"},
		{share(tr.Rows), "Rows", tr.Rows, "above 0, at most 1"},
		{share(tr.Columns), "Columns", tr.Columns, "above 0, at most 1"},
		{tr.MinRows > 0, "MinRows", tr.MinRows, "above 0"},
		{tr.MinHessian >= 0, "MinHessian", tr.MinHessian, "0 or more"},
		{tr.L2 >= 0, "L2", tr.L2, "0 or more"},
		{tr.Bins >= 2 && tr.Bins <= maxBins, "Bins", tr.Bins, "2 to 255"},
		{tr.Validation > 0 && tr.Validation < 1, "Validation", tr.Validation, "between 0 and 1"},
	} {
		if !c.ok {
			return fmt.Errorf("the setting %s is %v: it must be %s", c.name, c.got, c.want)
		}
	}
	return nil
}

// monotone returns the constraint of each column.
func (tr *Trainer) monotone(columns []column) ([]int8, error) {
	out := make([]int8, len(columns))
	for _, name := range slices.Sorted(maps.Keys(tr.Monotone)) {
		sign := tr.Monotone[name]
		at := slices.IndexFunc(columns, func(c column) bool { return c.Name == name })
		switch {
		case at < 0:
			return nil, fmt.Errorf("a monotone constraint names the column %q, which the table lacks", name)
		case sign < -1 || sign > 1:
			return nil, fmt.Errorf("the monotone constraint of %q is %d: say 1, -1 or 0", name, sign)
		case columns[at].Category && sign != 0:
			return nil, fmt.Errorf("the column %q is of categories, which have no order: it can't be monotone", name)
		}
		out[at] = int8(sign)
	}
	return out, nil
}
