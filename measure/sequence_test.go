package measure

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestConfidenceSequenceSurvivesPeeking: 100 looks at skewed data without an effect. Welch's interval is left
// by far more than 5 % of the runs, the sequence's by at most .05 + 3 SE (SCIENCE §9).
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
