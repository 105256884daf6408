package dnn

import (
	"bytes"
	"context"
	"encoding/json"
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

// made is a table whose target follows from its columns, n rows of which a fifth is for tests.
func made(n int) *bellwether.Table {
	rng := rand.New(rand.NewPCG(1, 2))
	age := bellwether.Column{Name: "age", Numbers: make([]float64, n)}
	plan := bellwether.Column{Name: "plan", Codes: make([]int32, n), Levels: []string{"gold", "basic", "unheard of"}}
	id := bellwether.Column{Name: "id", Codes: make([]int32, n)}
	t := &bellwether.Table{Target: make([]float64, n), Split: make([]bellwether.Split, n), Positive: "yes"}
	for r := range n {
		x := rng.NormFloat64()
		age.Numbers[r] = 40 + 10*x
		if r%9 == 0 {
			age.Numbers[r] = math.NaN()
		}
		plan.Codes[r] = int32(rng.IntN(2))
		id.Codes[r] = int32(r)
		id.Levels = append(id.Levels, fmt.Sprint("p", r))
		if rng.Float64() < 1/(1+math.Exp(-3*x*float64(1-2*plan.Codes[r]))) {
			t.Target[r] = 1
		}
		if r%5 == 4 {
			t.Split[r] = bellwether.Test
		}
	}
	t.Columns = []bellwether.Column{age, plan, id}
	return t
}

func load(r io.Reader) (bellwether.Model, error) { return Load(r) }

func outputs(t testing.TB, m bellwether.Model) []float64 {
	t.Helper()
	p, err := m.(bellwether.Classifier).Predict(context.Background(), made(50))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func family(base Trainer) modeltest.Family {
	base.Epochs = 4
	return modeltest.Family{
		Trainer: func(seed uint64, c bellwether.Checkpoint) bellwether.Trainer {
			base.Seed, base.Checkpoint = seed, c
			return base
		},
		Data:     func() *bellwether.Dataset { return &bellwether.Dataset{Digest: "made", Table: made(300)} },
		Load:     load,
		Outputs:  outputs,
		Poison:   func(d *bellwether.Dataset) { d.Table.Columns[0].Numbers[3] = math.Inf(1) },
		Seedless: base.Kind == Majority,
	}
}

func TestNetwork(t *testing.T) {
	f := family(Trainer{Hidden: []int{16, 8}})
	f.Overfit = func(t testing.TB) (float64, float64) {
		table := made(32) // its second half repeats the first, to choose the epoch
		for i := range table.Columns[:2] {
			c := &table.Columns[i]
			if c.Categorical() {
				copy(c.Codes[16:], c.Codes)
			} else {
				copy(c.Numbers[16:], c.Numbers)
			}
		}
		table.Columns[2].Numbers, table.Columns[2].Codes = make([]float64, 32), nil // now every row is another
		for r := range 32 {
			table.Columns[2].Numbers[r] = float64(r % 16)
			table.Split[r] = bellwether.Split(r / 16) // Train, Validation
		}
		copy(table.Target[16:], table.Target)
		tr := Trainer{Dropout: -1, Rate: 1e-2, Batch: 16, Epochs: 300}
		m, err := tr.Train(context.Background(), &bellwether.Dataset{Table: table}, nil)
		if err != nil {
			t.Fatal(err)
		}
		p, err := m.(*Model).Predict(context.Background(), table)
		if err != nil {
			t.Fatal(err)
		}
		worst := 0.0
		for r := range p {
			worst = max(worst, math.Abs(p[r]-table.Target[r]))
		}
		return worst, .05
	}
	modeltest.Run(t, f)
}

func TestLogistic(t *testing.T) { modeltest.Run(t, family(Trainer{Kind: Logistic})) }

func TestMajority(t *testing.T) {
	f := family(Trainer{Kind: Majority})
	f.Poison = func(d *bellwether.Dataset) { d.Table.Target[3] = math.NaN() }
	modeltest.Run(t, f)
	table := made(300)
	m, err := Trainer{Kind: Majority}.Train(context.Background(), &bellwether.Dataset{Table: table}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var share, n float64
	for r, y := range table.Target {
		if table.Split[r] != bellwether.Test {
			share, n = share+y, n+1
		}
	}
	if got := outputs(t, m)[0]; math.Abs(got-share/n) > .01 {
		t.Errorf("the majority says %g, the share is %g", got, share/n)
	}
}

func TestEncoder(t *testing.T) {
	table := &bellwether.Table{Columns: []bellwether.Column{
		{Name: "x", Numbers: []float64{1, 3, math.NaN(), 1, 3, 1, 3, 1, 3, 100}},
		{Name: "same", Numbers: []float64{2, 2, 2, 2, 2, 2, 2, 2, 2, 2}},
		{Name: "c", Codes: []int32{0, 1, 1, 1, 1, 1, 2, -1, 1, 1}, Levels: []string{"rare", "often", "once"}},
	}, Target: make([]float64, 10)}
	e, err := fitEncoder(table, []int{0, 1, 2, 3, 4, 5, 6, 7, 8}) // not the last row: an outlier of the test part
	if err != nil {
		t.Fatal(err)
	}
	got, err := e.encode(table, []int{0, 2, 1, 7})
	if err != nil {
		t.Fatal(err)
	}
	want := []float32{ // x, x missing, same, often, c missing, c rare
		-1, 0, 0, 0, 0, 1,
		0, 1, 0, 1, 0, 0,
		1, 0, 0, 1, 0, 0,
		-1, 0, 0, 0, 1, 0,
	}
	if len(got) != len(want) {
		t.Fatalf("%d inputs, want %d", len(got), len(want))
	}
	for i := range want {
		if math.Abs(float64(got[i]-want[i])) > 1e-6 {
			t.Fatalf("inputs %v\nwant   %v", got, want)
		}
	}
}

// Columns are matched by name: their order and number do not matter, nor do the codes of levels.
func TestPredictMatchesColumnsByName(t *testing.T) {
	m, err := Trainer{Epochs: 2}.Train(context.Background(), &bellwether.Dataset{Table: made(300)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	predict := func(columns ...bellwether.Column) ([]float64, error) {
		return m.(*Model).Predict(context.Background(), &bellwether.Table{Columns: columns})
	}
	age := bellwether.Column{Name: "age", Numbers: []float64{30, 50}}
	plan := bellwether.Column{Name: "plan", Codes: []int32{0, 1}, Levels: []string{"gold", "basic"}}
	swapped := bellwether.Column{Name: "plan", Codes: []int32{1, 0}, Levels: []string{"basic", "gold"}}
	one, err1 := predict(age, plan)
	two, err2 := predict(swapped, age)
	if err1 != nil || err2 != nil || one[0] != two[0] || one[1] != two[1] {
		t.Errorf("%v and %v for one table in two forms (%v, %v)", one, two, err1, err2)
	}
	missing := bellwether.Column{Name: "age", Numbers: []float64{math.NaN(), math.NaN()}}
	one, _ = predict(missing, plan)
	two, err = predict(plan)
	if err != nil || one[0] != two[0] {
		t.Errorf("a missing column gives %v, missing values %v (%v)", two, one, err)
	}
	if _, err := predict(bellwether.Column{Name: "age", Codes: []int32{0}, Levels: []string{"old"}}); err == nil || !strings.Contains(err.Error(), "age") {
		t.Errorf("a category where a number was: %v", err)
	}
}

func TestTrainerRefuses(t *testing.T) {
	for name, table := range map[string]*bellwether.Table{
		"no table":   nil,
		"no rows":    {},
		"one row":    {Target: []float64{1}},
		"not 0 or 1": {Target: []float64{1, 2, 0}, Columns: []bellwether.Column{{Name: "x", Numbers: []float64{1, 2, 3}}}},
		"no columns": {Target: []float64{1, 0, 0}},
		"short":      {Target: []float64{1, 0, 0}, Columns: []bellwether.Column{{Name: "x", Numbers: []float64{1, 2}}}},
	} {
		if _, err := (Trainer{}).Train(context.Background(), &bellwether.Dataset{Table: table}, nil); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func FuzzLoad(f *testing.F) {
	var b bytes.Buffer
	m, err := Trainer{Hidden: []int{3}, Epochs: 1}.Train(context.Background(), &bellwether.Dataset{Table: made(30)}, nil)
	if err != nil || m.Save(&b) != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	// Without a checksum the card itself is what is tried.
	w, _ := nn.ReadWeights(&b)
	f.Add([]byte(w.Card))
	f.Fuzz(func(t *testing.T, data []byte) {
		if m, err := Load(bytes.NewReader(data)); err == nil {
			_, _ = m.Predict(context.Background(), made(3))
		}
		var c card
		if json.Unmarshal(data, &c) == nil {
			_ = c.check(w)
		}
	})
}
