package measure

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"bellwether"
)

// policyWorld draws decisions of five policies: uniform, softmax, ε-greedy, a threshold over two
// actions, and slates of three by Plackett–Luce.
func policyWorld(n int, rng *rand.Rand) []bellwether.Decision {
	var out []bellwether.Decision
	for i := range n {
		scores := make([]float64, 8)
		for k := range scores {
			scores[k] = rng.NormFloat64()
		}
		softmax := floored(scores, 0.02)
		greedy := make([]float64, len(scores))
		for k := range greedy {
			greedy[k] = 0.1 / 8
		}
		best := 0
		for k := range scores {
			if scores[k] > scores[best] {
				best = k
			}
		}
		greedy[best] += 0.9
		threshold := []float64{0.95, 0.05}
		if scores[0] > 0 {
			threshold = []float64{0.05, 0.95}
		}
		uniform := floored(make([]float64, 8), 1)
		for policy, p := range map[string][]float64{"uniform/1": uniform, "softmax/1": softmax, "epsilon-greedy/1": greedy, "threshold/1": threshold, "slate/1": softmax} {
			out = append(out, drawDecision(fmt.Sprintf("%s-%d", policy, i), policy, p, rng))
		}
	}
	return out
}

func drawDecision(id, policy string, p []float64, rng *rand.Rand) bellwether.Decision {
	d := bellwether.Decision{ID: bellwether.DecisionID(id), Subject: bellwether.Subject(id), Surface: "home", Time: epoch, Policy: bellwether.PolicyID(policy), Evaluable: true}
	for k, v := range p {
		d.Candidates = append(d.Candidates, bellwether.Candidate{Action: fmt.Sprintf("a%d", k), Propensity: v})
	}
	if policy == "slate/1" {
		d.Slate, d.Actions = true, drawList(p, 3, rng)
		d.Propensity = bellwether.SlatePropensity(p, d.Actions)
		return d
	}
	a := pick(p, rng)
	d.Actions, d.Propensity = []int{a}, p[a]
	return d
}

// drawList draws k of p without replacement, one after the other.
func drawList(p []float64, k int, rng *rand.Rand) []int {
	rest, list := append([]float64(nil), p...), []int(nil)
	for range k {
		a := pick(normalised(rest), rng)
		rest[a] = 0
		list = append(list, a)
	}
	return list
}

func propensityFailure(t *testing.T, decisions []bellwether.Decision) *Check {
	t.Helper()
	checks, err := CheckPropensities(all(decisions))
	if err != nil {
		t.Fatal(err)
	}
	return first(checks, Failed)
}

func TestTruePropensitiesPass(t *testing.T) {
	for seed := range uint64(20) {
		if f := propensityFailure(t, policyWorld(1500, rand.New(rand.NewPCG(seed, 9)))); f != nil {
			t.Errorf("seed %d: false alarm %+v", seed, f)
		}
	}
}

// TestCorruptPropensitiesFire doubles 1 % of the propensities, in each way in which a record can hold them.
func TestCorruptPropensitiesFire(t *testing.T) {
	corrupt := map[string]func(*bellwether.Decision){
		"the action's":    func(d *bellwether.Decision) { d.Propensity *= 2 },
		"the candidate's": func(d *bellwether.Decision) { d.Candidates[d.Actions[0]].Propensity *= 2 },
		"both":            func(d *bellwether.Decision) { d.Propensity *= 2; d.Candidates[d.Actions[0]].Propensity *= 2 },
	}
	for name, fn := range corrupt {
		decisions := policyWorld(1000, rand.New(rand.NewPCG(1, 9)))
		for i := range decisions {
			if i%100 == 0 {
				fn(&decisions[i])
			}
		}
		if propensityFailure(t, decisions) == nil {
			t.Errorf("doubling %s propensity in 1 %% of the decisions was not seen", name)
		}
	}
}

// TestConsistentLiesFire logs distributions that are sound in themselves and not the ones drawn from.
func TestConsistentLiesFire(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 9))
	var decisions []bellwether.Decision
	for i := range 3000 {
		d := drawDecision(fmt.Sprint(i), "liar/1", []float64{0.3, 0.7}, rng)
		for k := range d.Candidates {
			d.Candidates[k].Propensity = 0.5
		}
		d.Propensity = 0.5
		decisions = append(decisions, d)
	}
	f := propensityFailure(t, decisions)
	if f == nil || math.Abs(f.Measured) < 4 {
		t.Errorf("a policy that draws .3/.7 and logs .5/.5 was not seen: %+v", f)
	}
}

// TestSlateValues: an item at place k earns its own rate over 1 + k/2. The value of another slate policy from
// the log of the first is known exactly, and the item-position estimators must hold it.
func TestSlateValues(t *testing.T) {
	const items, k, n, worlds = 6, 3, 1500, 30
	rates := []float64{0.5, 0.1, 0.3, 0.05, 0.2, 0.4}
	log := floored([]float64{0, 1, 0.5, 1, 0, -0.5}, 0.1)
	target := floored([]float64{2, 0, 1, 0, 0.5, 1.5}, 0)
	at := enumerate(target, k)
	truth := 0.0
	for j := range k {
		for i := range items {
			truth += at[j][i] * rates[i] / (1 + 0.5*float64(j))
		}
	}
	var mean, square [estimators]float64
	covered := 0.0
	for seed := range uint64(worlds) {
		rng := rand.New(rand.NewPCG(seed, 11))
		decisions, rewards := make([]bellwether.Decision, n), map[bellwether.DecisionID][]float64{}
		for i := range decisions {
			d := drawDecision(fmt.Sprint(i), "slate/1", log, rng)
			for j, a := range d.Actions {
				rewards[d.ID] = append(rewards[d.ID], indicator(rng.Float64() < rates[a]/(1+0.5*float64(j))))
			}
			decisions[i] = d
		}
		got, err := Values(all(decisions), []Target{constant(target...)}, ValueOptions{
			Level: 0.9, Bootstrap: 50,
			Reward: func(id bellwether.DecisionID) (Reward, bool) { return Reward{Positions: rewards[id]}, true },
		})
		if err != nil {
			t.Fatal(err)
		}
		for m, e := range got[0].fields() {
			mean[m] += e.Value / worlds
			square[m] += e.Value * e.Value / worlds
		}
		covered += indicator(got[0].SNDR.Interval[0] <= truth && truth <= got[0].SNDR.Interval[1]) / worlds
	}
	for _, m := range []int{ips, snips, dr, sndr} {
		se := math.Sqrt((square[m] - mean[m]*mean[m]) / worlds)
		if math.Abs(mean[m]-truth) > 4*se {
			t.Errorf("%s averages %.4f ± %.4f, the truth is %.4f", methods[m], mean[m], se, truth)
		}
	}
	if covered < 0.82 {
		t.Errorf("90 %% interval covers %.2f", covered)
	}
}

// TestRankedTarget values a policy that always shows the same list.
func TestRankedTarget(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 6))
	p := floored(make([]float64, 3), 1)
	decisions, rewards := make([]bellwether.Decision, 3000), map[bellwether.DecisionID][]float64{}
	for i := range decisions {
		d := drawDecision(fmt.Sprint(i), "slate/1", p, rng)
		for _, a := range d.Actions {
			rewards[d.ID] = append(rewards[d.ID], float64(a)) // an item earns its number, wherever it stands
		}
		decisions[i] = d
	}
	target := constant(0.1, 0.2, 0.7)
	target.Ranked = true
	got, err := Values(all(decisions), []Target{target}, ValueOptions{Reward: func(id bellwether.DecisionID) (Reward, bool) { return Reward{Positions: rewards[id]}, true }})
	if err != nil {
		t.Fatal(err)
	}
	if v := got[0].SNDR.Value; math.Abs(v-3) > 0.01 {
		t.Errorf("the list 2, 1, 0 earns 3, not %.3f", v)
	}
}
