package trees

import (
	"math"
	"math/rand/v2"
	"testing"

	"bellwether"
)

// TestSlopes: gradients are those of the loss, by finite differences.
func TestSlopes(t *testing.T) {
	for _, l := range []loss{{Logistic, .5, 1}, {Squared, .5, 1}, {Absolute, .5, 1}, {Pinball, .9, 1}, {Softmax, .5, 3}} {
		scores, y := [][]float64{{.3, -2, 1.1}, {1.2, .5, -1}, {-.4, 0, 2}}[:l.outputs], []float64{1, 0, 1}
		at := func(row, output int, d float64) float64 {
			s := make([]float64, l.outputs)
			for k := range s {
				s[k] = scores[k][row]
			}
			s[output] += d
			return l.row(s, y[row])
		}
		given := scores
		if l.Objective == Softmax {
			given = make([][]float64, 3)
			for row := range y {
				p := []float64{scores[0][row], scores[1][row], scores[2][row]}
				softmax(p)
				for k := range p {
					given[k] = append(given[k], p[k])
				}
			}
		}
		half := 1.
		if l.Objective == Squared || l.Objective == Absolute {
			half = .5 // the slope is of half the square, and of half the distance
		}
		for k := range l.outputs {
			out := make([]slope, 3)
			l.slopes(out, given, y, k, 0, 3)
			for row := range out {
				const h = 1e-5
				if want := half * (at(row, k, h) - at(row, k, -h)) / (2 * h); math.Abs(float64(out[row].g)-want) > 1e-6 {
					t.Errorf("%v: slope %d of output %d is %g, finite differences give %g", l.Objective, row, k, out[row].g, want)
				}
			}
		}
	}
}

// wave is a table of numbers: y = sin(x) + noise whose spread grows with z.
func wave(n int) *bellwether.Table {
	rng := rand.New(rand.NewPCG(5, 5))
	x, z := bellwether.Column{Name: "x", Numbers: make([]float64, n)}, bellwether.Column{Name: "z", Numbers: make([]float64, n)}
	t := &bellwether.Table{Target: make([]float64, n), Split: make([]bellwether.Split, n)}
	for r := range n {
		x.Numbers[r], z.Numbers[r] = 6*rng.Float64(), rng.Float64()
		t.Target[r] = math.Sin(x.Numbers[r]) + (.1+z.Numbers[r])*rng.NormFloat64()
		t.Split[r] = bellwether.Split(b2i(r%2 == 1) * int(bellwether.Test))
	}
	t.Columns = []bellwether.Column{x, z}
	return t
}

// TestNumbers: means, medians and quantiles of a truth that is known.
func TestNumbers(t *testing.T) {
	table := wave(20_000)
	for _, c := range []struct {
		o        Objective
		quantile float64
		normal   float64 // the quantile of a standard normal
		most     float64 // mean distance from the truth
	}{{Squared, 0, 0, .08}, {Absolute, 0, 0, .09}, {Pinball, .9, 1.2816, .13}, {Pinball, .1, -1.2816, .13}} {
		m := fitted(t, Trainer{Objective: c.o, Quantile: c.quantile, Trees: 300, Rate: .05}, table)
		p := answers(t, m, table)
		var off, below, n float64
		for r, s := range table.Split {
			if s == bellwether.Test {
				truth := math.Sin(table.Columns[0].Numbers[r]) + c.normal*(.1+table.Columns[1].Numbers[r])
				off, n = off+math.Abs(p[r]-truth), n+1
				below += float64(b2i(table.Target[r] <= p[r]))
			}
		}
		t.Logf("%v %g: %.3f from the truth, %.3f of rows below, %d rounds", c.o, c.quantile, off/n, below/n, m.Rounds())
		if off/n > c.most {
			t.Errorf("%v %g: %g from the truth, more than %g", c.o, c.quantile, off/n, c.most)
		}
		if c.quantile > 0 && math.Abs(below/n-c.quantile) > .025 {
			t.Errorf("the quantile %g is above %g of the rows", c.quantile, below/n)
		}
	}
}

// TestClasses: of three classes, probabilities sum to one and each is found where it is.
func TestClasses(t *testing.T) {
	table := wave(3000)
	for r := range table.Target {
		table.Target[r] = math.Floor(table.Columns[0].Numbers[r] / 2)
	}
	m := fitted(t, Trainer{Objective: Softmax, Trees: 60, Rate: .1}, table)
	p := answers(t, m, table)
	if m.Outputs() != 3 {
		t.Fatalf("%d outputs", m.Outputs())
	}
	wrong := 0
	for r, y := range table.Target {
		row := p[3*r : 3*r+3]
		if math.Abs(row[0]+row[1]+row[2]-1) > 1e-12 {
			t.Fatalf("row %d: %v", r, row)
		}
		if row[int(y)] < .5 {
			wrong++
		}
	}
	if wrong > 30 {
		t.Errorf("%d of 3000 rows in a wrong class", wrong)
	}
	if _, err := m.Predict(t.Context(), table); err == nil {
		t.Error("one answer a row, of three classes")
	}
}
