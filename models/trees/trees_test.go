package trees

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"bellwether"
	"bellwether/internal/modeltest"
	"bellwether/tensor/nn"
)

// made is a table of n rows whose target follows from its columns: numbers with blanks, a category of two levels and one of many.
func made(n int, seed uint64) *bellwether.Table {
	rng := rand.New(rand.NewPCG(seed, 2))
	number := func(name string) bellwether.Column { return bellwether.Column{Name: name, Numbers: make([]float64, n)} }
	age, spend, noise := number("age"), number("spend"), number("noise")
	plan := bellwether.Column{Name: "plan", Codes: make([]int32, n), Levels: []string{"gold", "basic", "unheard of"}}
	town := bellwether.Column{Name: "town", Codes: make([]int32, n)}
	for i := range 30 {
		town.Levels = append(town.Levels, fmt.Sprint("town ", i))
	}
	t := &bellwether.Table{Target: make([]float64, n), Split: make([]bellwether.Split, n), Positive: "yes"}
	for r := range n {
		x := rng.NormFloat64()
		age.Numbers[r] = math.Round(40 + 10*x)
		spend.Numbers[r], noise.Numbers[r] = rng.ExpFloat64(), rng.Float64()
		plan.Codes[r], town.Codes[r] = int32(rng.IntN(2)), int32(rng.IntN(30))
		logit := 2*x*float64(1-2*plan.Codes[r]) + float64(town.Codes[r]%3) - 1
		switch {
		case r%9 == 0:
			age.Numbers[r] = math.NaN()
			logit = 2
		case r%11 == 0:
			town.Codes[r] = -1
		}
		if rng.Float64() < 1/(1+math.Exp(-logit)) {
			t.Target[r] = 1
		}
		if r%5 == 4 {
			t.Split[r] = bellwether.Test
		}
	}
	t.Columns = []bellwether.Column{age, plan, spend, town, noise}
	return t
}

func load(r io.Reader) (bellwether.Model, error) { return Load(r) }

func fitted(t testing.TB, tr Trainer, table *bellwether.Table) *Model {
	t.Helper()
	m, err := tr.Train(context.Background(), &bellwether.Dataset{Table: table}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return m.(*Model)
}

func answers(t testing.TB, m bellwether.Model, table *bellwether.Table) []float64 {
	t.Helper()
	p, err := m.(*Model).PredictAll(context.Background(), table)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestFamily(t *testing.T) {
	for _, base := range []Trainer{{}, {Objective: Softmax}, {Objective: Pinball, Quantile: .8}} {
		t.Run(base.Objective.String(), func(t *testing.T) {
			base.Trees, base.Leaves = 30, 7
			f := modeltest.Family{
				Trainer: func(seed uint64, c bellwether.Checkpoint) bellwether.Trainer {
					base.Seed, base.Checkpoint = seed, c
					return base
				},
				Data:    func() *bellwether.Dataset { return &bellwether.Dataset{Digest: "made", Table: made(600, 1)} },
				Load:    load,
				Outputs: func(t testing.TB, m bellwether.Model) []float64 { return answers(t, m, made(50, 3)) },
				Poison:  func(d *bellwether.Dataset) { d.Table.Columns[0].Numbers[3] = math.Inf(1) },
			}
			if base.Objective != Pinball { // of two values, a high quantile is one of them
				f.Overfit = func(t testing.TB) (float64, float64) { return byHeart(t, base.Objective) }
			}
			modeltest.Run(t, f)
		})
	}
}

// byHeart is how far the answers about a batch are from it after many trees.
func byHeart(t testing.TB, o Objective) (distance, limit float64) {
	table := made(64, 1)
	table.Columns[4].Numbers = make([]float64, 64) // now every row is another
	for r := range 64 {
		table.Columns[4].Numbers[r], table.Split[r] = float64(r), bellwether.Train
	}
	m := fitted(t, Trainer{Objective: o, Trees: 300, Rate: .3, Rows: 1, Columns: 1, MinRows: 1, Leaves: 31, Patience: -1}, table)
	p := answers(t, m, table)
	for r, y := range table.Target {
		got := p[r*m.Outputs()]
		if o == Softmax {
			got = p[2*r+1]
		}
		distance = max(distance, math.Abs(got-y))
	}
	return distance, .05
}

// Rows of other columns, levels and order are read by name; what is missing or was never seen has an answer.
func TestPredictMatchesColumnsByName(t *testing.T) {
	m := fitted(t, Trainer{Trees: 20}, made(600, 1))
	predict := func(columns ...bellwether.Column) ([]float64, error) {
		return m.Predict(context.Background(), &bellwether.Table{Columns: columns})
	}
	age := bellwether.Column{Name: "age", Numbers: []float64{30, 55}}
	plan := bellwether.Column{Name: "plan", Codes: []int32{0, 1}, Levels: []string{"gold", "basic"}}
	swapped := bellwether.Column{Name: "plan", Codes: []int32{1, 0}, Levels: []string{"basic", "gold"}}
	one, err1 := predict(age, plan)
	two, err2 := predict(swapped, age)
	if err1 != nil || err2 != nil || one[0] != two[0] || one[1] != two[1] || one[0] == one[1] {
		t.Errorf("%v and %v for one table in two forms (%v, %v)", one, two, err1, err2)
	}
	none := bellwether.Column{Name: "plan", Codes: []int32{-1, 0}, Levels: []string{"platinum"}}
	one, _ = predict(age, none)
	two, err := predict(age)
	if err != nil || one[0] != two[0] || one[1] != two[1] {
		t.Errorf("a missing column gives %v, missing and unheard-of levels %v (%v)", two, one, err)
	}
	if _, err := predict(bellwether.Column{Name: "age", Codes: []int32{0}, Levels: []string{"old"}}); err == nil || !strings.Contains(err.Error(), "age") {
		t.Errorf("a category where a number was: %v", err)
	}
}

func TestTrainerRefuses(t *testing.T) {
	x := bellwether.Column{Name: "x", Numbers: []float64{1, 2, 3}}
	table := func(y ...float64) *bellwether.Table {
		return &bellwether.Table{Target: y, Columns: []bellwether.Column{x}}
	}
	c := bellwether.Column{Name: "c", Codes: []int32{0, 1, 0}, Levels: []string{"a", "b"}}
	for name, f := range map[string]struct {
		tr    Trainer
		table *bellwether.Table
		says  string
	}{
		"no table":               {Trainer{}, nil, "no table"},
		"no rows":                {Trainer{}, &bellwether.Table{}, "no table"},
		"one row":                {Trainer{}, &bellwether.Table{Target: []float64{1}, Columns: []bellwether.Column{{Name: "x", Numbers: []float64{1}}}}, "training rows"},
		"not 0 or 1":             {Trainer{}, table(1, 2, 0), "0 or 1"},
		"NaN":                    {Trainer{Objective: Squared}, table(1, math.NaN(), 0), "needs a number"},
		"half a class":           {Trainer{Objective: Softmax}, table(1, .5, 0), "classes are"},
		"one class":              {Trainer{Objective: Softmax}, table(0, 0, 0), "one class"},
		"too large":              {Trainer{Objective: Squared}, table(1, 1e39, 0), "too large"},
		"no columns":             {Trainer{}, &bellwether.Table{Target: []float64{1, 0, 0}}, "values differ"},
		"constant":               {Trainer{}, &bellwether.Table{Target: []float64{1, 0, 0}, Columns: []bellwether.Column{{Name: "x", Numbers: []float64{2, 2, 2}}}}, "values differ"},
		"short":                  {Trainer{}, &bellwether.Table{Target: []float64{1, 0}, Columns: []bellwether.Column{x}}, "rows"},
		"code":                   {Trainer{}, &bellwether.Table{Target: []float64{1, 0, 0}, Columns: []bellwether.Column{{Name: "c", Codes: []int32{0, 1, 5}, Levels: []string{"a"}}}}, "beyond"},
		"bins":                   {Trainer{Bins: 256}, table(1, 0, 0), "Bins"},
		"rate":                   {Trainer{Rate: -1}, table(1, 0, 0), "Rate"},
		"monotone column":        {Trainer{Monotone: map[string]int{"y": 1}}, table(1, 0, 0), `"y"`},
		"monotone sign":          {Trainer{Monotone: map[string]int{"x": 2}}, table(1, 0, 0), "say 1"},
		"monotone of a category": {Trainer{Monotone: map[string]int{"c": 1}}, &bellwether.Table{Target: []float64{1, 0, 0}, Columns: []bellwether.Column{c}}, "no order"},
	} {
		_, err := f.tr.Train(context.Background(), &bellwether.Dataset{Table: f.table}, nil)
		if err == nil || !strings.Contains(err.Error(), f.says) {
			t.Errorf("%s: error %v, want one that says %q", name, err, f.says)
		}
	}
}

func FuzzLoad(f *testing.F) {
	var b bytes.Buffer
	if err := fitted(f, Trainer{Trees: 2, MinRows: 2}, made(100, 1)).Save(&b); err != nil {
		f.Fatal(err)
	}
	w, _ := nn.ReadWeights(&b)
	for _, a := range w.Arrays {
		if a.Floats == nil {
			f.Add(a.Name, a.Bytes)
		}
	}
	f.Fuzz(func(t *testing.T, name string, data []byte) { // without a checksum: one array is another
		o := *w
		o.Arrays = append([]nn.Array(nil), w.Arrays...)
		if a := o.Array(name); a != nil && a.Floats == nil {
			a.Bytes = data
		}
		if m, err := restore(&o); err == nil {
			_ = answers(t, m, made(10, 1))
			_, _ = m.Explain(context.Background(), made(3, 1))
		}
	})
}
