package measure

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestConfidenceSequenceSurvivesPeeking: 100 looks at skewed data without an effect. Welch's interval is left
// by far more than 5 % of the runs, the sequence's by at most .05 + 3 SE (docs/science.md §9).
func TestConfidenceSequenceSurvivesPeeking(t *testing.T) {
	const runs, looks, each = 400, 100, 20
	rng := rand.New(rand.NewPCG(41, 1))
	s := Sequential{Planned: looks * each}
	var peeking, sequence float64
	for range runs {
		var n, s1, s0, q1, q0 float64
		hitP, hitS := false, false
		for range looks {
			for range each {
				a, b := rng.ExpFloat64(), rng.ExpFloat64()
				n, s1, s0, q1, q0 = n+1, s1+a, s0+b, q1+a*a, q0+b*b
			}
			variance := (q1-s1*s1/n)/(n-1) + (q0-s0*s0/n)/(n-1)
			d := math.Abs(s1-s0) / n
			hitP = hitP || d > 1.96*math.Sqrt(variance/n)
			hitS = hitS || d > s.HalfWidth(n, variance)
		}
		peeking += indicator(hitP) / runs
		sequence += indicator(hitS) / runs
	}
	t.Logf("false positives with %d looks: fixed interval %.3f, confidence sequence %.3f", looks, peeking, sequence)
	if limit := 0.05 + 3*math.Sqrt(0.05*0.95/runs); sequence > limit {
		t.Errorf("the confidence sequence is left by %.3f, over %.3f", sequence, limit)
	}
	if peeking < 0.2 {
		t.Errorf("peeking at a fixed interval gives only %.3f: this world does not tell them apart", peeking)
	}
	y, _ := normal(rng, 500, 1, 1, 0)
	if e := s.Difference(y, y[:100]); len(e.Interval) != 2 || e.Level != 0.95 {
		t.Errorf("no interval: %+v", e)
	}
}

// TestPower plans a test, and then runs it: the planned power must come out.
func TestPower(t *testing.T) {
	p := Power{SD: 3}
	share, err := p.HoldoutShare(1, 1000)
	if err != nil {
		t.Fatal(err)
	}
	if e := p.MinimalEffect(1000, share); math.Abs(e-1) > 1e-6 {
		t.Errorf("a share of %.4f shows %.6f, not 1", share, e)
	}
	if n := p.People(1, share); n < 999 || n > 1001 {
		t.Errorf("%d people, not 1000", n)
	}
	rng := rand.New(rand.NewPCG(51, 1))
	const runs = 600
	found := 0.0
	for range runs {
		y1, _ := normal(rng, int(1000*(1-share)), 6, 3, 0)
		y0, _ := normal(rng, int(1000*share), 5, 3, 0)
		found += indicator(Compare(y1, y0, 0.95, "Welch").Absolute.Interval[0] > 0) / runs
	}
	if math.Abs(found-0.8) > 0.06 {
		t.Errorf("power is %.3f, planned .8", found)
	}
	if _, err := p.HoldoutShare(0.1, 100); err == nil {
		t.Error("100 people are to show an effect of a thirtieth of the standard deviation")
	}
	if half := (Power{SD: 3, Correlation: 0.8}).MinimalEffect(1000, share); math.Abs(half-0.6) > 1e-6 {
		t.Errorf("CUPED with ρ = .8 shows %.3f, want .6", half)
	}
}

// TestAnytimeHoldsHoweverLarge: 400 looks at A/A tests between 20 and 100,000 people an arm, of skewed figures: the interval leaves 0 in
// at most .05 + 3 SE of the runs.
func TestAnytimeHoldsHoweverLarge(t *testing.T) {
	const runs = 400
	at := looks(400, 20, 100_000)
	for name, s := range map[string]Sequential{"the default": {}, "a plan": {Planned: (&Plan{People: 20_000, Share: 0.5}).reference()}} {
		rng := rand.New(rand.NewPCG(43, 1))
		alarms := 0.0
		for range runs {
			var a, b running
			left := false
			for _, n := range at {
				for a.n < n {
					a.add(rng.ExpFloat64())
					b.add(rng.ExpFloat64())
				}
				e := s.difference(a.sample(), b.sample())
				left = left || e.Interval[0] > 0 || e.Interval[1] < 0
			}
			alarms += indicator(left) / runs
		}
		t.Logf("%s: false alarms %.4f", name, alarms)
		if limit := 0.05 + 3*math.Sqrt(0.05*0.95/runs); alarms > limit {
			t.Errorf("%s: false alarms %.4f, limit %.4f", name, alarms, limit)
		}
	}
}

// TestAResetReferenceIsNotAnytime: with the reference size reset to the size at each look the width is always 3.04 standard errors, and
// false alarms grow without end, though slowly (the law of the iterated logarithm): looked at 4,000 times up to 10⁹ people an
// arm it alarms well over .05, where the fixed reference does not. Means of normal figures are drawn from look to look.
func TestAResetReferenceIsNotAnytime(t *testing.T) {
	const runs = 400
	alarms := func(planned func(n float64) float64) float64 {
		rng := rand.New(rand.NewPCG(47, 1))
		out := 0.0
		for range runs {
			sum, before, left := 0.0, 0.0, false
			for _, n := range looks(4000, 20, 1e9) {
				sum += math.Sqrt(2*(n-before)) * rng.NormFloat64() // of the difference
				before = n
				left = left || math.Abs(sum/n) > Sequential{Planned: planned(n)}.HalfWidth(n, 2)
			}
			out += indicator(left) / runs
		}
		return out
	}
	fixed, reset := alarms(func(float64) float64 { return 0 }), alarms(func(n float64) float64 { return n })
	t.Logf("false alarms: fixed reference %.4f, reset %.4f", fixed, reset)
	if limit := 0.05 + 3*math.Sqrt(0.05*0.95/runs); fixed > limit || reset <= limit {
		t.Errorf("false alarms: fixed reference %.4f, reset %.4f, limit %.4f", fixed, reset, limit)
	}
}

// looks are sizes from least to most, evenly spaced in their logarithm.
func looks(count int, least, most float64) []float64 {
	out := make([]float64, count)
	for i := range out {
		out[i] = math.Round(least * math.Pow(most/least, float64(i)/float64(count-1)))
	}
	return out
}

// running adds values up.
type running struct{ n, sum, squares float64 }

func (r *running) add(v float64) { r.n, r.sum, r.squares = r.n+1, r.sum+v, r.squares+v*v }

func (r *running) sample() sample {
	return sample{n: r.n, mean: r.sum / r.n, variance: (r.squares - r.sum*r.sum/r.n) / (r.n - 1)}
}

// TestTheReferenceStaysFixed: reports of a shop of 500 and of 4,000 people name the same reference size, the plan's or the default.
func TestTheReferenceStaysFixed(t *testing.T) {
	for _, c := range []struct {
		plan *Plan
		want string
	}{
		{nil, "confidence sequence, tightest at 5000 people an arm"},
		{&Plan{People: 2000, Share: 0.2}, "confidence sequence, tightest at 640 people an arm"},
		{&Plan{People: 2000}, "confidence sequence, tightest at 5000 people an arm"}, // it found no share
	} {
		for _, n := range []int{500, 4000} {
			s := newStudy(t, StudyOptions{Join: options(1000), HoldoutShare: 0.2})
			addAll(t, s, costWorld(n, rand.New(rand.NewPCG(3, 1)), 1, 0, 0)...)
			if got := reportOf(t, s, ReportInput{Planned: c.plan}).Earned.Anytime.Method; got != c.want {
				t.Errorf("with %d people: %q, want %q", n, got, c.want)
			}
		}
	}
}
