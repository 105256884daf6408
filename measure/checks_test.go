package measure

import (
	"compress/gzip"
	"encoding/csv"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"bellwether"
)

// simpleLog draws n decisions among the actions from p; the reward is Bernoulli with the action's rate.
func simpleLog(n int, p, rates []float64, rng *rand.Rand) ([]bellwether.Decision, map[bellwether.DecisionID]float64) {
	decisions, rewards := make([]bellwether.Decision, n), map[bellwether.DecisionID]float64{}
	for i := range decisions {
		a := pick(p, rng)
		d := bellwether.Decision{
			ID: bellwether.DecisionID(fmt.Sprintf("d%d", i)), Subject: bellwether.Subject(fmt.Sprintf("s%d", i)), Surface: "home", Time: epoch,
			Policy: "test/1", Evaluable: true, Actions: []int{a}, Propensity: p[a], Filters: []string{"seen:" + strconv.Itoa(i)},
		}
		for k := range p {
			d.Candidates = append(d.Candidates, bellwether.Candidate{Action: actionNames[k], Propensity: p[k]})
		}
		decisions[i] = d
		rewards[d.ID] = indicator(rng.Float64() < rates[a])
	}
	return decisions, rewards
}

// constant is a target that has the same distribution for everyone.
func constant(p ...float64) Target {
	return Target{Name: "constant", Distribution: func(*bellwether.Decision) ([]float64, error) { return p, nil }}
}

func strength(checks []Check, name string) Strength {
	for _, c := range checks {
		if c.Name == name {
			return c.Strength
		}
	}
	return "absent"
}

// TestChecksFireInBrokenWorlds has one broken world a check, and the sound world in which none fires.
func TestChecksFireInBrokenWorlds(t *testing.T) {
	half, rates := []float64{0.5, 0.5}, []float64{0.2, 0.4}
	for _, c := range []struct {
		name   string
		check  string
		want   Strength
		p      []float64
		n      int
		target Target
		broken func([]bellwether.Decision)
	}{
		{name: "sound", check: "", want: Passed, p: half, n: 4000, target: constant(0.3, 0.7)},
		{name: "a policy like the log's", check: "", want: Passed, p: half, n: 4000, target: constant(0.5, 0.5)},
		{name: "the log never tried an action", check: "support", want: Failed, p: []float64{1, 0}, n: 4000, target: constant(0.5, 0.5)},
		{name: "the target lives on a rare action", check: "effective sample", want: Withheld, p: []float64{0.99, 0.01}, n: 4000, target: constant(0, 1)},
		{name: "one weight rules", check: "no weight rules", want: Warning, p: []float64{0.999, 0.001}, n: 4000, target: constant(0.7, 0.3)},
		{
			name: "propensities are halved", check: "weights average 1", want: Failed, p: half, n: 4000, target: constant(0.3, 0.7),
			broken: func(ds []bellwether.Decision) {
				for i := range ds {
					for k := range ds[i].Candidates {
						ds[i].Candidates[k].Propensity /= 1.2
					}
				}
			},
		},
		{
			name: "two surfaces", check: "one surface", want: Failed, p: half, n: 4000, target: constant(0.3, 0.7),
			broken: func(ds []bellwether.Decision) { ds[7].Surface = "email" },
		},
		{
			name: "filters changed", check: "one set of filters", want: Failed, p: half, n: 4000, target: constant(0.3, 0.7),
			broken: func(ds []bellwether.Decision) {
				for i := range ds[:1000] {
					ds[i].Filters = []string{"stock:3"}
				}
			},
		},
		{
			name: "nothing explored", check: "the surface explored", want: Failed, p: half, n: 100, target: constant(0.3, 0.7),
			broken: func(ds []bellwether.Decision) {
				for i := range ds {
					ds[i].Evaluable = false
				}
			},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			decisions, rewards := simpleLog(c.n, c.p, rates, rand.New(rand.NewPCG(5, 5)))
			if c.broken != nil {
				c.broken(decisions)
			}
			v := valueOf(t, decisions, rewards, c.target)
			if c.check == "" {
				for _, got := range v.Checks {
					if got.Strength != Passed {
						t.Errorf("%+v", got)
					}
				}
				return
			}
			if got := strength(v.Checks, c.check); got != c.want {
				t.Fatalf("check %q is %s, want %s: %+v", c.check, got, c.want, v.Checks)
			}
			refused := v.SNDR.Interval == nil && v.SNDR.Withheld != ""
			if refused != (c.want == Failed) {
				t.Errorf("refused %v: %+v", refused, v.SNDR)
			}
			if c.want == Withheld && v.SNDR.Withheld == "" {
				t.Error("the verdict is not withheld")
			}
		})
	}
}

func TestBiasedRewardModelWarns(t *testing.T) {
	// The score says the opposite of the truth within contexts that the model cannot tell apart.
	rng := rand.New(rand.NewPCG(8, 8))
	w := newBanditWorld(17)
	decisions, rewards := w.log(20_000, rng)
	v := valueOf(t, decisions, rewards, w.asTarget())
	if got := strength(v.Checks, "reward model is unbiased"); got != Warning {
		t.Errorf("the reward model cannot hold this world, and the check says %s", got)
	}
}

func TestHoldoutImmatureAndRepeatedDecisionsAreLeftOut(t *testing.T) {
	decisions, rewards := simpleLog(1000, []float64{0.5, 0.5}, []float64{0, 1}, rand.New(rand.NewPCG(2, 2)))
	for i := range 100 {
		decisions[i].Holdout = true
	}
	delete(rewards, decisions[200].ID)
	decisions = append(decisions, decisions[300])
	if v := valueOf(t, decisions, rewards, constant(0.5, 0.5)); v.N != 899 {
		t.Errorf("%d decisions counted, want 899", v.N)
	}
}

func TestValuesClusterByPerson(t *testing.T) {
	// Each person's decisions repeat one outcome: ten of them are worth one.
	decisions, rewards := simpleLog(1000, []float64{0.5, 0.5}, []float64{0.3, 0.3}, rand.New(rand.NewPCG(4, 4)))
	var many []bellwether.Decision
	repeated := map[bellwether.DecisionID]float64{}
	for _, d := range decisions {
		reward := rewards[d.ID]
		for r := range 10 {
			d.ID = bellwether.DecisionID(fmt.Sprintf("%s-%d", d.Subject, r))
			repeated[d.ID] = reward
			many = append(many, d)
		}
	}
	width := func(v PolicyValue) float64 { return v.SNIPS.Interval[1] - v.SNIPS.Interval[0] }
	one := width(valueOf(t, decisions, rewards, constant(0.3, 0.7)))
	ten := width(valueOf(t, many, repeated, constant(0.3, 0.7)))
	if math.Abs(ten/one-1) > 0.1 {
		t.Errorf("intervals are %.4f wide for one decision a person and %.4f for ten copies", one, ten)
	}
}

func TestBadTargetIsAnError(t *testing.T) {
	decisions, rewards := simpleLog(10, []float64{0.5, 0.5}, []float64{0.3, 0.3}, rand.New(rand.NewPCG(4, 4)))
	for _, target := range []Target{constant(0.5), constant(0.5, 0.6), constant(math.NaN(), 1), constant(-0.5, 1.5)} {
		if _, err := Values(all(decisions), []Target{target}, ValueOptions{Reward: from(rewards)}); err == nil {
			t.Error("a distribution that is none was accepted")
		}
	}
}

// sharedData finds the folder of real data beside the module, or skips.
func sharedData(t *testing.T, name string) string {
	root := os.Getenv("BELLWETHER_SHARED")
	if root == "" {
		root = "../../shared"
	}
	path := filepath.Join(root, "data", name)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("real data are absent: %v", err)
	}
	return path
}

// TestOpenBanditRefuses reads the Open Bandit sample: 10 000 uniform rounds with 46 clicks. A log that small cannot
// judge another policy (docs/science.md §6, Anchors: relative errors near 1), and the effective sample must say so: for the
// Bernoulli Thompson policy's frequencies by place because too few clicks carry the estimate, for a policy
// that always shows one item because too few rounds do.
func TestOpenBanditRefuses(t *testing.T) {
	const actions, positions = 34, 3
	random, bts := readBandit(t, "bandit/obd-men-random.csv.gz"), readBandit(t, "bandit/obd-men-bts.csv.gz")
	var p [positions][actions]float64
	var total [positions]float64
	for _, r := range bts {
		p[r.position][r.item]++
		total[r.position]++
	}
	var decisions []bellwether.Decision
	rewards := map[bellwether.DecisionID]float64{}
	for i, r := range random {
		d := bellwether.Decision{
			ID: bellwether.DecisionID(strconv.Itoa(i)), Subject: bellwether.Subject(strconv.Itoa(i)), Surface: "men",
			Time: epoch, Policy: "random", Evaluable: true, Actions: []int{r.item}, Propensity: r.propensity,
			Context: map[string]float64{"position": float64(r.position)},
		}
		for a := range actions {
			d.Candidates = append(d.Candidates, bellwether.Candidate{Action: strconv.Itoa(a), Propensity: 1.0 / actions})
		}
		decisions, rewards[d.ID] = append(decisions, d), r.click
	}
	thompson := Target{Name: "bts", Distribution: func(d *bellwether.Decision) ([]float64, error) {
		at := int(d.Context["position"])
		out := make([]float64, actions)
		for a := range out {
			out[a] = p[at][a] / total[at]
		}
		return out, nil
	}}
	one := constant(pointAt(actions, 5)...)
	got, err := Values(all(decisions), []Target{thompson, one}, ValueOptions{Reward: from(rewards), Metric: Click})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range got {
		t.Logf("%s: ESS %.0f of %d, SNDR %.5f %.5f, withheld: %q", v.Policy, v.ESS, v.N, v.SNDR.Value, v.SNDR.Interval, v.SNDR.Withheld)
		if v.SNDR.Withheld == "" {
			t.Errorf("%s: a verdict rests on 10 000 rounds with 46 clicks", v.Policy)
		}
	}
	if checks, err := CheckPropensities(all(decisions)); err != nil || first(checks, Failed) != nil {
		t.Errorf("the random log's propensities are true, but %+v, %v", first(checks, Failed), err)
	}
}

func pointAt(n, at int) []float64 {
	p := make([]float64, n)
	p[at] = 1
	return p
}

type banditRow struct {
	item, position    int
	click, propensity float64
}

func readBandit(t *testing.T, name string) []banditRow {
	f, err := os.Open(sharedData(t, name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	records, err := csv.NewReader(z).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var out []banditRow
	for _, r := range records[1:] {
		item, _ := strconv.Atoi(r[2])
		position, _ := strconv.Atoi(r[3])
		click, _ := strconv.ParseFloat(r[4], 64)
		propensity, err := strconv.ParseFloat(r[5], 64)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, banditRow{item, position - 1, click, propensity})
	}
	return out
}

// TestStandardErrorsAreTrue compares each estimator's mean interval with how much it varies from log to log.
func TestStandardErrorsAreTrue(t *testing.T) {
	const logs, n = 150, 1500
	p, rates := []float64{0.7, 0.2, 0.1}, []float64{0.1, 0.3, 0.7}
	values, halves := [estimators][]float64{}, [estimators]float64{}
	for seed := range uint64(logs) {
		decisions, rewards := simpleLog(n, p, rates, rand.New(rand.NewPCG(seed, 13)))
		got, err := Values(all(decisions), []Target{constant(0.3, 0.3, 0.4)}, ValueOptions{Reward: from(rewards), Level: 0.6827, Bootstrap: 2})
		if err != nil {
			t.Fatal(err)
		}
		for m, e := range got[0].fields() {
			values[m] = append(values[m], e.Value)
			halves[m] += (e.Interval[1] - e.Interval[0]) / 2 / logs // one standard error
		}
	}
	for m := range values {
		if m == dm {
			continue // its interval leaves out the reward model's own error, and says so
		}
		sd := math.Sqrt(describe(values[m]).variance)
		if ratio := halves[m] / sd; ratio < 0.8 || ratio > 1.25 { // SD of the SD: 6 %
			t.Errorf("%s: standard error %.5f, varies by %.5f", methods[m], halves[m], sd)
		}
	}
}
