package sequence

import (
	"context"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"bellwether"
)

const day = 86_400.

// leavers are n people who come for the first time within 300 days and leave for ever with a probability after each event; the others wait
// for an exponential time of mean 2 days. Everything is known until day 300.
func leavers(n int, leave float64, seed uint64) *bellwether.Dataset {
	rng := rand.New(rand.NewPCG(seed, 9))
	q := &bellwether.Sequences{Types: []bellwether.EventType{bellwether.ViewItem}}
	for i := range 20 {
		q.Items = append(q.Items, bellwether.ItemID(rune('a'+i)))
	}
	begin, end := int64(1.7e9), int64(1.7e9+300*day)
	for p := range n {
		var steps []bellwether.Step
		for at := begin + int64(rng.Float64()*290*day); at < end; at += 1 + int64(rng.ExpFloat64()*2*day) {
			steps = append(steps, bellwether.Step{Item: int32((p + len(steps)) % 20), Time: at})
			if rng.Float64() < leave {
				break
			}
		}
		q.Steps = append(q.Steps, steps)
		if k := len(steps); k >= 3 {
			q.TrainEnd = append(q.TrainEnd, k-2)
			q.Validation = append(q.Validation, bellwether.Target{Person: int32(p), At: int32(k - 2)})
			q.Test = append(q.Test, bellwether.Target{Person: int32(p), At: int32(k - 1)})
		} else {
			q.TrainEnd = append(q.TrainEnd, k)
		}
	}
	d := &bellwether.Dataset{Digest: "leavers", Sequences: q}
	d.AsOf = unix(end)
	return d
}

// TestLeavers: where one in five leaves for ever after each event, the probability of another event within 30 days of people last seen so
// long ago is within .03 of the truth. Learning from waits that ended alone says .8 and more.
func TestLeavers(t *testing.T) {
	d := leavers(4000, .2, 1)
	s := small()
	s.Tasks, s.Fields = map[string]float32{"wait": .1}, []string{"gap"}
	trained, err := Trainer{Settings: s, Epochs: 3}.Train(t.Context(), d, nil)
	if err != nil {
		t.Fatal(err)
	}
	m := trained.(*Model)
	if why := m.Calibration("wait").Withheld(); why != "" {
		t.Error(why)
	}
	c := m.Calibration("wait")
	left, came := 0., 0.
	for _, steps := range d.Sequences.Steps {
		came += float64(len(steps) - 1)
		if last := steps[len(steps)-1].Time; d.AsOf.Unix()-last > int64(20*day) {
			left++
		}
	}
	t.Logf("%.4f left", left/(left+came))
	t.Logf("calibration error %.4f, %.4f by chance, of %d cases within %s", c.Error, c.Chance, c.N, c.Horizon)
	stay := func(g float64) float64 { return .2 + .8*math.Exp(-g/2) }
	for _, ago := range []float64{.1, .5, 1, 2, 4, 6, 8, 10, 12, 20, 40} {
		truth := 1 - stay(ago+30)/stay(ago)
		worst, mean, n := 0., 0., 0.
		for p := 0; p < 4000; p += 40 {
			f, err := m.Forecast(context.Background(), [][]bellwether.Step{d.Sequences.Steps[p]})
			if err != nil {
				t.Fatal(err)
			}
			got := f[0].Within(ago*day, 30*day)
			mean, n, worst = mean+got, n+1, max(worst, math.Abs(got-truth))
		}
		t.Logf("last seen %4.1f days ago: %.3f, truth %.3f, the worst of %g people is off by %.3f", ago, mean/n, truth, n, worst)
		if math.Abs(mean/n-truth) > .03 {
			t.Errorf("last seen %g days ago: P(next within 30 d) is %.3f, truth %.3f", ago, mean/n, truth)
		}
	}
}

// TestLikelihood holds the loss of a gap to its definition and its gradient to finite differences.
func TestLikelihood(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	for _, w := range []gap{
		{length: 0, room: 9, closed: true},
		{length: 1, room: 1},
		{length: 5, room: 6, closed: true},
		{length: 5, room: 100, closed: true},
		{length: 5000, room: 5000},
		{length: 4096, room: 4096},
		{length: 8191, room: 8191},
		{length: 1 << 40, room: 1 << 40},
	} {
		x, dx := make([]float32, waitBuckets), make([]float32, waitBuckets)
		for i := range x {
			x[i] = rng.Float32()*4 - 2
		}
		w.likelihood(dx, x)
		for i := range x {
			const e = 1e-2
			up, down := append([]float32(nil), x...), append([]float32(nil), x...)
			up[i] += e
			down[i] -= e
			if want := (w.likelihood(make([]float32, waitBuckets), up) - w.likelihood(make([]float32, waitBuckets), down)) / (2 * e); math.Abs(want-float64(dx[i])) > 1e-3 {
				t.Errorf("%+v: gradient %d is %g, want %g", w, i, dx[i], want)
			}
		}
	}
	x := make([]float32, waitBuckets) // each hazard is a half
	for w, want := range map[gap]float64{
		{length: 4, room: 1000, closed: true}: 4 * math.Ln2,                           // three buckets survived, ended in the fourth
		{length: 4, room: 4}:                  3.001 * math.Ln2,                       // at the beginning of the fourth
		{length: 6, room: 6}:                  3.5 * math.Ln2,                         // half of the fourth
		{length: 5, room: 6, closed: true}:    3*math.Ln2 - math.Log(1-math.Sqrt(.5)), // the fourth could be seen to its middle
	} {
		if got := w.likelihood(make([]float32, waitBuckets), x); math.Abs(got-want) > 1e-6 {
			t.Errorf("%+v: %g, want %g", w, got, want)
		}
	}
}

// TestWithin: bucket 1 is a wait of 1 to 2 seconds, 2 of 2 to 4, 3 of 4 to 8.
func TestWithin(t *testing.T) {
	f := Forecast{Waits: make([]float64, waitBuckets)}
	f.Waits[1], f.Waits[2], f.Waits[31] = .5, .25, .25
	for _, c := range []struct{ gone, seconds, want float64 }{
		{0, 1, 0}, {0, 2, .5}, {0, 4, .75}, {0, 1e6, .75}, {0, 1e12, 1}, {2, 2, .5}, {4, 1e6, 0}, {4, 1e12, 1}, {1e12, 1, 1},
	} {
		if got := f.Within(c.gone, c.seconds); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("within %g s after %g: %g, want %g", c.seconds, c.gone, got, c.want)
		}
	}
	last := 0.
	for seconds := 0.; seconds < 8; seconds += .01 {
		p := f.Within(0, seconds)
		if p < last || p > .75 {
			t.Fatalf("within %g s: %g after %g", seconds, p, last)
		}
		last = p
	}
	// Exponential waits of a mean of 100 s: the interpolation is near the truth everywhere.
	left := 1.
	for j := range f.Waits {
		next := math.Exp(-bucketStart(j+1) / 100)
		f.Waits[j], left = left-next, next
	}
	for _, seconds := range []float64{20, 50, 90, 100, 170, 300} {
		if got, want := f.Within(0, seconds), 1-math.Exp(-seconds/100); math.Abs(got-want) > .02 {
			t.Errorf("within %g s: %g, want %g", seconds, got, want)
		}
	}
}

// TestCalibration: what is calibrated passes, what is not is withheld, and so is what was never or hardly checked.
func TestCalibration(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	cases := func(n int, off float64) (out []outcome) {
		for range n {
			p := rng.Float64() * .8
			out = append(out, outcome{p, rng.Float64() < p+off})
		}
		return out
	}
	for name, test := range map[string]struct {
		c    *Calibration
		want string
	}{
		"calibrated":         {calibrationOf(cases(5000, 0)), ""},
		"few and noisy":      {calibrationOf(cases(200, 0)), ""},
		"off by a tenth":     {calibrationOf(cases(5000, .1)), "calibration error"},
		"few":                {calibrationOf(cases(99, 0)), "too few"},
		"never checked":      {nil, "never checked"},
		"not a number":       {&Calibration{N: 1000, Error: math.NaN()}, "calibration error"},
		"off by .06":         {&Calibration{N: 1000, Error: .06, Chance: .009}, "calibration error"},
		"off by .06 and .02": {&Calibration{N: 1000, Error: .06, Chance: .02}, ""},
	} {
		if got := test.c.Withheld(); (got == "") != (test.want == "") || !strings.Contains(got, test.want) {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func unix(at int64) time.Time { return time.Unix(at, 0).UTC() }

// TestGapsOnce: each wait of people, however long their history, is there once, and the last one is open until the data end.
func TestGapsOnce(t *testing.T) {
	d := leavers(50, .02, 3) // some 50 events each, in windows of 10
	s := small()
	s.Tasks, s.Fields = map[string]float32{"wait": .1}, []string{"gap"}
	r, err := Trainer{Settings: s}.prepare(d)
	if err != nil {
		t.Fatal(err)
	}
	r.model.pack()
	g, err := r.gapsOf(t.Context(), d.AsOf.Unix())
	if err != nil {
		t.Fatal(err)
	}
	seen := map[gap]int{}
	for _, w := range g.rows {
		seen[w]++
	}
	for p, steps := range d.Sequences.Steps {
		for i := range steps {
			end, closed := d.AsOf.Unix(), false
			if i+1 < len(steps) {
				end, closed = steps[i+1].Time, true
			}
			w := gap{person: int32(p), start: steps[i].Time, length: end - steps[i].Time, room: d.AsOf.Unix() - steps[i].Time, closed: closed}
			if seen[w] != 1 {
				t.Fatalf("person %d, step %d of %d: the wait is there %d times", p, i, len(steps), seen[w])
			}
		}
	}
	if len(g.rows) != d.Sequences.Count() || len(g.states) != len(g.rows)*s.Dim {
		t.Errorf("%d waits and %d numbers of states of %d steps", len(g.rows), len(g.states), d.Sequences.Count())
	}
}
