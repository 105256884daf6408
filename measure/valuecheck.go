package measure

import (
	"fmt"
	"math"
)

// checks are those of the log alone.
func (l *logStudy) checks() []Check {
	if l.usable == 0 && l.deterministic == 0 {
		return []Check{check("there are decisions", true, Failed, 0, 1, "no decision with a mature outcome yet; wait until the attribution windows have passed")}
	}
	if l.usable == 0 {
		return []Check{check("the surface explored", true, Failed, float64(l.deterministic), 0, "this surface never explored: all its decisions are deterministic; use a policy with a floor")}
	}
	most := 0
	for _, n := range l.filters {
		most = max(most, n)
	}
	odd := 1 - float64(most)/float64(l.usable)
	return []Check{
		check("the surface explored", l.deterministic > 0, Warning, float64(l.deterministic), 0,
			fmt.Sprintf("%d deterministic decisions are left out", l.deterministic)),
		check("one surface", len(l.surfaces) > 1, Failed, float64(len(l.surfaces)), 1,
			"the decisions are of several surfaces; value each surface by itself"),
		check("one set of filters", odd > 0.01, Failed, odd, 0.01,
			"the candidates' filters changed within the log; value each span by itself, and name every filter also when it removes nothing"),
	}
}

// checks are those of the target against the log.
func (t *targetTally) checks(total *sums, v estimates, ess float64) []Check {
	unsupported := t.unsupported / total.n
	share := 0.0
	for k, p := range total.at {
		share = max(share, over(t.largest[k], p.w))
	}
	paid := over(t.earned*t.earned, t.earned2)
	meanZ, biasZ := t.z(total)
	return []Check{
		check("support", unsupported > 0.01, Failed, unsupported, 0.01,
			"the policy would do what the log never tried; log with a floor over all candidates"),
		check("weights average 1", math.Abs(meanZ) > 4, Failed, meanZ, 4,
			"the mean weight is off 1 by more than 4 standard errors: propensities are wrong or candidates are missing"),
		check("effective sample", ess < 100 || ess < 0.01*total.n, Withheld, ess, max(100, 0.01*total.n),
			fmt.Sprintf("the log is worth %.0f decisions of this policy, too few for a verdict; collect more or explore more", ess)),
		check("effective rewards", paid < minRewards, Withheld, paid, minRewards,
			fmt.Sprintf("rewards worth %.0f equal ones carry this estimate, too few for a verdict; collect more", paid)),
		check("no weight rules", share > 0.05, Warning, share, 0.05, "one decision carries more than 5 % of all weight"),
		check("reward model is unbiased", math.Abs(biasZ) > 4, Warning, biasZ, 4,
			"reward model is biased: direct method and doubly robust differ by more than 4 standard errors; trust the latter"),
	}
}

// minRewards is the least effective number of rewards, (Σw·r)²/Σ(w·r)². Where rewards are rare, many
// decisions may rest on a handful of clicks: their variance is then as unknown as their mean.
const minRewards = 30

// rounding keeps sums of rounding errors from looking like many standard errors.
const rounding = 1e-9

// z returns how many standard errors the mean weight is from 1, and the doubly robust from the direct value.
func (t *targetTally) z(total *sums) (weight, bias float64) {
	var places, excess, excess2, rest, rest2 float64
	for _, p := range total.at {
		places += p.n
		rest += (p.wr - p.wq) / total.n
	}
	for i := range t.people {
		e, r := 0.0, -rest*t.people[i].n/total.n
		for _, p := range t.people[i].at {
			e += (p.w - p.n) / places
			r += (p.wr - p.wq) / total.n
		}
		excess, excess2, rest2 = excess+e, excess2+e*e, rest2+r*r
	}
	return excess / (math.Sqrt(excess2) + rounding), rest / (math.Sqrt(rest2) + rounding)
}
