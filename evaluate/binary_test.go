package evaluate

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"bellwether"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func binary(t *testing.T, p, y []float64, o BinaryOptions) map[string]bellwether.Estimate {
	t.Helper()
	e, err := Binary(p, y, o)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// TestBinaryByHand has the figures of scikit-learn 1.5's documentation for roc_auc_score and
// average_precision_score; the others are computed by hand.
func TestBinaryByHand(t *testing.T) {
	got := map[string]float64{}
	for name, e := range binary(t, []float64{.1, .4, .35, .8}, []float64{0, 0, 1, 1}, BinaryOptions{Threshold: .38}) {
		got[name] = e.Value
	}
	want := map[string]float64{
		"auc": .75, "pr-auc": .8333333333, "accuracy": .5, "precision": .5, "recall": .5, "f1": .5,
		"logloss":     -(math.Log(.9) + math.Log(.6) + math.Log(.35) + math.Log(.8)) / 4,
		"brier":       (.01 + .16 + .4225 + .04) / 4,
		"ece":         (.1 + .4 + .65 + .2) / 4,
		"lift@decile": 2,
	}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b float64) bool { return math.Abs(a-b) < 1e-9 })); diff != "" {
		t.Error(diff)
	}
}

func TestConstantProbability(t *testing.T) {
	p, y := make([]float64, 1000), make([]float64, 1000)
	for i := range p {
		p[i] = .5
		if i%10 < 3 {
			y[i] = 1
		}
	}
	got := binary(t, p, y, BinaryOptions{})
	for name, want := range map[string]float64{"auc": .5, "pr-auc": .3, "ece": .2, "lift@decile": 1, "recall": 1, "precision": .3} {
		if e := got[name]; math.Abs(e.Value-want) > 1e-9 {
			t.Errorf("%s is %v, want %v", name, e.Value, want)
		}
	}
}

// TestAUCCountsPairs compares with the definition on small integers, which tie often.
func TestAUCCountsPairs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 40).Draw(t, "n")
		p, y := make([]float64, n), make([]float64, n)
		for i := range p {
			p[i] = float64(rapid.IntRange(0, 8).Draw(t, "p")) / 8
			y[i] = float64(rapid.IntRange(0, 1).Draw(t, "y"))
		}
		right, pairs := 0.0, 0.0
		for i := range p {
			for j := range p {
				if y[i] == 1 && y[j] == 0 {
					pairs++
					switch {
					case p[i] > p[j]:
						right++
					case p[i] == p[j]:
						right += .5
					}
				}
			}
		}
		e, err := Binary(p, y, BinaryOptions{Bootstrap: -1})
		if err != nil {
			t.Fatal(err)
		}
		got, defined := e["auc"]
		if defined != (pairs > 0) {
			t.Fatalf("AUC given: %v, of %v pairs", defined, pairs)
		}
		if defined && math.Abs(got.Value-right/pairs) > 1e-12 {
			t.Fatalf("AUC %v, want %v", got.Value, right/pairs)
		}
	})
}

// TestCountsAreRepeats: a row counted three times is the row written three times.
func TestCountsAreRepeats(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 30).Draw(t, "n")
		var p, y, longP, longY []float64
		counts := make([]int32, n)
		for i := range n {
			p = append(p, float64(rapid.IntRange(0, 20).Draw(t, "p"))/20)
			y = append(y, float64(rapid.IntRange(0, 1).Draw(t, "y")))
			counts[i] = int32(rapid.IntRange(0, 3).Draw(t, "count"))
			for range counts[i] {
				longP, longY = append(longP, p[i]), append(longY, y[i])
			}
		}
		if len(longP) == 0 {
			return
		}
		short, err := newRows(p, y, BinaryOptions{})
		if err != nil {
			t.Fatal(err)
		}
		long, err := newRows(longP, longY, BinaryOptions{})
		if err != nil {
			t.Fatal(err)
		}
		sorted, ones := make([]int32, n), make([]int32, len(longP))
		for i, at := range short.places() {
			sorted[at] = counts[i]
		}
		for i := range ones {
			ones[i] = 1
		}
		got, want := make([]float64, figures), make([]float64, figures)
		short.sweep(sorted, got)
		long.sweep(ones, want)
		if diff := cmp.Diff(want, got, nearly); diff != "" {
			t.Fatal(diff)
		}
	})
}

// calibrated draws probabilities and classes that follow them, moved by bias.
func calibrated(n int, bias float64, seed uint64) (p, y []float64) {
	rng := rand.New(rand.NewPCG(seed, 1))
	for range n {
		v := rng.Float64()
		p = append(p, v)
		y = append(y, 0)
		if rng.Float64() < v+bias {
			y[len(y)-1] = 1
		}
	}
	return p, y
}

// TestKnownTruth: for p uniform and y ~ Bernoulli(p), AUC = 5/6, Brier = 1/6, log-loss = 1/2 and
// accuracy = 3/4. Of 100 worlds, 90 % intervals must cover 82 to 97 times (docs/science.md §0).
func TestKnownTruth(t *testing.T) {
	truth := map[string]float64{"auc": 5. / 6, "brier": 1. / 6, "logloss": .5, "accuracy": .75}
	covered := map[string]int{}
	for seed := range uint64(100) {
		p, y := calibrated(800, 0, seed)
		for name, e := range binary(t, p, y, BinaryOptions{Level: .9, Bootstrap: 200, Seed: seed}) {
			if want, ok := truth[name]; ok && e.Interval[0] <= want && want <= e.Interval[1] {
				covered[name]++
			}
		}
	}
	for name := range truth {
		if n := covered[name]; n < 82 || n > 97 {
			t.Errorf("%s: %d of 100 intervals of level 0.9 hold the truth", name, n)
		}
	}
}

func TestCalibrationError(t *testing.T) {
	p, y := calibrated(20000, 0, 1)
	good := binary(t, p, y, BinaryOptions{Bootstrap: 200})["ece"]
	if good.Value > .02 || len(good.Warnings) > 0 {
		t.Errorf("ECE of calibrated probabilities: %+v", good)
	}
	if lo, hi := good.Interval[0], good.Interval[1]; lo > good.Value || hi < good.Value || lo > .005 {
		t.Errorf("the interval of a calibrated model's ECE is %v around %v", good.Interval, good.Value)
	}
	p, y = calibrated(20000, .1, 1)
	bad := binary(t, p, y, BinaryOptions{Bootstrap: 200})["ece"]
	// P(y) = min(1, p + .1) is off by .1 except in the last tenth, where by .05 on average.
	if math.Abs(bad.Value-.095) > .01 || bad.Interval[0] > .095 || bad.Interval[1] < .095 {
		t.Errorf("ECE of probabilities off by .1: %+v", bad)
	}
	if len(bad.Warnings) != 1 || !strings.Contains(bad.Warnings[0], "calibrate") {
		t.Errorf("warnings %q", bad.Warnings)
	}
	if _, err := ProfitThreshold(1, 4, bad); err == nil {
		t.Error("a threshold by profit was given for probabilities that are off")
	}
	if got, err := ProfitThreshold(1, 4, good); err != nil || got != .25 {
		t.Errorf("threshold %v, %v; a contact of 1 that may bring 4 pays from .25", got, err)
	}
}

// TestUncalibrated: probabilities are withheld where their error is above .05 beyond chance, and where nobody looked.
func TestUncalibrated(t *testing.T) {
	for name, test := range map[string]struct {
		figures  map[string]bellwether.Estimate
		withheld bool
	}{
		"fine":                {map[string]bellwether.Estimate{"ece": {Value: .02, Interval: []float64{.01, .04}}}, false},
		"perhaps fine":        {map[string]bellwether.Estimate{"ece": {Value: .08, Interval: []float64{.03, .1}}}, false},
		"off beyond chance":   {map[string]bellwether.Estimate{"ece": {Value: .08, Interval: []float64{.06, .1}}}, true},
		"off, no interval":    {map[string]bellwether.Estimate{"ece": {Value: .08}}, true},
		"fine, no interval":   {map[string]bellwether.Estimate{"ece": {Value: .04}}, false},
		"never checked":       {map[string]bellwether.Estimate{"auc": {Value: .9}}, true},
		"no number":           {map[string]bellwether.Estimate{"ece": {Value: math.NaN()}}, true},
		"no number at an end": {map[string]bellwether.Estimate{"ece": {Value: .1, Interval: []float64{math.NaN(), .1}}}, true},
	} {
		if got := Uncalibrated(test.figures); (got != "") != test.withheld {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// TestProfitThresholdIsBest: no other threshold earns more on calibrated probabilities.
func TestProfitThresholdIsBest(t *testing.T) {
	p, y := calibrated(50000, 0, 9)
	profit := func(threshold float64) (sum float64) {
		for i := range p {
			if p[i] >= threshold {
				sum += 5*y[i] - 1
			}
		}
		return sum
	}
	best, err := ProfitThreshold(1, 5, bellwether.Estimate{})
	if err != nil {
		t.Fatal(err)
	}
	for _, other := range []float64{0, .05, .1, .3, .4, .5} {
		if profit(other) >= profit(best) {
			t.Errorf("threshold %v earns %v, τ* = %v earns %v", other, profit(other), best, profit(best))
		}
	}
	for _, bad := range [][2]float64{{2, 1}, {-1, 1}, {1, 0}, {math.NaN(), 1}, {1, math.Inf(1)}} {
		if _, err := ProfitThreshold(bad[0], bad[1], bellwether.Estimate{}); err == nil {
			t.Errorf("a threshold for cost %v and value %v", bad[0], bad[1])
		}
	}
}

func TestFewPositives(t *testing.T) {
	p, y := make([]float64, 500), make([]float64, 500)
	for i := range p {
		p[i] = .1
		if i < 49 {
			y[i] = 1
		}
	}
	for name, e := range binary(t, p, y, BinaryOptions{}) {
		if !strings.Contains(e.Withheld, "49 positives") {
			t.Errorf("%s of 49 positives is not withheld: %+v", name, e)
		}
	}
	y[49] = 1
	e := binary(t, p, y, BinaryOptions{})["accuracy"]
	if e.Withheld != "" || len(e.Warnings) != 1 || !strings.Contains(e.Warnings[0], "larger class") {
		t.Errorf("accuracy of a constant: %+v", e)
	}
}

func TestOneClass(t *testing.T) {
	e := binary(t, []float64{.2, .9}, []float64{0, 0}, BinaryOptions{})
	for _, name := range []string{"auc", "pr-auc", "recall", "lift@decile"} {
		if _, ok := e[name]; ok {
			t.Errorf("%s is given for one class", name)
		}
	}
	if e["accuracy"].Value != .5 {
		t.Errorf("accuracy %v", e["accuracy"].Value)
	}
}

func TestBinaryErrors(t *testing.T) {
	for _, c := range []struct {
		p, y []float64
		want string
	}{
		{[]float64{.5, math.NaN()}, []float64{0, 1}, "row 1 has the probability NaN"},
		{[]float64{1.5}, []float64{0}, "row 0 has the probability 1.5"},
		{[]float64{.5}, []float64{2}, "row 0 has the class 2"},
		{[]float64{.5}, nil, "1 probabilities for 0 classes"},
		{nil, nil, "at least one"},
	} {
		if _, err := Binary(c.p, c.y, BinaryOptions{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, %v: error %v, want %q", c.p, c.y, err, c.want)
		}
	}
}

func TestCompareBinary(t *testing.T) {
	p, y := calibrated(3000, 0, 2)
	worse := slices.Clone(p)
	rng := rand.New(rand.NewPCG(5, 5))
	for i := range worse {
		worse[i] = .7*worse[i] + .3*rng.Float64()
	}
	e, err := CompareBinary(p, worse, y, BinaryOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if got := e["auc"]; !(got.Interval[0] > 0) {
		t.Errorf("AUC of the better model minus the worse: %+v", got)
	}
	if got := e["logloss"]; !(got.Interval[1] < 0) {
		t.Errorf("log-loss of the better model minus the worse: %+v", got)
	}
	a, b := binary(t, p, y, BinaryOptions{})["auc"].Value, binary(t, worse, y, BinaryOptions{})["auc"].Value
	if math.Abs(e["auc"].Value-(a-b)) > 1e-12 {
		t.Errorf("difference %v, want %v", e["auc"].Value, a-b)
	}
}

func TestCheckLeaks(t *testing.T) {
	const n = 400
	table := &bellwether.Table{Columns: []bellwether.Column{
		{Name: "honest", Numbers: make([]float64, n)},
		{Name: "refunded", Numbers: make([]float64, n)},
		{Name: "status", Codes: make([]int32, n), Levels: []string{"active", "cancelled"}},
		{Name: "customer", Codes: make([]int32, n)},
	}}
	rng := rand.New(rand.NewPCG(1, 1))
	for i := range n {
		y := float64(rng.IntN(2))
		table.Target = append(table.Target, y)
		table.Columns[0].Numbers[i] = y + rng.NormFloat64()
		table.Columns[1].Numbers[i] = -y
		table.Columns[2].Codes[i] = int32(y)
		table.Columns[3].Codes[i] = int32(i) // one level a row is no leak
	}
	table.Columns[1].Numbers[7] = math.NaN()
	err := CheckLeaks(table)
	if err == nil || !strings.Contains(err.Error(), "refunded") || !strings.Contains(err.Error(), "status") {
		t.Fatalf("error %v, want the leaks refunded and status", err)
	}
	if strings.Contains(err.Error(), "honest") || strings.Contains(err.Error(), "customer") {
		t.Errorf("an honest column is called a leak: %v", err)
	}
	if err := CheckLeaks(table, "refunded", "status"); err != nil {
		t.Errorf("allowed by name, and yet: %v", err)
	}
}

func TestSequenceWarnings(t *testing.T) {
	short, _ := world(9, []int32{1, 2}, []int32{1, 2}, []int32{1, 2, 3, 4})
	long, _ := world(9, []int32{1, 2}, []int32{1, 2, 3}, []int32{1, 2, 3, 4})
	if w := SequenceWarnings(short); len(w) != 1 || !strings.Contains(w[0], "popularity") {
		t.Errorf("warnings %q for a median of 2", w)
	}
	if w := SequenceWarnings(long); len(w) != 0 {
		t.Errorf("warnings %q for a median of 3", w)
	}
	if w := SequenceWarnings(&bellwether.Sequences{}); len(w) != 1 {
		t.Errorf("warnings %q for nobody", w)
	}
}
